"""Is every row of a conversation there, and where it belongs? What CEL says of itself, without any other witness (pure).

Theory of operation: Asterisk's core writes rows in pairs. A channel has CHAN_START, HANGUP and CHAN_END once each, the last
two with one and the same instant; it leaves each bridge that it enters; an application that began ends; a channel of a
person is answered before it is in a bridge; a Linkedid ends with the hang-up of the last channel that has it, in the same
instant. The first two of a bridge enter it within `LIMIT_MS` (Dial and Queue put both in at once), and where no third ever
was they leave it so (it is dissolved when one leaves). Who stays in a part of the dialplan that begins with Answer() was
answered. So a row that was lost or moved is found even where no instant of the call depends on it. What is not found: a row
that nothing else implies, such as the ANSWER of a phone whose caller was gone in that instant, or of one who waited and was then
refused; the dialplan's own rows are not read at all.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from callcenter.witness.cel import CelKind, CelMark, CelRow
from callcenter.witness.conversations import Conversation

LIMIT_MS = 50
_PAIRED = (("APP_START", "APP_END"),)
_NO_ANSWER = ("Local/", "Announcer/", "Recorder/", "Snoop/", "Surrogate/")
_ANSWERED = frozenset(
    f"callcenter-{name}" for name in ("menu", "hold", "fallback", "voicemail", "voicemail-left", "login", "feature")
)
"""Parts of the dialplan (config/asterisk/extensions_callcenter.conf) that answer first; each is come to within a rest of 0.3 s
from the last thing that the core told of the channel, and its Answer() is done within milliseconds."""
STAYED_MS = 1_000
"""Who hung up sooner may have been gone before it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not right with the rows themselves."""

    linkedid: str
    """Of the channel that it is about: the call's Uniqueid, but where a transfer changed it."""
    what: str


def faults_of(conversation: Conversation) -> list[Fault]:
    """Return what is wrong with the rows of a conversation that is over; nothing for one that was dropped or goes on."""
    if conversation.is_dropped or conversation.living:
        living = conversation.living
        if conversation.is_dropped or not _has_ended(conversation, living):
            return []
    rows = conversation.in_order()
    by_channel: dict[str, list[CelRow]] = {}
    for row in rows:
        by_channel.setdefault(row.uniqueid, []).append(row)
    found: list[Fault] = []
    for own in by_channel.values():
        born = own[0].linkedid
        found += (Fault(born, what) for what in _of_channel(own, conversation.marks))
    found += _of_linkedids(rows)
    found += _of_pairs(rows)
    return found


def _has_ended(conversation: Conversation, living: set[str]) -> bool:
    """Whether channels without a HANGUP are gone all the same: their CHAN_END, or their Linkedid's end, is there."""
    ended = {mark.uniqueid for mark in conversation.marks if mark.kind == "CHAN_END"}
    ended |= {row.uniqueid for row in conversation.rows if row.kind is CelKind.LINKEDID_END}
    return living <= ended


def _of_channel(rows: Sequence[CelRow], marks: dict[CelMark, None]) -> Iterator[str]:
    channel, uniqueid = rows[0].channel, rows[0].uniqueid
    kinds = Counter(row.kind.value for row in rows)
    mine = [mark for mark in marks if mark.uniqueid == uniqueid]
    kinds.update(mark.kind for mark in mine)
    for kind in ("CHAN_START", "HANGUP", "CHAN_END"):
        if kinds[kind] != 1:
            yield f"{channel}: {kinds[kind] or 'no'} {kind}"
    for begin, end in _PAIRED:
        if kinds[begin] != kinds[end]:
            yield f"{channel}: {kinds[begin]} {begin}, {kinds[end]} {end}"
    hangups = [row.at_us for row in rows if row.kind is CelKind.HANGUP]
    ends = [mark.at_us for mark in mine if mark.kind == "CHAN_END"]
    if hangups and ends and hangups != ends:
        yield f"{channel}: HANGUP and CHAN_END are not of one instant"
    if hangups and any(row.at_us > hangups[0] for row in rows):
        yield f"{channel}: a row behind its HANGUP"
    if kinds["CHAN_START"] == 1 and rows[0].kind is not CelKind.CHAN_START:
        yield f"{channel}: a row before its CHAN_START"
    yield from _of_stays(channel, rows)
    yield from _of_answer(channel, rows, mine)


def _of_stays(channel: str, rows: Sequence[CelRow]) -> Iterator[str]:
    inside: set[str] = set()
    is_answered = channel.startswith(_NO_ANSWER)
    for row in rows:
        if row.kind is CelKind.ANSWER:
            is_answered = True
        elif row.kind is CelKind.BRIDGE_ENTER:
            if row.bridge_id in inside:
                yield f"{channel}: no BRIDGE_EXIT before its next BRIDGE_ENTER"
            if not is_answered:
                yield f"{channel}: no ANSWER before its BRIDGE_ENTER"
                is_answered = True
            inside.add(row.bridge_id)
        elif row.kind is CelKind.BRIDGE_EXIT:
            if row.bridge_id not in inside:
                yield f"{channel}: BRIDGE_EXIT without BRIDGE_ENTER"
            inside.discard(row.bridge_id)
    if inside:
        yield f"{channel}: no BRIDGE_EXIT"


def _of_answer(channel: str, rows: Sequence[CelRow], marks: Sequence[CelMark]) -> Iterator[str]:
    """The ANSWER of one who met nobody: who hung up a while after he came into a part that answers first has one."""
    if channel.startswith(_NO_ANSWER) or any(row.kind in (CelKind.ANSWER, CelKind.BRIDGE_ENTER) for row in rows):
        return
    told = [row.at_us for row in rows] + [mark.at_us for mark in marks]
    for hangup in rows:
        if hangup.kind is CelKind.HANGUP and hangup.context in _ANSWERED:
            before = [at_us for at_us in told if at_us < hangup.at_us]
            if before and hangup.at_us - max(before) >= STAYED_MS * 1000:
                yield f"{channel}: no ANSWER before it hung up in {hangup.context}"


def _of_linkedids(rows: Sequence[CelRow]) -> Iterator[Fault]:
    hangups = {row.uniqueid: row for row in rows if row.kind is CelKind.HANGUP}
    ends = Counter(row.linkedid for row in rows if row.kind is CelKind.LINKEDID_END)
    for linkedid in sorted({row.linkedid for row in rows}):
        if ends[linkedid] != 1:
            yield Fault(linkedid, f"Linkedid {linkedid}: {ends[linkedid] or 'no'} LINKEDID_END")
    for row in rows:
        if row.kind is not CelKind.LINKEDID_END or (hangup := hangups.get(row.uniqueid)) is None:
            continue
        if row.linkedid == hangup.linkedid and row.at_us != hangup.at_us:
            yield Fault(row.linkedid, f"Linkedid {row.linkedid}: LINKEDID_END is not of its last HANGUP's instant")


def _of_pairs(rows: Sequence[CelRow]) -> Iterator[Fault]:
    """The first two of a bridge enter it together; if no third ever came and none came again, they leave it together."""
    bridges: dict[str, list[CelRow]] = {}
    for row in rows:
        if row.kind in (CelKind.BRIDGE_ENTER, CelKind.BRIDGE_EXIT):
            bridges.setdefault(row.bridge_id, []).append(row)
    for moves in bridges.values():
        enters = [row for row in moves if row.kind is CelKind.BRIDGE_ENTER]
        exits = [row for row in moves if row.kind is CelKind.BRIDGE_EXIT]
        pairs = [enters[:2], exits if len(enters) == 2 else []]
        for pair in pairs:
            is_apart = len(pair) == 2 and pair[1].at_us - pair[0].at_us > LIMIT_MS * 1000
            if is_apart and pair[0].uniqueid != pair[1].uniqueid:
                yield Fault(pair[0].linkedid, f"{pair[0].channel} and {pair[1].channel}: {pair[0].kind} not together")

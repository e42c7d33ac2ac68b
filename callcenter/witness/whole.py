"""Is every row of a conversation there, and where it belongs? What CEL says of itself, without any other witness (pure).

Theory of operation: Asterisk's core writes rows in pairs. A channel has CHAN_START, HANGUP and CHAN_END once each, the last
two with one and the same instant; it leaves each bridge that it enters; an application that began ends; a channel of a
person is answered before it is in a bridge; a Linkedid ends with the hang-up of the last channel that has it, in the same
instant. The first two of a bridge enter it within `LIMIT_MS` (Dial and Queue put both in at once), and where no third ever
was they leave it so (it is dissolved when one leaves). Who stays in a part of the dialplan that begins with Answer() was
answered. A channel's Dial or Queue ends before its next begins, neither while it is in a bridge; who is dialled comes into being
within one of the conversation's; a CHAN_START is of the second in its Uniqueid.

So a row that was lost is found even where no instant of the call depends on it, but for the ANSWER of one who met nobody and was gone
at once, refused, or in a part that does not answer first. A row that was moved by more than `LIMIT_MS` is found where two rows share
its instant by these rules or the call has it: HANGUP, CHAN_END, a caller's CHAN_START, BRIDGE_ENTER, BRIDGE_EXIT, LINKEDID_END. Else it is
found where it comes to lie beyond a neighbour: an ANSWER before its channel's CHAN_START or behind its first BRIDGE_ENTER; a Dial's or
Queue's beginning or end beyond another of its channel's, its CHAN_START, its HANGUP, in a bridge, or so that somebody was
dialled outside it; a CHAN_START of nobody who called behind another row of its channel, outside the Dial or Queue, or in another second.
What is not found: such a row moved within these; the BRIDGE_EXIT of a seat who joined two calls and left them, moved within its
neighbours; the LINKEDID_END of a Linkedid whose last channel lived on with another, moved at all. The dialplan's own rows are not read.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from callcenter.witness.cel import CelKind, CelMark, CelRow
from callcenter.witness.conversations import Conversation, made_of

LIMIT_MS = 50
_PAIRED = ("APP_START", "APP_END")
"""Of Dial and Queue alone (config/asterisk/cel_callcenter.conf)."""
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
    found += _of_legs(by_channel, conversation.marks)
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
    begin, end = _PAIRED
    if kinds[begin] != kinds[end]:
        yield f"{channel}: {kinds[begin]} {begin}, {kinds[end]} {end}"
    hangups = [row.at_us for row in rows if row.kind is CelKind.HANGUP]
    ends = [mark.at_us for mark in mine if mark.kind == "CHAN_END"]
    if hangups and ends and hangups != ends:
        yield f"{channel}: HANGUP and CHAN_END are not of one instant"
    applications = [mark for mark in mine if mark.kind != "CHAN_END"]
    told = [*(row.at_us for row in rows), *(mark.at_us for mark in applications)]
    if hangups and max(told) > hangups[0]:
        yield f"{channel}: a row behind its HANGUP"
    if kinds["CHAN_START"] == 1 and min(told) < next(row.at_us for row in rows if row.kind is CelKind.CHAN_START):
        yield f"{channel}: a row before its CHAN_START"
    if any(row.kind is CelKind.CHAN_START and not _is_of_its_second(row) for row in rows):
        yield f"{channel}: its CHAN_START is not of the second in its Uniqueid"
    yield from _of_applications(channel, rows, applications)
    yield from _of_stays(channel, rows)
    yield from _of_answer(channel, rows, mine)


def _is_of_its_second(start: CelRow) -> bool:
    """A Uniqueid has the second in which its channel was made; CHAN_START is told at once."""
    made = made_of(start.uniqueid)
    within_us = start.at_us - made[0] * 1_000_000 if made is not None else 0
    return -LIMIT_MS * 1000 <= within_us <= 1_000_000 + LIMIT_MS * 1000


def _of_applications(channel: str, rows: Sequence[CelRow], marks: Sequence[CelMark]) -> Iterator[str]:
    """One application ends before the next begins, and none of those told begins or ends while its channel is in a bridge."""
    in_order = sorted(marks, key=_instant)
    if any(mark.kind != _PAIRED[number % 2] for number, mark in enumerate(in_order)):
        yield f"{channel}: APP_START and APP_END not by turns"
    entered: dict[str, int] = {}
    for row in rows:
        if row.kind is CelKind.BRIDGE_ENTER:
            entered[row.bridge_id] = row.at_us
        elif row.kind is CelKind.BRIDGE_EXIT and row.bridge_id in entered:
            for mark in in_order:
                if entered[row.bridge_id] < mark.at_us < row.at_us:
                    yield f"{channel}: {mark.kind} while it is in a bridge"


def _of_legs(by_channel: Mapping[str, Sequence[CelRow]], marks: Iterable[CelMark]) -> Iterator[Fault]:
    """Who is dialled comes into being while somebody dials: in the Dial or Queue of a channel of the conversation."""
    begun: dict[str, list[int]] = {}
    spans: list[tuple[int, int]] = []
    for mark in sorted(marks, key=_instant):
        if mark.kind == "APP_START":
            begun.setdefault(mark.uniqueid, []).append(mark.at_us)
        elif mark.kind == "APP_END" and (begins := begun.get(mark.uniqueid)):
            spans.append((begins.pop() - LIMIT_MS * 1000, mark.at_us + LIMIT_MS * 1000))
    for rows in by_channel.values():
        first = next((row for row in rows if row.kind is CelKind.CHAN_START), None)
        if first is None or not spans or first.linkedid == first.uniqueid or first.channel.startswith(_NO_ANSWER):
            continue
        if not any(begin <= first.at_us <= end for begin, end in spans):
            yield Fault(first.linkedid, f"{first.channel}: its CHAN_START is in nobody's Dial or Queue")


def _instant(one: CelRow | CelMark) -> int:
    return one.at_us


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

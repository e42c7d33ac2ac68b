"""What CEL knows of a gap and the ledger does not, as records (pure).

Theory of operation: each caller whose channel CEL has is looked up in the ledger. One that the ledger does not know is
told whole; of one that it knows only what nobody saw is told: talks that began or ended in the gap, and the end. What was
seen live has an instant before the gap, or one of CEL's within `SAME_MS`, and is left alone. So telling twice tells
nothing the second time, and a call that is told wrongly by a snapshot (a talk found there began earlier) is put right.

The outcome is what the witness's rows allow (`callcenter.witness.verdict`); where they allow two, it stays unknown.
A caller's channel without a HANGUP is waited for by whoever calls this, as rows may come late. Where Asterisk was started
anew in the gap, no row will ever come: the PBX dropped the call, `failed(system)` unless it had been answered, and its
end is the last sign of life of any channel that was dropped with it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from acd.names import CallId, EndedBy, Outcome, Via
from acd.plan import Line, Plan
from acd.records import (
    CallClosed,
    CallInMenu,
    CallOpened,
    CallRebuilt,
    CallWaiting,
    TalkClosed,
    TalkOpened,
)
from callcenter.asterisk.target import Target, parse_target
from callcenter.rebuild.after import tell_after
from callcenter.rebuild.dialled_out import dialled_out, tell_dialled_out
from callcenter.rebuild.gaps import SAME_MS, Gap, Person
from callcenter.rebuild.open_ends import NamedTalk, reason_of, tell_exit, tell_open_hand_overs, tell_open_offers
from callcenter.storage.call_fold import CallRecord, CallStory, Row
from callcenter.witness.calls import CelCall, CelCalls, CelTalk, DeviceUse
from callcenter.witness.cel import CelRow
from callcenter.witness.channels import endpoint_of
from callcenter.witness.dialled import CelDialled
from callcenter.witness.rebuild import rebuild
from callcenter.witness.spoken import Dial, DialKind, Spoken

NEAR_MS = 1_000
"""Two witnesses of one talk do not differ by more, at either end."""
_BUILTIN = "dialplan/builtin"

Stories = Mapping[CallId, CallStory]


@dataclass(slots=True)
class Account:
    """What came out."""

    records: list[CallRecord] = field(default_factory=list)
    calls: set[CallId] = field(default_factory=set)
    """Whose end, or whole life, was told."""
    missing: set[CallId] = field(default_factory=set)
    """Calls that are over and whose end CEL does not have (yet)."""
    answered: dict[CallId, int] = field(default_factory=dict)
    """Living calls whose first talk began in the gap, and when."""


@dataclass(frozen=True, slots=True)
class _Scene:
    gap: Gap
    plan: Plan
    living: Collection[str]
    crashed_ms: int | None
    """When Asterisk died with all that lived, at the earliest; None: it did not."""


def tell(
    gap: Gap,
    rows: Sequence[CelRow],
    spoken: Mapping[str, Spoken],
    known: Stories,
    living: Collection[str],
    plan: Plan,
) -> Account:
    """Say what is missing. `known`: the ledger's calls that lived in the gap; `living`: Uniqueids with a channel now."""
    uses = [DeviceUse(phone, person.who, person.kind) for phone, person in gap.people.items()]
    trunks = {endpoint_of(one.channel) for one in spoken.values()} - {""}
    cel = rebuild(rows, pbx=gap.pbx, callers=trunks, devices=uses)
    scene = _Scene(gap, plan, living, _crashed_ms(gap, cel, living))
    account = Account()
    for call in cel.calls:
        said = spoken.get(call.call.uniqueid)
        story = known.get(call.call)
        if said is None or call.arrived_ms > gap.to_ms:
            continue
        if story is None and (call.call.uniqueid in living or call.arrived_ms < gap.from_ms):
            continue  # the snapshot told it, or it is over and done with
        _tell_call(scene, account, call, said, story)
    told = {call.call for call in cel.calls if call.call.uniqueid in spoken}
    out = dialled_out(known, rows)
    for key, story in known.items():
        if key not in told:
            _tell_without_beginning(scene, account, cel, key, story, out.get(key))
    return account


def _crashed_ms(gap: Gap, cel: CelCalls, living: Collection[str]) -> int | None:
    if not gap.has_restarted:
        return None
    signs = [at_ms for uniqueid, at_ms in cel.last_signs.items() if uniqueid not in living and at_ms <= gap.to_ms]
    return min(max([gap.watched_ms, *signs]), gap.to_ms)


def _tell_call(scene: _Scene, account: Account, call: CelCall, said: Spoken, story: CallStory | None) -> None:
    records: list[CallRecord] = []
    talks = _talks(scene, call, said, story)
    is_over = call.call.uniqueid not in scene.living
    for talk in talks:
        records += _tell_talk(scene, call, talk, story, is_over)
    if is_over:
        records += tell_after(call.call, said, talks[0].cel.began_ms if talks else None, call.ended_ms, story)
        records += _tell_end(scene, account, call, said, talks, story)
    elif story is not None:
        missed = [talk for talk in talks if talk.cel.began_ms <= scene.gap.to_ms]
        records += tell_open_hand_overs(call, story, missed, EndedBy.UNKNOWN, scene.gap.to_ms)
        if talks and _is_news(scene, talks[0].cel.began_ms, story):
            account.answered[call.call] = talks[0].cel.began_ms
    row = None if story is None else story.row
    if row is None or row["opening_unseen"]:
        records = _tell_beginning(scene, call, said) + records
    else:
        records = _tell_greeting(scene, call, said, row) + records
    if records:
        marked = CallRebuilt(call.call, scene.gap.to_ms)
        records.insert(1 if isinstance(records[0], CallOpened) else 0, marked)
        account.records += records


def _is_news(scene: _Scene, began_ms: int, story: CallStory) -> bool:
    """Whether the ledger takes the first talk for later than it was."""
    assert story.row is not None
    answered_ms = story.row["answered_ms"]
    return began_ms >= scene.gap.from_ms and (answered_ms is None or answered_ms > began_ms + SAME_MS)


# -- the beginning of a call that nobody saw ---------------------------------------------------------------------------


def _tell_beginning(scene: _Scene, call: CelCall, said: Spoken) -> list[CallRecord]:
    line = _line(scene, said)
    records: list[CallRecord] = [
        CallOpened(
            call=call.call,
            at_ms=said.arrived_ms,
            line=line.code,
            did=said.did,
            caller_number=said.caller_number,
            caller_name="",
            sip_call_id=said.sip_call_id,
            is_test=said.is_test,
            platform_id=scene.plan.platform_id,
            found=True,
        )
    ]
    queued_ms = said.arrived_ms if said.menu_ms is None else None
    return [*records, *_tell_way_in(call, said, line, queued_ms)]


def _tell_greeting(scene: _Scene, call: CelCall, said: Spoken, row: Row) -> list[CallRecord]:
    """The greeting of a call that is known, where its beginning or end lay in the gap."""
    told = _tell_way_in(call, said, _line(scene, said), None)
    is_known = {CallInMenu: row["menu_ms"] is not None, CallWaiting: row["queued_ms"] is not None}
    return [record for record in told if not is_known[type(record)]]


def _tell_way_in(call: CelCall, said: Spoken, line: Line, queued_ms: int | None) -> list[CallInMenu | CallWaiting]:
    records: list[CallInMenu | CallWaiting] = []
    if said.menu_ms is not None:
        records.append(CallInMenu(call.call, said.menu_ms))
    if queued_ms is not None or said.queued_ms is not None:
        at_ms = said.queued_ms if queued_ms is None else queued_ms
        assert at_ms is not None
        records.append(CallWaiting(call.call, at_ms, line.code, line.need.text, 1))
    return records


def _line(scene: _Scene, said: Spoken) -> Line:
    plan = scene.plan
    return plan.lines.get(said.line) or plan.line_of(said.did) or plan.lines[plan.default_line]


# -- talks -------------------------------------------------------------------------------------------------------------


def _talks(scene: _Scene, call: CelCall, said: Spoken, story: CallStory | None) -> list[NamedTalk]:
    """All talks with people of ours, named; a specialist on an outside number is one of ours."""
    found = [_named(scene, talk, _dial_of(said, talk)) for talk in call.talks]
    for talk in call.outside:
        dial, row = _dial_of(said, talk), _known_outside(story, talk)
        if row is not None:
            found.append(_as_known(row, talk))
        elif dial is not None and dial.kind is DialKind.OFFER:
            found.append(_named(scene, talk, dial))
    return sorted(found, key=lambda talk: talk.cel.began_ms)


def _known_outside(story: CallStory | None, talk: CelTalk) -> Row | None:
    """The ledger's row of a talk with an outside line: CEL does not know the number, the instant tells."""
    rows = [] if story is None else story.talks.values()
    return next(
        (row for row in rows if row["kind"] != "seat" and abs(row["opened_ms"] - talk.began_ms) < NEAR_MS), None
    )


def _as_known(row: Row, talk: CelTalk) -> NamedTalk:
    return NamedTalk(row["offer"], row["agent"], row["kind"], row["device"], Via(row["via"]), talk)


def _dial_of(said: Spoken, talk: CelTalk) -> Dial | None:
    return None if talk.dialled_ms is None else said.dial_of(talk.dialled_ms)


def _named(scene: _Scene, talk: CelTalk, dial: Dial | None) -> NamedTalk:
    target = _target(dial)
    device = talk.device if target is None else target.digits
    person = scene.gap.people.get(device) or Person(device, "unknown")
    offer = f"joined-{talk.leg}" if target is None else target.offer
    via = Via.JOINED
    if dial is not None:
        via = Via.FALLBACK if dial.kind is DialKind.QUEUE else Via.ENGINE
    return NamedTalk(offer, person.who, person.kind, device, via, talk)


def _target(dial: Dial | None) -> Target | None:
    return None if dial is None or dial.kind is not DialKind.OFFER else parse_target(dial.target)


def _tell_talk(
    scene: _Scene, call: CelCall, talk: NamedTalk, story: CallStory | None, is_over: bool
) -> list[CallRecord]:
    gap, began_ms, ended_ms = scene.gap, talk.cel.began_ms, talk.cel.ended_ms
    if ended_ms is None and is_over and call.ended_ms is None:
        ended_ms = scene.crashed_ms  # nobody lived on
    has_ended = ended_ms is not None and (is_over or ended_ms <= gap.to_ms)
    row = None if story is None else _same(story, talk)
    if row is None:
        if (not is_over and not has_ended) or (ended_ms is not None and story is not None and ended_ms < gap.from_ms):
            return []  # the snapshot told it, or it was seen live under another name
        records: list[CallRecord] = [_opened(call, talk, talk.offer)]
        return records + (
            [TalkClosed(call.call, talk.offer, ended_ms, 0)] if has_ended and ended_ms is not None else []
        )
    records = []
    if row["opened_ms"] > began_ms + SAME_MS and row["opened_ms"] >= gap.from_ms:
        records.append(_opened(call, _as_known(row, talk.cel), row["offer"]))
    closed_ms = row["closed_ms"]
    is_late = closed_ms is not None and ended_ms is not None and closed_ms > ended_ms + SAME_MS
    if ended_ms is not None and has_ended and (closed_ms is None or (is_late and closed_ms >= gap.from_ms)):
        records.append(TalkClosed(call.call, row["offer"], ended_ms, row["hold_ms"]))
    return records


def _opened(call: CelCall, talk: NamedTalk, offer: str) -> TalkOpened:
    return TalkOpened(call.call, offer, talk.cel.began_ms, talk.who, talk.kind, talk.device, talk.via)


def _same(story: CallStory, talk: NamedTalk) -> Row | None:
    """The ledger's row of this talk: with the same phone, and at the same time."""
    end_ms = talk.cel.ended_ms
    for row in sorted(story.talks.values(), key=lambda row: int(row["opened_ms"])):
        if row["device"] != talk.device and row["offer"] != talk.offer:
            continue
        closed_ms = row["closed_ms"]
        begins_in_time = end_ms is None or row["opened_ms"] <= end_ms + NEAR_MS
        if begins_in_time and (closed_ms is None or closed_ms >= talk.cel.began_ms - NEAR_MS):
            return row
    return None


# -- the end -----------------------------------------------------------------------------------------------------------


def _tell_end(
    scene: _Scene, account: Account, call: CelCall, said: Spoken, talks: list[NamedTalk], story: CallStory | None
) -> list[CallRecord]:
    """What is to be told of the end of a call that has no channel any more."""
    row = None if story is None else story.row
    if call.ended_ms is None:
        if row is not None and row["ended_ms"] is not None and row["ended_by"] != EndedBy.UNKNOWN:
            return []
        if scene.crashed_ms is None or call.arrived_ms > scene.crashed_ms:
            account.missing.add(call.call)
            return []
    elif row is not None and not _end_is_news(scene, row, call.ended_ms):
        return []
    account.calls.add(call.call)
    end_ms, by = call.ended_ms, call.ended_by or EndedBy.UNKNOWN
    if end_ms is None:
        end_ms, by = scene.crashed_ms or scene.gap.to_ms, EndedBy.SYSTEM
    elif talks and call.ended_source == _BUILTIN:
        by = EndedBy.AGENT  # behind the talk the dialplan itself hangs up
    records = tell_exit(call, said, story)
    outcome = _outcome(call, talks, row)
    if story is not None:
        records += tell_open_offers(call, story, talks, outcome, end_ms)
        records += tell_open_hand_overs(call, story, talks, by, end_ms)
    return [*records, CallClosed(call.call, end_ms, by, outcome, reason_of(outcome, said))]


def _end_is_news(scene: _Scene, row: Row, ended_ms: int) -> bool:
    """Whether the ledger knows no end, or one that nobody saw."""
    if row["ended_ms"] is None:
        return True
    if row["ended_by"] != EndedBy.UNKNOWN or row["ended_ms"] < scene.gap.from_ms:
        return False
    return row["outcome"] is None or bool(row["ended_ms"] > ended_ms + SAME_MS)


def _outcome(call: CelCall, talks: list[NamedTalk], row: Row | None) -> Outcome | None:
    if talks or (row is not None and row["answered_ms"] is not None):
        return Outcome.AGENT_ANSWERED
    if call.ended_ms is None:
        return Outcome.FAILED
    return next(iter(call.outcomes)) if len(call.outcomes) == 1 else None


def _tell_without_beginning(
    scene: _Scene, account: Account, cel: CelCalls, key: CallId, story: CallStory, out: CelDialled | None
) -> None:
    """A call of the ledger whose arrival is not among the rows: an outbound one, or one that is older than the file."""
    row = story.row
    if row is None or key.uniqueid in scene.living or row["arrived_ms"] > scene.gap.to_ms:
        return
    ended_ms = cel.ends.get(key.uniqueid)
    if ended_ms is None:
        if row["ended_ms"] is None or (row["ended_by"] == EndedBy.UNKNOWN and row["outcome"] is None):
            account.missing.add(key)
        return
    if not _end_is_news(scene, row, ended_ms):
        return
    if out is not None and out.ended_ms is not None:
        account.calls.add(key)
        account.records += tell_dialled_out(key, out, story, scene.gap.to_ms)
        return
    is_answered = row["direction"] == "inbound" and row["answered_ms"] is not None
    outcome = Outcome.AGENT_ANSWERED if is_answered else None
    account.calls.add(key)
    account.records += [
        CallRebuilt(key, scene.gap.to_ms),
        CallClosed(key, ended_ms, EndedBy.UNKNOWN, outcome, ""),
    ]

"""What of a call's exit, open offers and open hand-overs CEL can tell once the call is over (pure).

An exit's wish stands in CEL (`CcOut`), and so does a message that was left (`CcVoicemail`). An offer whose end nobody saw
became a talk, or rang until the caller gave up; a hand-over reached the specialist who talked next, or the caller was
gone. More is not known of them, and they stay open on record.
"""

from dataclasses import dataclass

from acd.names import EndedBy, HandOverResult, OfferResult, Outcome, RecordingKind, Via
from acd.records import CallLeft, HandOverClosed, OfferClosed, RecordingClosed, RecordingOpened
from callcenter.asterisk.target import OUT, REJECT, VOICEMAIL, Target, parse_target
from callcenter.storage.call_fold import CallRecord, CallStory
from callcenter.witness.calls import CelCall, CelTalk
from callcenter.witness.spoken import DialKind, Spoken

_LEAVES = {OUT: "", VOICEMAIL: "voicemail "}
"""Kinds of exits that hand a caller over -> how the engine names where to, before the number."""


@dataclass(frozen=True, slots=True)
class NamedTalk:
    """One talk, named as the ledger names it."""

    offer: str
    who: str
    kind: str
    device: str
    via: Via
    cel: CelTalk


def reason_of(outcome: Outcome | None, said: Spoken) -> str:
    if outcome is Outcome.FAILED:
        return "system"
    target = exit_of(said)[0]
    return target.digits if outcome is Outcome.REJECTED and target is not None and target.kind == REJECT else ""


def exit_of(said: Spoken) -> tuple[Target | None, int]:
    """The exit's wish that was taken last, and when; None: none was."""
    exits = [dial for dial in said.dials if dial.kind is DialKind.OUT]
    return (parse_target(exits[-1].target), exits[-1].at_ms) if exits else (None, 0)


def tell_exit(call: CelCall, said: Spoken, story: CallStory | None) -> list[CallRecord]:
    """The hand-over to an outside number or a mailbox whose wish was taken and nobody told so, and the message left there."""
    records: list[CallRecord] = []
    target, at_ms = exit_of(said)
    is_told = story is not None and story.row is not None and story.row["left_ms"] is not None
    if target is not None and target.kind in _LEAVES and not is_told:
        records.append(CallLeft(call.call, at_ms, _LEAVES[target.kind] + target.digits))
    for message in said.messages:
        if story is None or message.path not in story.recordings:
            began_ms = max(message.at_ms - (message.length_ms or 0), said.arrived_ms)
            records.append(RecordingOpened(call.call, began_ms, RecordingKind.VOICEMAIL, message.path))
            records.append(RecordingClosed(call.call, message.at_ms, message.path, message.size, message.length_ms))
    return records


def tell_open_offers(
    call: CelCall, story: CallStory, talks: list[NamedTalk], outcome: Outcome | None, end_ms: int
) -> list[CallRecord]:
    """An offer whose end nobody saw: it became a talk, or rang until the caller gave up; more is not known of it."""
    became = {talk.offer: talk.cel.began_ms for talk in talks}
    became |= {row["offer"]: row["opened_ms"] for row in story.talks.values()}
    open_offers = sorted(
        (row for row in story.offers.values() if row["result"] is None), key=lambda row: int(row["made_ms"])
    )
    records: list[CallRecord] = []
    for row in open_offers:
        if row["offer"] in became:
            records.append(OfferClosed(call.call, row["offer"], became[row["offer"]], OfferResult.ACCEPTED))
        elif row is open_offers[-1] and outcome is Outcome.ABANDONED_RINGING:
            records.append(OfferClosed(call.call, row["offer"], end_ms, OfferResult.CALLER_GONE))
    return records


def tell_open_hand_overs(
    call: CelCall, story: CallStory, talks: list[NamedTalk], by: EndedBy, end_ms: int
) -> list[CallRecord]:
    records: list[CallRecord] = []
    for row in story.hand_overs.values():
        if row["result"] is not None:
            continue
        after = [talk for talk in talks if talk.kind == "specialist" and talk.cel.began_ms >= row["opened_ms"]]
        if after:
            began_ms = after[0].cel.began_ms
            records.append(HandOverClosed(call.call, row["seq"], began_ms, HandOverResult.REACHED, after[0].who))
        elif by is EndedBy.CALLER:
            records.append(HandOverClosed(call.call, row["seq"], end_ms, HandOverResult.CALLER_GONE, None))
    return records

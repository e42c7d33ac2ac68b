"""Callers: arriving, the greeting, holding, hanging up; and the one outcome of each call.

Theory of operation: a call's outcome is decided once, when its channel is gone, from what it had reached
(`_outcome`). An answered call is agent_answered whatever followed. A caller who hangs up while a phone is being
dialled or rings for him is abandoned_ringing, also when the dial's own end is told first; with a wish that was not
taken yet, abandoned_queue, for nobody's phone knew of him. So is one who hangs up before he has left a message in a
voicemail box, or while he hears the prompt on his way to another line: he waited and gave up. Who is turned away by his
number (`acd.blocked`) has no outcome, however he goes.
"""

from acd import blocked, consults, handover, lines, offers, recording, talks, three_way
from acd.calls import Call, OfferState, Place
from acd.events import CallArrived, CallerGone, CallFound, CallHolding, CallQueued, MenuStarted
from acd.floor import Due, Floor
from acd.names import EndedBy, OfferResult, Outcome
from acd.plan import Line
from acd.records import CallClosed, CallInMenu, CallOpened

_PER_CALL = (Due.STEP, Due.RETURN, Due.EXIT)


def on_arrived(floor: Floor, event: CallArrived) -> None:
    """A caller's channel reached us."""
    if event.call in floor.calls:
        floor.ignore(event, "the call is known", event.call)
        return
    line = line_of(floor, event.line, event.did)
    if line is None or (event.did and floor.plan.line_of(event.did) is None):  # the dialplan may name the default line
        line = line or floor.plan.lines[floor.plan.default_line]
        floor.note("unknown_did", event.did, event.call)
    call = taken_in(floor, event, line, event.at_ms, event.at_ms)
    call.has_menu = event.has_menu
    blocked.judge(floor, call)
    if not event.has_menu:
        lines.queue(floor, call)


def taken_in(
    floor: Floor, event: CallArrived | CallFound, line: Line, arrived_ms: int, score_ms: int, *, found: bool = False
) -> Call:
    """Make a call of what its channel says, and put it on record. `found`: at the start, so it may be there already."""
    stage = floor.stages.by_line[line.code][0]
    call = Call(
        event.call,
        floor.next_number(),
        line,
        stage,
        floor.needs.slots[stage.need],
        arrived_ms,
        score_ms,
        did=event.did,
        caller_number=event.caller_number,
        last_ms=arrived_ms,
    )
    floor.calls[event.call] = call
    floor.records.append(
        CallOpened(
            call=event.call,
            at_ms=arrived_ms,
            line=line.code,
            did=event.did,
            caller_number=event.caller_number,
            caller_name=event.caller_name,
            sip_call_id=event.sip_call_id,
            is_test=event.is_test,
            platform_id=floor.plan.platform_id,
            found=found,
        )
    )
    return call


def line_of(floor: Floor, code: str | None, did: str) -> Line | None:
    """Return the line that a call is for: by its code, else by the number dialled; None when the plan knows neither."""
    return floor.plan.lines.get(code or "") or floor.plan.line_of(did)


def on_menu(floor: Floor, event: MenuStarted) -> None:
    """The line's greeting began."""
    call = floor.calls.get(event.call)
    if call is None or call.place is not Place.MENU:
        floor.ignore(event, "no such call" if call is None else "queued already", event.call)
        return
    call.has_menu = True
    floor.records.append(CallInMenu(call.id, floor.at(call)))


def on_queued(floor: Floor, event: CallQueued) -> None:
    """The greeting is over."""
    call = floor.calls.get(event.call)
    if call is None or call.place is not Place.MENU:
        floor.ignore(event, "no such call" if call is None else "queued already", event.call)
        return
    lines.greeted(floor, call)


def on_holding(floor: Floor, event: CallHolding) -> None:
    """The caller is (back) in the hold loop."""
    call = floor.calls.get(event.call)
    if call is None:
        floor.ignore(event, "no such call", event.call)
        return
    if call.talks:
        floor.note("talk_end_lost", "holding again", call.id)
        for talk in list(call.talks.values()):
            talks.close_talk(floor, talk)
        talks.after_talk(floor, call)
    if call.place is Place.OFFER and call.offer is not None and call.offer.has_connected:
        floor.note("end_lost", "holding again", call.id)
        offers.close(floor, call.offer, OfferResult.TIMED_OUT, "holding again")
        offers.expect_return(floor, call)
    if call.place is Place.EXIT and call.leaving is not None and call.leaving.is_confirmed:
        lines.came_back(floor, call)
    elif call.place in (Place.RETURNING, Place.FALLBACK, Place.MENU):
        goes_on(floor, call)
    # else he comes from the early rest into hold, with a wish on its way or none: nothing changes


def goes_on(floor: Floor, call: Call) -> None:
    """The caller rests again: with the hand-over, in his place, or (after a talk) in the line anew."""
    call.is_resting = call.id.pbx not in floor.up
    if call.is_resting:
        floor.place(call, Place.RETURNING)  # no wish can be written now: `SnapshotDone` goes on
    elif call.handover is not None:
        handover.next_try(floor, call)
    elif call.counted is not None:
        lines.rest(floor, call)
    elif call.is_answered:
        lines.requeue(floor, call)
    else:
        lines.queue(floor, call)


def on_gone(floor: Floor, event: CallerGone) -> None:
    """The caller's channel ended."""
    call = floor.calls.get(event.call)
    if call is None:
        floor.ignore(event, "no such call", event.call)
        return
    end(floor, call, event.by, *_outcome(call, event.by))


def end(floor: Floor, call: Call, by: EndedBy, outcome: Outcome | None, reason: str) -> None:
    """Close a call: its talks and offer first, then its one outcome."""
    for talk in list(call.talks.values()):
        talks.close_talk(floor, talk)
    if call.offer is not None:
        offers.close(floor, call.offer, OfferResult.CALLER_GONE)
    handover.caller_gone(floor, call)
    if by is not EndedBy.UNKNOWN:
        consults.caller_gone(floor, call)
    three_way.part(floor, call)
    recording.end(floor, call)
    floor.place(call, Place.CLOSED)
    floor.count(call, None)
    for due in _PER_CALL:
        floor.deadlines.cancel((due, call, ""))
    for agent in call.barred:
        floor.deadlines.cancel((Due.BAR, call, agent))
    del floor.calls[call.id]
    floor.records.append(CallClosed(call.id, floor.at(call), by, outcome, reason))


def _outcome(call: Call, by: EndedBy) -> tuple[Outcome | None, str]:
    """Return outcome and reason of a call whose channel is gone; no outcome for one that was turned away by its number."""
    if call.is_answered:
        return Outcome.AGENT_ANSWERED, ""
    if call.blocked is not None:
        return None, "blocked"
    leaving = call.leaving
    if call.has_message:
        return Outcome.VOICEMAIL, str(leaving.reason) if leaving is not None else ""
    if leaving is not None and leaving.is_confirmed:
        if leaving.to.number is not None:
            return Outcome.OVERFLOWED_OUT, str(leaving.reason)
        if leaving.to.reject:
            return Outcome.REJECTED, str(leaving.reason)
    if by is EndedBy.SYSTEM:
        return Outcome.FAILED, "system"
    if call.queued_ms is None:
        return Outcome.ABANDONED_IVR, ""
    is_dialled = call.offer is not None and call.offer.state is not OfferState.WISHED
    if is_dialled or call.was_dialled:
        return Outcome.ABANDONED_RINGING, ""
    return Outcome.ABANDONED_QUEUE, ""

"""Beginning, reconnecting, restarting: making the engine agree with what is.

Theory of operation: the PBX is the truth about calls, the embedded store about agents. After a start the shell tells
`AgentRestored` for each agent the store knows, then for each PBX a `CallFound` for each caller's channel and one
`SnapshotDone`. A `CallFound` for a call that is known corrects it (reconnect, or the answer to a `ProbeCall`). At
`SnapshotDone` calls of that PBX that were not told are over: agent_answered if they had been answered, else outcome
None (nobody watched). Until then nothing is offered there and no command goes there; after it everything that can be
matched is matched in order of score, and the fallback queues are shown every agent anew.

An agent restored on a call that is not found any more is given wrap-up (talk) or is ready with his idle clock (ring).
"""

from acd import blocked, callers, handover, lines, offers, orders, parties, rating, recording, seats, talks, unseen
from acd.calls import Call, Leaving, Offer, OfferState, Place
from acd.commands import TagCall, WakeCall
from acd.events import AgentRestored, CallFound, ClockStepped, LinkLost, SnapshotDone
from acd.floor import Due, Floor
from acd.names import EndedBy, HandOverMode, HandOverResult, OfferResult, Outcome, RejectReason, Via
from acd.plan import REJECT, Exit
from acd.records import CallWaiting
from acd.seat import Seat
from agents.presence import ON_A_CALL, Presence

GATHER_S = 0.5
"""Longest that callers out of the fallback queue wait for each other."""


def on_agent_restored(floor: Floor, event: AgentRestored) -> None:
    """What the store knew of an agent before our restart."""
    seat = floor.seats.get(event.agent)
    if seat is None:
        floor.ignore(event, "not an agent of the plan")
        return
    agent = seat.agent
    if agent.presence is not Presence.LOGGED_OUT:
        floor.ignore(event, "logged in already")
        return
    if event.device is None or event.presence is Presence.LOGGED_OUT or event.device in floor.roster.at_device:
        return
    floor.roster.tie(agent, event.device)
    agent.presence, agent.reason, agent.wants = event.presence, event.reason, event.wants
    agent.since_ms, agent.ready_ms, agent.misses = event.since_ms, event.ready_ms, event.misses
    agent.until_ms, agent.wrapup_from_ms = event.until_ms, event.since_ms
    agent.wrapup_max_s = floor.plan.lines[floor.plan.default_line].wrapup_max_s
    for slot in seat.slots:
        slot.staffed += 1
    if agent.presence is Presence.ACW:
        until_ms = event.until_ms if event.until_ms is not None else event.since_ms
        floor.deadlines.set((Due.WRAPUP, seat, ""), max(until_ms / 1000.0, floor.now))
    floor.tell(seat)
    floor.refresh(seat)


def on_call_found(floor: Floor, event: CallFound) -> None:
    """A caller's channel lives on the PBX: take it in, or correct what we thought of it."""
    call = floor.calls.get(event.call)
    is_new = call is None
    if call is None:
        call = _take_in(floor, event)
        handover.found(call, event.hand_over)
    call.is_told = True
    if event.first_answered_ms is not None:
        call.is_answered = True
    if event.recording:
        recording.found(floor, call, event.recording)
    if event.last is not None and event.place in ("rest", "fallback", "fallback_ring"):
        unseen.end(floor, call, event.last)
    if event.place == "rest":
        _found_at_rest(floor, call, is_new)
    elif event.place == "menu":
        call.has_menu = True
    elif event.place == "offer":
        _found_dialled(floor, call, event)
    elif event.place == "talk" and event.offer is not None:
        _found_talking(floor, call, event, event.offer)
    elif event.place in ("talk", "fallback_talk"):
        if not any(talk.device == event.number for talk in call.talks.values()):
            via = Via.FALLBACK if event.place == "fallback_talk" else Via.JOINED
            if via is Via.FALLBACK:  # else the channel's first answer was somebody else's
                _at_answer(floor, event)
            talks.open_found(floor, call, event.number, via, leg=event.parties[0].leg if event.parties else "")
            if via is Via.FALLBACK and call.handover is not None:
                handover.close(floor, call, HandOverResult.NO_SPECIALIST)
    elif event.place == "exit":
        _found_leaving(floor, call, event)
    elif event.place == "rating":
        _cut_loose(floor, call, "found rating")
        rating.ask(floor, call)
    else:
        _found_in_fallback(floor, call, event)
    parties.found(floor, call, event)


def _take_in(floor: Floor, event: CallFound) -> Call:
    """Make a call of what its channel says, and put it on record (a second time, if we knew it before a restart)."""
    line = callers.line_of(floor, event.line, event.did) or floor.plan.lines[floor.plan.default_line]
    call = callers.taken_in(floor, event, line, event.arrived_ms, event.score_ms, found=True)
    if event.first_answered_ms is None and _may_be_turned_away(event):
        blocked.judge(floor, call)
    if call.blocked is not None:
        return call  # whatever his channel says, he was never queued by us
    call.queued_ms, call.visited = event.queued_ms, {line.code}
    if event.queued_ms is not None:
        call.waits = 1
        call.last_ms = max(event.arrived_ms, event.queued_ms)
        floor.records.append(CallWaiting(call.id, call.last_ms, line.code, call.stage.need.text, 1))
    return call


def _may_be_turned_away(event: CallFound) -> bool:
    """He hears a greeting, rests, waits in the PBX's own queue, or is being refused: nobody's phone rings for him."""
    return event.place in ("menu", "rest", "fallback") or (event.place == "exit" and event.kind == "reject")


def _found_at_rest(floor: Floor, call: Call, is_new: bool) -> None:
    if is_new and call.handover is not None:
        callers.goes_on(floor, call)
        return
    if is_new and call.queued_ms is not None:
        if call.is_answered:
            call.waits += 1
            floor.records.append(CallWaiting(call.id, floor.at(call), call.line.code, call.slot.need.text, call.waits))
        floor.count(call, call.line.code)
        lines.rest(floor, call)
        return
    if call.talks:
        _end_talks(floor, call)
    offer = call.offer
    if offer is not None and offer.has_connected:
        result = OfferResult.UNREACHABLE if offer.is_hung_up else OfferResult.TIMED_OUT
        offers.close(floor, offer, result, "found at rest")
        offers.expect_return(floor, call)
    if call.place is Place.EXIT and call.leaving is not None and call.leaving.is_confirmed:
        lines.came_back(floor, call)
    elif call.place in (Place.RETURNING, Place.FALLBACK, Place.MENU):
        callers.goes_on(floor, call)
    # else he waits, or a wish is on its way: its own deadline decides


def _found_dialled(floor: Floor, call: Call, event: CallFound) -> None:
    known = call.offers.get(event.offer) if event.offer is not None else call.offer
    if known is not None and known.talk_from_ms:
        floor.ignore(event, "the talk of that offer is known", call.id)
        return
    if call.talks:
        _end_talks(floor, call)
    if known is None:
        known = _rebuild(floor, call, event)
    elif known.state is OfferState.OVER:
        offers.revive(floor, known)
    if known.state is OfferState.WISHED:
        offers.connect(floor, known)
    known.probes = 0


def _found_talking(floor: Floor, call: Call, event: CallFound, offer_id: str) -> None:
    known = call.offers.get(offer_id)
    if known is not None and known.id in call.talks:
        handover.return_again(floor, call)
        orders.return_again(floor, call)
        return
    if known is not None and known.talk_from_ms:
        _at_answer(floor, event)
        talks.open_found(floor, call, known.device, Via.JOINED)  # they met again: a talk of its own
        return
    for other in [talk for talk in call.talks.values() if talk.id != offer_id]:
        talks.close_talk(floor, other)
    if known is None:
        known = _rebuild(floor, call, event)
    elif known.state is OfferState.OVER:
        offers.revive(floor, known)
    if known.specialist is None:  # the channel knows the first answer, and that is never a specialist's
        _at_answer(floor, event)
    talks.open_talk(floor, known)


def _rebuild(floor: Floor, call: Call, event: CallFound) -> Offer:
    """Make the offer anew that a channel names and that was made before our restart; its phone counts as ringing."""
    line = call.stage.line
    agent = floor.roster.at_device.get(event.number)
    seat = None if agent is None else floor.seats[agent.number]
    specialist = None
    if seat is None:
        specialist = next((one for one in floor.plan.specialists if one.number == event.number), None)
    offer = Offer(
        event.offer or floor.next_offer(),
        call,
        "seat" if agent is not None else "specialist" if specialist is not None else "unknown",
        event.number if agent is None else agent.number,
        event.number,
        seat,
        state=OfferState.RINGING,
        specialist=specialist,
        ring_s=line.ring_s if specialist is None else floor.plan.specialist_ring_s,
        wrapup_s=line.wrapup_s,
        wrapup_max_s=line.wrapup_max_s,
        has_connected=True,
        announces=line.announce_agent and specialist is None,
    )
    if call.offer is not None:
        offers.close(floor, call.offer, OfferResult.TIMED_OUT, "overtaken by a wish of before")
    call.made += 1
    call.offer = call.offers[offer.id] = offer
    floor.place(call, Place.OFFER)
    floor.deadlines.set((Due.RING, offer, ""), floor.now + offers.longest_s(offer))
    if specialist is not None:
        floor.dialled[offer.who] = floor.dialled.get(offer.who, 0) + 1
        if event.place == "offer":
            handover.dials(call, offer, HandOverMode.BLIND)
    elif event.place == "offer" and not call.is_answered:
        call.queued_ms = floor.at(call) if call.queued_ms is None else call.queued_ms
        floor.count(call, call.line.code)
        lines.advance_steps(floor, call)
    if seat is not None and seat.offer is None and event.place == "offer":
        seats.reserve(floor, seat, offer)
    return offer


def _found_leaving(floor: Floor, call: Call, event: CallFound) -> None:
    if call.leaving is not None:
        call.leaving.is_confirmed = True
        floor.deadlines.cancel((Due.EXIT, call, ""))
        return
    _cut_loose(floor, call, "found leaving")
    known = {str(reason): reason for reason in RejectReason}
    reason = known.get(event.reason) or known.get(event.number, RejectReason.MAX_WAIT)
    call.leaving = Leaving(event.offer or "", _exit_of(call, event), reason)
    floor.place(call, Place.EXIT)
    floor.count(call, None)
    lines.exit_taken(floor, call, call.leaving)


def _exit_of(call: Call, event: CallFound) -> Exit:
    """Return the exit that a channel's target means: the dialplan's kinds, told by the shell."""
    if event.kind == "say":
        return Exit(line=call.line.code)
    if event.kind == "voicemail":
        return Exit(voicemail=event.number)
    return Exit(number=event.number) if event.kind == "out" and event.number else REJECT


def _found_in_fallback(floor: Floor, call: Call, event: CallFound) -> None:
    """Waits in the PBX's own queue: woken (`fallback`), or left alone while a phone rings there (`fallback_ring`)."""
    _cut_loose(floor, call, "found in the fallback queue")
    floor.place(call, Place.FALLBACK)
    if not call.is_turned_away:
        call.queued_ms = floor.at(call) if call.queued_ms is None else call.queued_ms
        floor.count(call, call.line.code)
    call.is_to_wake = event.place == "fallback"
    if call.is_to_wake:
        floor.send(WakeCall(call.id))
    floor.deadlines.set((Due.RETURN, call, ""), floor.now + offers.RETURN_S)


def _cut_loose(floor: Floor, call: Call, why: str) -> None:
    """The PBX says that this caller is with nobody of ours."""
    if call.talks:
        _end_talks(floor, call)
    if call.offer is not None:
        offers.close(floor, call.offer, OfferResult.TIMED_OUT, why)


def _end_talks(floor: Floor, call: Call) -> None:
    floor.note("talk_end_lost", "found elsewhere", call.id)
    for talk in list(call.talks.values()):
        talks.close_talk(floor, talk)
    talks.after_talk(floor, call)


def _at_answer(floor: Floor, event: CallFound) -> None:
    """What follows happened when the talk began, if the shell knows when."""
    if event.answered_ms is not None:
        floor.at_ms = event.answered_ms


def on_snapshot_done(floor: Floor, event: SnapshotDone) -> None:
    """All channels of a PBX were told: go on from there."""
    floor.up.add(event.pbx)
    told = [call for call in floor.calls.values() if call.id.pbx == event.pbx]
    for call in told:
        if call.is_told and call.place is Place.FALLBACK and call.is_to_wake:
            floor.gathering[call] = None
            floor.deadlines.set((Due.GATHER, call, ""), floor.now + GATHER_S)
    for call in told:
        if not call.is_told:
            _end_unwatched(floor, call)
            continue
        call.is_told = False
        if call.talked_ms:
            floor.send(TagCall(call.id, call.score_ms))
        handover.tag(floor, call)
        parties.settle(floor, call)
        if call.place is Place.WAITING:
            lines.rest(floor, call)
        elif call.place is Place.RETURNING and call.is_resting:
            callers.goes_on(floor, call)
        elif call.place is Place.FALLBACK and call.is_to_wake:
            floor.send(WakeCall(call.id))
        elif call.place is Place.EXIT:
            lines.exit_due(floor, call)
    for seat in list(floor.seats.values()):
        if seat.agent.presence in ON_A_CALL and seat.offer is None:
            _free(floor, seat)
        seat.mirrored = None
        floor.mirror(seat)


def _end_unwatched(floor: Floor, call: Call) -> None:
    """A call is over and nobody saw how. Nor did anybody see how its open offer and hand-over ended (a phone may have been
    answered meanwhile): they stay open on record, for whoever looks back."""
    if call.offer is not None:
        call.offer.is_closed = True
    call.handover = None
    outcome = Outcome.AGENT_ANSWERED if call.is_answered else None
    callers.end(floor, call, EndedBy.UNKNOWN, outcome, "" if outcome else "unknown")


def gather_due(floor: Floor, call: Call) -> None:
    """A woken caller is late (a phone may have begun to ring for him just then): the others wait for him no longer."""
    floor.gathered(call)


def _free(floor: Floor, seat: Seat) -> None:
    """An agent was restored on a call that is over."""
    line = floor.plan.lines[floor.plan.default_line]
    if seat.agent.presence in (Presence.TALKING, Presence.HOLD):
        seats.wrap_up(floor, seat, line.wrapup_s, line.wrapup_max_s)
    else:
        seats.release(floor, seat, offers.NO_COST)


def on_link_lost(floor: Floor, event: LinkLost) -> None:
    """A PBX cannot be reached: nothing is offered there."""
    floor.up.discard(event.pbx)
    for call in floor.calls.values():
        if call.id.pbx == event.pbx:
            call.is_told = False
            floor.withdraw(call)


def on_clock_stepped(floor: Floor, event: ClockStepped) -> None:
    """The PBX's clock moved: waits measured across the step are off by as much."""
    floor.note("clock_stepped", f"{event.by_s:+.3f} s")

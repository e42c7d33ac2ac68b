"""Calls that agents dial out through our outbound context: on record like any other, decided by nobody.

Theory of operation: the agent logged in at the phone is `dialling` until the called party answers, then `talking`;
after a talk he has the default line's wrap-up, after a try that reached nobody he is where he was. The call has no
outcome of its own (outcomes are of inbound calls); its reason is the dialplan's word (ANSWER, BUSY, NOANSWER, ...).
"""

from acd import seats
from acd.calls import Call, Offer, OfferState
from acd.events import OutboundAnswered, OutboundEnded, OutboundStarted
from acd.floor import Due, Floor
from acd.names import Via
from acd.records import CallClosed, CallOpened, TalkClosed, TalkOpened
from agents.presence import ON_A_CALL, PAUSED, Presence


def on_started(floor: Floor, event: OutboundStarted) -> None:
    """A phone dialled out."""
    if event.call in floor.outbound:
        floor.ignore(event, "the call is known", event.call)
        return
    agent = floor.roster.at_device.get(event.device)
    seat = None if agent is None else floor.seats[agent.number]
    line = floor.plan.lines.get(event.line or "") or floor.plan.lines[floor.plan.default_line]
    stage = floor.stages.by_line[line.code][0]
    call = Call(event.call, floor.next_number(), line, stage, floor.needs.slots[stage.need], event.at_ms, event.at_ms)
    offer = Offer(
        floor.next_offer(),
        call,
        "unknown" if agent is None else "seat",
        event.device if agent is None else agent.number,
        event.device,
        seat,
        wrapup_s=line.wrapup_s,
        wrapup_max_s=line.wrapup_max_s,
    )
    floor.outbound[event.call] = (offer, event.at_ms)
    floor.records.append(
        CallOpened(
            call=event.call,
            at_ms=floor.at(call),
            line=line.code,
            did="",
            caller_number=event.number,
            caller_name="",
            sip_call_id="",
            is_test=False,
            platform_id=floor.plan.platform_id,
            direction="outbound",
            agent=None if agent is None else agent.number,
        )
    )
    if seat is not None and seat.offer is None:
        presence = seat.agent.presence
        if presence in PAUSED and not seat.agent.wants:
            seat.agent.wants = seat.agent.reason
        floor.deadlines.cancel((Due.WRAPUP, seat, ""))
        seat.offer = offer
        if presence in ON_A_CALL:
            floor.tell(seat)  # restored in the middle of this very call
        else:
            floor.move(seat, Presence.DIALLING)


def on_answered(floor: Floor, event: OutboundAnswered) -> None:
    """The called party answered."""
    offer = _find(floor, event)
    if offer is None:
        return
    if offer.state is OfferState.TALKING:
        floor.ignore(event, "the talk is known", event.call)
        return
    offer.state = OfferState.TALKING
    at_ms = offer.talk_from_ms = floor.at(offer.call)
    floor.records.append(TalkOpened(event.call, offer.id, at_ms, offer.who, offer.kind, offer.device, Via.ENGINE))
    if offer.seat is not None and offer.seat.offer is offer:
        floor.move(offer.seat, Presence.TALKING)


def on_ended(floor: Floor, event: OutboundEnded) -> None:
    """An outbound call is over."""
    offer = _find(floor, event)
    if offer is None:
        return
    del floor.outbound[event.call]
    seat = offer.seat if offer.seat is not None and offer.seat.offer is offer else None
    at_ms = floor.at(offer.call)
    has_talked = offer.state is OfferState.TALKING
    if has_talked:
        floor.records.append(TalkClosed(event.call, offer.id, at_ms, 0))
    floor.records.append(CallClosed(event.call, at_ms, event.by, None, event.cause))
    if seat is not None:
        if has_talked:
            seat.agent.talk_ms += at_ms - offer.talk_from_ms
        seats.wrap_up(floor, seat, offer.wrapup_s if has_talked else 0.0, offer.wrapup_max_s)


def _find(floor: Floor, event: OutboundAnswered | OutboundEnded) -> Offer | None:
    found = floor.outbound.get(event.call)
    if found is None:
        floor.ignore(event, "no such call", event.call)
        return None
    return found[0]

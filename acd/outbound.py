"""Calls that agents dial out through our outbound context: on record like any other.

Theory of operation: who may dial what was judged before the dialplan dialled (`acd.dialout`). The agent logged in at the phone
is `dialling` until the called party answers, then `talking`; after a talk he has the wrap-up of the line he dialled for. A
try that reached nobody costs him nothing: not ready stays not ready, and a wrap-up that it interrupted goes on to its own
end, which waits in `until_ms` meanwhile. An agent who dials beside a call of ours stays in that one; when it ends first, he
is in the one he dialled (`Seat.dialled`), and its wrap-up waits. The call has no outcome (outcomes are of inbound calls); its
reason is the dialplan's word (ANSWER, BUSY, NOANSWER, ...).
"""

from acd import seats
from acd.calls import Call, Offer, OfferState
from acd.events import OutboundAnswered, OutboundEnded, OutboundStarted
from acd.floor import Due, Floor
from acd.names import Via
from acd.records import CallClosed, CallOpened, TalkClosed, TalkOpened
from acd.seat import Seat
from acd.talks import end_hold
from agents.presence import PAUSED, Presence

_IN_A_TALK = frozenset({Presence.DIALLING, Presence.TALKING, Presence.HOLD})


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
    floor.outbound[event.call] = offer
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
            follows=event.follows,
        )
    )
    if seat is not None:
        seat.dialled.append(offer)
        if seat.offer is None:
            _take_up(floor, seat, offer)


def _take_up(floor: Floor, seat: Seat, offer: Offer) -> None:
    agent = seat.agent
    if agent.presence in PAUSED and not agent.wants:
        agent.wants = agent.reason
    floor.deadlines.cancel((Due.WRAPUP, seat, ""))
    seat.offer = offer
    if agent.presence in _IN_A_TALK:
        floor.tell(seat)  # restored in the middle of this very call
    else:
        floor.move(seat, Presence.DIALLING, until_ms=agent.until_ms)


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
        floor.move(offer.seat, Presence.TALKING, until_ms=offer.seat.agent.until_ms)


def on_ended(floor: Floor, event: OutboundEnded) -> None:
    """An outbound call is over."""
    offer = _find(floor, event)
    if offer is None:
        return
    del floor.outbound[event.call]
    at_ms = floor.at(offer.call)
    has_talked = offer.state is OfferState.TALKING
    if has_talked:
        end_hold(offer, at_ms)
        floor.records.append(TalkClosed(event.call, offer.id, at_ms, offer.hold_ms))
    floor.records.append(CallClosed(event.call, at_ms, event.by, None, event.cause))
    seat = offer.seat
    if seat is None:
        return
    seat.dialled.remove(offer)
    if has_talked:
        seat.agent.talk_ms += at_ms - offer.talk_from_ms
    if seat.offer is offer:
        owed_s = max(((seat.agent.until_ms or 0) - at_ms) / 1000.0, 0.0)
        seats.wrap_up(floor, seat, max(offer.wrapup_s if has_talked else 0.0, owed_s), offer.wrapup_max_s)


def _find(floor: Floor, event: OutboundAnswered | OutboundEnded) -> Offer | None:
    found = floor.outbound.get(event.call)
    if found is None:
        floor.ignore(event, "no such call", event.call)
    return found

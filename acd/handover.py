"""A seat hands its caller over to a policy specialist by topic.

Theory of operation: specialists of the plan who have the topic are tried in its order; not one whose phone is known
busy or unreachable, who was tried for this hand-over, or who is being dialled or talked to elsewhere. While the seat
talks, the wish for the specialist is written first and then the seat's leg is hung up (`release`); after a REFER the
caller is in hold and is simply offered. A specialist who is not reached (any result) makes way for the next one as
soon as the caller holds again. With none left the hand-over is `no_specialist`: the plan's `handover_exit`, or back to
the seat's line with what the caller had waited (the score's clock stood still while he talked).

The call stays agent_answered whatever follows. A specialist has no presence, no wrap-up, and no penalty for a miss.
A three-way hand-over is carried out as a blind one, and that is noted.
"""

from acd import lines, offers
from acd.calls import Call, HandOver, Offer, Place
from acd.commands import OfferCall, ReturnCall, TagCall
from acd.events import HandOverAsked, OfferEnded
from acd.floor import Due, Floor
from acd.names import HandOverMode, HandOverResult, OfferId, RejectReason
from acd.plan import SpecialistSpec
from acd.records import HandOverClosed, HandOverOpened
from agents.presence import DeviceState


def on_asked(floor: Floor, event: HandOverAsked) -> None:
    """A seat asked for a specialist."""
    call = floor.calls.get(event.call)
    if call is None or not call.is_answered or call.handover is not None:
        reason = "no such call" if call is None else "not answered" if not call.is_answered else "one is under way"
        floor.ignore(event, reason, event.call)
        return
    by = call.offers.get(event.offer) if event.offer is not None else call.last_seat
    call.handovers += 1
    who = by.who if by is not None else ""
    call.handover = HandOver(call.handovers, event.topic, event.mode, who)
    floor.records.append(HandOverOpened(call.id, call.handovers, floor.at(call), who, event.topic, event.mode))
    if event.topic not in floor.plan.topics:
        floor.note("unknown_topic", event.topic, call.id)
    if event.mode is HandOverMode.THREE_WAY:
        floor.note("three_way_as_blind", event.topic, call.id)
    if call.talks:
        release = event.offer if event.offer in call.talks else next(iter(call.talks))
        _from_talk(floor, call, release)
    elif call.place is Place.WAITING:
        floor.count(call, None)
        floor.withdraw(call)
        next_try(floor, call)
    # else he is on his way to hold: `CallHolding` goes on


def _from_talk(floor: Floor, call: Call, release: OfferId) -> None:
    handover = call.handover
    assert handover is not None
    specialist = _choose(floor, handover)
    if specialist is not None:
        _dial(floor, call, specialist, release)
        return
    handover.is_returning = True
    _return(floor, call, release)


def _return(floor: Floor, call: Call, release: OfferId) -> None:
    floor.send(ReturnCall(call.id, floor.next_offer(), release))
    floor.deadlines.set((Due.RETURN, call, ""), floor.now + offers.RETURN_S)


def return_again(floor: Floor, call: Call) -> None:
    """The PBX says that the seat still talks though the caller should be on his way back to hold: write it again."""
    if call.handover is not None and call.handover.is_returning and call.talks:
        _return(floor, call, next(iter(call.talks)))


def on_offer_ended(floor: Floor, event: OfferEnded) -> None:
    """An offer ended; if it was to a specialist while the seat still talks, the next one is tried from the talk."""
    offers.on_ended(floor, event)
    call = floor.calls.get(event.call)
    if call is not None and call.offer is None:
        still_talking(floor, call)


def wish_due(floor: Floor, offer: Offer) -> None:
    """Nothing said that a wish was taken; likewise."""
    offers.wish_due(floor, offer)
    still_talking(floor, offer.call)


def next_try(floor: Floor, call: Call) -> None:
    """The caller holds: dial the next specialist, or let the hand-over end without one."""
    handover = call.handover
    assert handover is not None
    floor.deadlines.cancel((Due.RETURN, call, ""))
    floor.place(call, Place.WAITING)
    specialist = _choose(floor, handover)
    if specialist is not None:
        floor.send(TagCall(call.id, call.score_ms))
        _dial(floor, call, specialist, None)
        return
    _close(floor, call, HandOverResult.NO_SPECIALIST)
    if floor.plan.handover_exit is None:
        lines.requeue(floor, call)
        return
    call.visited = {call.line.code} if floor.plan.handover_exit.line != call.line.code else set()
    floor.send(TagCall(call.id, call.score_ms))
    lines.take_exit(floor, call, floor.plan.handover_exit, RejectReason.NO_AGENT)


def reached(floor: Floor, offer: Offer) -> None:
    """A talk began: if it is with the specialist of a hand-over, that one is done."""
    call = offer.call
    if call.handover is not None and offer.specialist is not None:
        _close(floor, call, HandOverResult.REACHED, offer.who)


def talk_over(floor: Floor, call: Call) -> None:
    """The seat's talk ended while a hand-over is under way: write down what must survive us."""
    if call.handover is not None:
        floor.send(TagCall(call.id, call.score_ms))


def still_talking(floor: Floor, call: Call) -> None:
    """The offer to a specialist ended before the seat's talk did (its wish was lost): try the next one from the talk."""
    if call.handover is not None and call.talks and not call.handover.is_returning:
        _from_talk(floor, call, next(iter(call.talks)))


def caller_gone(floor: Floor, call: Call) -> None:
    """The caller hung up while a hand-over was under way."""
    if call.handover is not None:
        _close(floor, call, HandOverResult.CALLER_GONE)


def _close(floor: Floor, call: Call, result: HandOverResult, agent: str | None = None) -> None:
    assert call.handover is not None
    floor.records.append(HandOverClosed(call.id, call.handover.seq, floor.at(call), result, agent))
    call.handover = None


def _choose(floor: Floor, handover: HandOver) -> SpecialistSpec | None:
    for specialist in floor.plan.specialists:
        if handover.topic in specialist.topics and specialist.number not in handover.tried:
            state = floor.roster.device_states.get(specialist.number, DeviceState.UNKNOWN)
            is_blocked = specialist.target == "endpoint" and state in (DeviceState.BUSY, DeviceState.UNREACHABLE)
            if not is_blocked and not floor.dialled.get(specialist.number):
                return specialist
    return None


def _dial(floor: Floor, call: Call, specialist: SpecialistSpec, release: OfferId | None) -> None:
    assert call.handover is not None
    call.handover.tried.add(specialist.number)
    floor.dialled[specialist.number] = floor.dialled.get(specialist.number, 0) + 1
    ring_s = floor.plan.specialist_ring_s
    offer = Offer(
        floor.next_offer(),
        call,
        "specialist",
        specialist.number,
        specialist.number,
        None,
        specialist=specialist,
        ring_s=ring_s,
    )
    offers.open_offer(floor, offer, "topic", 1)
    if release is None:
        floor.place(call, Place.OFFER)
    line = call.stage.line.code
    command = OfferCall(call.id, offer.id, specialist.target, specialist.number, ring_s, line, release)
    floor.send(command)

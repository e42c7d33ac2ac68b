"""A seat hands its caller over to a policy specialist by topic.

Theory of operation: specialists of the plan who have the topic are tried in its order; not one whose phone is known
busy or unreachable, who was tried for this hand-over, or who is being dialled or talked to elsewhere. While the seat
talks, the wish for the specialist is written first and then the seat's leg is hung up (`release`); after a REFER the
caller is in hold and is simply offered. A specialist who is not reached (any result) makes way for the next one as
soon as the caller holds again. With none left the hand-over is `no_specialist`: the plan's `handover_exit`, or back to
the seat's line with what the caller had waited (the score's clock stood still while he talked). `three_way` tells how it
goes when the seat stays in the talk.

The call stays agent_answered whatever follows. A specialist has no presence, no wrap-up, and no penalty for a miss.
A three-way hand-over that is asked for when the seat talks no more is carried out as a blind one, and that is noted.
"""

from acd import lines, offers, three_way
from acd.calls import Call, HandOver, Offer, Place
from acd.commands import OfferCall, ReturnCall, TagCall, TagHandOver
from acd.events import FoundHandOver, HandOverAsked, OfferEnded
from acd.floor import Due, Floor
from acd.names import HandOverMode, HandOverResult, OfferId, RejectReason
from acd.plan import SpecialistSpec
from acd.records import HandOverClosed, HandOverOpened
from agents.presence import DeviceState


def on_asked(floor: Floor, event: HandOverAsked) -> None:
    """A seat asked for a specialist."""
    call = floor.calls.get(event.call)
    is_busy = call is not None and (call.handover is not None or (bool(call.talks) and call.offer is not None))
    if call is None or not call.is_answered or is_busy:
        reason = "no such call" if call is None else "not answered" if not call.is_answered else "one is under way"
        floor.ignore(event, reason, event.call)
        return
    if len(call.talks) > 1 and event.mode is HandOverMode.BLIND:
        floor.ignore(event, "others are in the talk: the caller would not leave it", event.call)
        return
    by = call.offers.get(event.offer) if event.offer is not None else call.last_seat
    call.handover = begin(floor, call, event.topic, event.mode, by.who if by is not None else "")
    if event.topic not in floor.plan.topics:
        floor.note("unknown_topic", event.topic, call.id)
    if event.mode is HandOverMode.THREE_WAY:
        if by is not None and by.id in call.talks:
            three_way.begin(floor, call, call.handover, by)
            return
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
    specialist = choose(floor, handover)
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


def ring_due(floor: Floor, offer: Offer) -> None:
    """The dial should be over; likewise, once it was given up."""
    offers.ring_due(floor, offer)
    if offer.call.offer is None:
        still_talking(floor, offer.call)


def next_try(floor: Floor, call: Call) -> None:
    """The caller holds: dial the next specialist, or let the hand-over end without one."""
    handover = call.handover
    assert handover is not None
    floor.deadlines.cancel((Due.RETURN, call, ""))
    floor.place(call, Place.WAITING)
    specialist = choose(floor, handover)
    if specialist is not None:
        floor.send(TagCall(call.id, call.score_ms))
        _dial(floor, call, specialist, None)
        return
    close(floor, call, HandOverResult.NO_SPECIALIST)
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
        three_way.reached(floor, call, call.handover)
        close(floor, call, HandOverResult.REACHED, offer.who)


def talk_over(floor: Floor, call: Call) -> None:
    """The seat's talk ended while a hand-over is under way: write down what must survive us."""
    if call.handover is not None:
        floor.send(TagCall(call.id, call.score_ms))


def still_talking(floor: Floor, call: Call) -> None:
    """The offer to a specialist ended before the seat's talk did (its wish was lost): try the next one from the talk."""
    if call.handover is None or not call.talks or call.handover.is_returning:
        return
    if call.handover.seat is not None:
        three_way.try_next(floor, call, call.handover, call.handover.seat)
    else:
        _from_talk(floor, call, next(iter(call.talks)))


def caller_gone(floor: Floor, call: Call) -> None:
    """The caller hung up while a hand-over was under way."""
    if call.handover is not None:
        close(floor, call, HandOverResult.CALLER_GONE)


def begin(floor: Floor, call: Call, topic: str, mode: HandOverMode, by: str) -> HandOver:
    """Put a new hand-over on record, and on the caller's channel, where it outlives us."""
    call.handovers, call.reached = call.handovers + 1, ""
    asked = HandOver(call.handovers, topic, mode, by)
    floor.records.append(HandOverOpened(call.id, asked.seq, floor.at(call), by, topic, mode))
    floor.send(_tag(call, asked))
    return asked


def end(floor: Floor, call: Call, asked: HandOver, result: HandOverResult, agent: str | None = None) -> None:
    """Put the result of a hand-over on record: it is over."""
    floor.records.append(HandOverClosed(call.id, asked.seq, floor.at(call), result, agent))
    call.reached = agent or ""
    if result is not HandOverResult.CALLER_GONE:
        floor.send(_tag(call, None))


def tag(floor: Floor, call: Call) -> None:
    """Write on the caller's channel again what became of his hand-overs while his PBX could not be reached."""
    if call.handovers:
        floor.send(_tag(call, call.handover))


def _tag(call: Call, asked: HandOver | None) -> TagHandOver:
    if asked is None:
        return TagHandOver(call.id, call.handovers, reached=call.reached)
    return TagHandOver(call.id, asked.seq, asked.mode, asked.topic, asked.by)


def close(floor: Floor, call: Call, result: HandOverResult, agent: str | None = None) -> None:
    """End the hand-over that is under way."""
    assert call.handover is not None
    end(floor, call, call.handover, result, agent)
    call.handover = None


def dials(call: Call, offer: Offer, mode: HandOverMode, by: str = "") -> HandOver:
    """Take up that somebody is being rung whom another leadership chose, for a hand-over known or not."""
    if call.handover is None:
        topics = () if offer.specialist is None else offer.specialist.topics
        call.handovers += 1
        call.handover = HandOver(call.handovers, next(iter(topics), ""), mode, by)
    call.handover.tried.add(offer.who)
    return call.handover


def found(call: Call, told: FoundHandOver | None) -> None:
    """Take up a hand-over that another leadership began, and count on from there."""
    if told is None:
        return
    call.handovers, call.reached = told.seq, told.reached
    if told.mode is not None:
        call.handover = HandOver(told.seq, told.topic, told.mode, told.by)


def choose(floor: Floor, handover: HandOver) -> SpecialistSpec | None:
    """Return who is to be tried next; None: nobody is left."""
    again, handover.again = handover.again, ""
    for specialist in floor.plan.specialists:
        if again and specialist.number == again:
            return specialist
    for specialist in floor.plan.specialists:
        if handover.topic in specialist.topics and specialist.number not in handover.tried:
            state = floor.roster.device_states.get(specialist.number, DeviceState.UNKNOWN)
            is_blocked = specialist.target == "endpoint" and state in (DeviceState.BUSY, DeviceState.UNREACHABLE)
            if not is_blocked and not floor.dialled.get(specialist.number):
                return specialist
    return None


def _dial(floor: Floor, call: Call, specialist: SpecialistSpec, release: OfferId | None) -> None:
    offer = open_offer(floor, call, specialist)
    if release is None:
        floor.place(call, Place.OFFER)
    line = call.stage.line.code
    command = OfferCall(call.id, offer.id, specialist.target, specialist.number, offer.ring_s, line, release)
    floor.send(command)


def open_offer(floor: Floor, call: Call, specialist: SpecialistSpec, *, is_invited: bool = False) -> Offer:
    """Put an offer to a specialist on record."""
    assert call.handover is not None
    call.handover.tried.add(specialist.number)
    floor.dialled[specialist.number] = floor.dialled.get(specialist.number, 0) + 1
    offer = Offer(
        floor.next_offer(),
        call,
        "specialist",
        specialist.number,
        specialist.number,
        None,
        specialist=specialist,
        is_invited=is_invited,
        ring_s=floor.plan.specialist_ring_s,
    )
    offers.open_offer(floor, offer, "topic", 1)
    return offer

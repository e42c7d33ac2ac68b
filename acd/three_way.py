"""Three-way: seat, caller and specialist together, and nobody is moved.

Theory of operation: the seat's leg rings the specialist (`InviteParty`), the caller hears music meanwhile and a wish for
hold lies on his channel, taken away as soon as three are together or nobody was left. So his talk with the seat goes on
all the time, and there may be an open offer beside it.

- The specialist is not reached: the next one; none left: `no_specialist`, and seat and caller talk on.
- The seat leaves while one rings: that leg is hung up, the caller finds himself in hold, and the hand-over goes on as a
  blind one, first with him who rang.
- Three together: whoever leaves first, the other two go on. When the caller leaves, the other two are hung up (`part`).
"""

from acd import handover, offers
from acd.calls import Call, HandOver, Offer
from acd.commands import EndInvite, HangUpLeg, InviteParty
from acd.floor import Floor
from acd.names import HandOverResult, OfferResult


def begin(floor: Floor, call: Call, asked: HandOver, seat: Offer) -> None:
    """A seat who talks wants a specialist to come in."""
    asked.seat = seat
    try_next(floor, call, asked, seat)


def try_next(floor: Floor, call: Call, asked: HandOver, seat: Offer) -> None:
    """Ring the next specialist; with none left the talk simply goes on."""
    specialist = handover.choose(floor, asked)
    if specialist is None:
        floor.send(EndInvite(call.id, seat.id, True))
        handover.close(floor, call, HandOverResult.NO_SPECIALIST)
        return
    offer = handover.open_offer(floor, call, specialist, is_invited=True)
    insurance = floor.next_offer()
    floor.send(InviteParty(call.id, offer.id, specialist.target, offer.who, offer.ring_s, seat.id, insurance))


def reached(floor: Floor, call: Call, asked: HandOver) -> None:
    """The specialist is in."""
    if asked.seat is not None:
        floor.send(EndInvite(call.id, asked.seat.id, False))


def talk_closed(floor: Floor, talk: Offer) -> None:
    """A talk is over: if it was that of the seat who has a specialist rung, the hand-over goes on without him."""
    call, asked = talk.call, talk.call.handover
    if asked is None or asked.seat is not talk:
        return
    asked.seat = None
    ringing = call.offer
    if ringing is not None and ringing.is_invited:
        asked.again = ringing.who
        floor.send(HangUpLeg(call.id, ringing.id))
        offers.close(floor, ringing, OfferResult.CALLER_GONE, "the seat left")
    if call.talks:  # somebody else is with the caller: nobody is left to be handed over from
        floor.send(EndInvite(call.id, talk.id, False))
        handover.close(floor, call, HandOverResult.NO_SPECIALIST)


def part(floor: Floor, call: Call) -> None:
    """The caller is gone: those who talked with him together do not stay alone."""
    if call.was_shared:
        for offer in call.offers.values():
            if offer.talk_from_ms:
                floor.send(HangUpLeg(call.id, offer.id))

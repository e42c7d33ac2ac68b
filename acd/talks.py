"""Talks: a person and the caller in one bridge, from the later entry to the first that leaves.

Theory of operation: the first talk answers the call, for ever. A call may have several talks at once (a joined phone)
and one after another (a hand-over); while there is any, the score's clock stands still, so `score_ms` moves by the
length of each stretch of talk. When the last talk ends, the caller either hangs up (the usual case), or a specialist
is being dialled for him already, or he comes back to hold (`CallHolding`) and goes on from there.
"""

from acd import consults, handover, offers, recording, seats, three_way
from acd.calls import Call, Offer, OfferState, Place
from acd.events import HoldEnded, HoldStarted, OfferAnswered, PartyJoined, PartyLeft, TalkEnded
from acd.floor import Due, Floor
from acd.names import CallId, OfferResult, Via
from acd.records import TalkClosed, TalkOpened
from agents.presence import Presence


def on_answered(floor: Floor, event: OfferAnswered) -> None:
    """Caller and agent are bridged."""
    call = floor.calls.get(event.call)
    offer = None if call is None else call.offers.get(event.offer)
    if call is None or offer is None:
        floor.ignore(event, "no such call" if call is None else "no such offer", event.call)
        return
    if offer.id in call.talks:
        floor.ignore(event, "the talk is known", event.call)
        return
    if offer.talk_from_ms:
        floor.ignore(event, "the talk is over", event.call)
        return
    if offer.state is OfferState.OVER:
        offers.revive(floor, offer)
    open_talk(floor, offer)


def open_talk(floor: Floor, offer: Offer) -> None:
    """An offer became a talk, or a talk is found that no offer of ours made."""
    call, seat = offer.call, offer.seat
    for due in (Due.WISH, Due.SIGN, Due.RING):
        floor.deadlines.cancel((due, offer, ""))
    floor.deadlines.cancel((Due.RETURN, call, ""))
    floor.deadlines.cancel((Due.STEP, call, ""))
    offer.has_connected = True
    if offer.via is Via.ENGINE:
        offers.record_result(floor, offer, OfferResult.ACCEPTED)
    if call.offer is offer:
        call.offer = None
    offer.state = OfferState.TALKING
    at_ms = offer.talk_from_ms = floor.at(call)
    if not call.talks:
        call.talk_from_ms = at_ms
    call.was_shared |= bool(call.talks)
    call.talks[offer.id] = call.offers[offer.id] = offer
    call.is_answered = True
    call.is_moving = False
    call.leaving = None
    floor.deadlines.cancel((Due.EXIT, call, ""))
    floor.place(call, Place.TALK)
    floor.count(call, None)
    floor.records.append(TalkOpened(call.id, offer.id, at_ms, offer.who, offer.kind, offer.device, offer.via))
    if offer.specialist is None:
        call.last_seat = offer
    recording.begin(floor, call)
    handover.reached(floor, offer)
    if seat is not None and (seat.offer is None or seat.offer is offer):
        if seat.agent.presence is not Presence.LOGGED_OUT:
            seat.offer = offer
            seats.accept(floor, seat)
            floor.move(seat, Presence.TALKING)


def on_ended(floor: Floor, event: TalkEnded) -> None:
    """Agent and caller are no longer bridged."""
    call = floor.calls.get(event.call)
    offer = None if call is None else call.talks.get(event.offer)
    if call is None or offer is None:
        floor.ignore(event, "no such call" if call is None else "no such talk", event.call)
        return
    close_talk(floor, offer)
    after_talk(floor, call)


def close_talk(floor: Floor, offer: Offer) -> None:
    """End a talk: the agent goes to wrap-up, the score's clock goes on when it was the last one."""
    call, seat = offer.call, offer.seat
    at_ms = floor.at(call)
    end_hold(offer, at_ms)
    offer.state = OfferState.OVER
    del call.talks[offer.id]
    call.last_talk = offer.id
    if not call.talks:
        call.score_ms += at_ms - call.talk_from_ms
    floor.records.append(TalkClosed(call.id, offer.id, at_ms, offer.hold_ms))
    if offer.specialist is not None:
        floor.dialled[offer.who] -= 1
    if seat is not None and seat.offer is offer:
        seat.agent.talk_ms += at_ms - offer.talk_from_ms
        seats.wrap_up(floor, seat, offer.wrapup_s, offer.wrapup_max_s)
    three_way.talk_closed(floor, offer)


def after_talk(floor: Floor, call: Call) -> None:
    """Say where a caller is whose last talk ended: dialled on, or about to hang up or to hold."""
    if call.talks:
        return
    if call.offer is not None:
        floor.place(call, Place.OFFER)
    else:
        floor.place(call, Place.RETURNING)
        floor.deadlines.set((Due.RETURN, call, ""), floor.now + offers.RETURN_S)
    handover.talk_over(floor, call)


def on_hold_started(floor: Floor, event: HoldStarted) -> None:
    """The agent put the caller on hold."""
    offer = _talk(floor, event)
    if offer is None or offer.hold_from_ms is not None:
        return
    offer.hold_from_ms = floor.at(offer.call)
    if offer.seat is not None and offer.seat.offer is offer:
        floor.move(offer.seat, Presence.HOLD, until_ms=offer.seat.agent.until_ms)


def on_hold_ended(floor: Floor, event: HoldEnded) -> None:
    """The agent took the caller back."""
    offer = _talk(floor, event)
    if offer is None or offer.hold_from_ms is None:
        return
    end_hold(offer, floor.at(offer.call))
    if offer.seat is not None and offer.seat.offer is offer:
        floor.move(offer.seat, Presence.TALKING, until_ms=offer.seat.agent.until_ms)


def on_party_joined(floor: Floor, event: PartyJoined) -> None:
    """A phone entered the caller's bridge without an offer."""
    call = floor.calls.get(event.call)
    if call is None or any(talk.device == event.device for talk in call.talks.values()):
        floor.ignore(event, "no such call" if call is None else "the talk is known", event.call)
        return
    via = Via.FALLBACK if call.place is Place.FALLBACK else Via.JOINED
    open_found(floor, call, event.device, via, event.consult, event.leg)


def open_found(floor: Floor, call: Call, device: str, via: Via, consult: CallId | None = None, leg: str = "") -> None:
    """Open a talk that no offer of ours made, with whoever is logged in at that phone, or a specialist."""
    agent = floor.roster.at_device.get(device)
    line = call.stage.line
    if call.offer is not None and not call.talks and call.handover is None:
        offers.close(floor, call.offer, OfferResult.TIMED_OUT, "another phone took the call")
    specialist = None
    if via is Via.JOINED and (agent is None or consult in floor.consults):
        specialist = consults.joins(floor, call, device, consult)
        agent = agent if specialist is None else None  # asked for as a specialist, though he is logged in as a seat
    seat = None if agent is None else floor.seats[agent.number]
    offer = Offer(
        f"joined-{leg}" if leg and f"joined-{leg}" not in call.offers else floor.next_offer(),
        call,
        "seat" if agent is not None else "unknown" if specialist is None else "specialist",
        agent.number if agent is not None else device if specialist is None else specialist.number,
        device,
        seat,
        specialist=specialist,
        via=via,
        is_closed=True,
        wrapup_s=line.wrapup_s,
        wrapup_max_s=line.wrapup_max_s,
    )
    open_talk(floor, offer)


def on_party_left(floor: Floor, event: PartyLeft) -> None:
    """A phone that had joined without an offer left."""
    call = floor.calls.get(event.call)
    found = [] if call is None else [talk for talk in call.talks.values() if talk.device == event.device]
    if call is None or not found:
        floor.ignore(event, "no such call" if call is None else "no such talk", event.call)
        return
    close_talk(floor, found[0])
    after_talk(floor, call)


def _talk(floor: Floor, event: HoldStarted | HoldEnded) -> Offer | None:
    call, dialled = floor.calls.get(event.call), floor.outbound.get(event.call)
    offer = None if call is None else call.talks.get(event.offer)
    if dialled is not None and dialled.state is OfferState.TALKING:
        offer = dialled
    if offer is None:
        floor.ignore(event, "no such talk", event.call)
    return offer


def end_hold(offer: Offer, at_ms: int) -> None:
    """Add the hold that goes on to the talk's, if there is one."""
    if offer.hold_from_ms is not None:
        offer.hold_ms += at_ms - offer.hold_from_ms
        offer.hold_from_ms = None

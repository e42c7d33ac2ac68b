"""An offer from the wish to its one result: made, connecting, ringing, ended, and what is done about lost words.

Theory of operation. An offer reserves one agent for one caller. Its steps and their deadlines:

- *wished*: the wish was written. Without `OfferConnecting` within 1 s it is taken for lost: `timed_out`, the call is
  back in its place, the PBX is asked whether the caller still lives. If the switch dials it after all, the physical
  truth wins: whatever was wished meanwhile is closed (`timed_out`, "overtaken") and taken back from the caller's
  channel, and the call and agent follow the late offer; it has its one result on record already and gets no second,
  but its talk counts like any other.
- *connecting*: the dialplan dials. No 180, 183 or 200 within 3 s: we hang up that leg by its own Uniqueid, and the
  end that follows is recorded `unreachable`.
- *ringing*: never withdrawn. Dial's own timeout ends it; 3 s after that we ask the PBX (`ProbeCall`), up to three
  times; what it says decides. Without any answer: `timed_out`.
- *ended* without an answer: the call keeps its clock but cannot read a wish until `CallHolding` (2 s, then we ask).

All these deadlines take silence for an answer, so none judges while the PBX itself cannot be heard (`acd.engine`): what
became of a wish or a ring meanwhile is what its channels tell at the reconnect.

What it costs the agent (`_COST`): refused, busy, unreachable, failed: he rests 5 s, doubled each time up to 60 s until
he accepts one; after refused, busy, unreachable and not answered this pair is barred for 30 s. Unreachable three times
in a row: not ready (`unreachable`). Not answered is a miss: he is ready again at the end of the idle order, and after
`max_misses` in a row not ready (`missed`). All others keep their idle clock: it was not their doing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from acd import lines, seats
from acd.calls import Call, Offer, OfferState, Place
from acd.commands import HangUpLeg, OfferCall, ProbeCall, WithdrawWish
from acd.events import OfferConnecting, OfferEnded, OfferRinging
from acd.floor import Due, Floor
from acd.lines import WISH_S
from acd.names import OfferId, OfferResult
from acd.records import OfferClosed, OfferMade, OfferRang, PassedOver
from acd.seat import Seat
from agents.presence import Presence

SIGN_OF_LIFE_S = 3.0
LOST_END_S = 3.0
"""Beyond the ring time."""
ANNOUNCE_S = 10.0
"""And where the agent's number is announced, so much beyond that."""
RETURN_S = 2.0
BAR_S = 30.0
MAX_PROBES = 3


@dataclass(frozen=True, slots=True)
class Cost:
    """What an offer that was not accepted means for the agent."""

    is_barred: bool = False
    is_resting: bool = False
    is_miss: bool = False
    is_unreachable: bool = False


_COST: Mapping[OfferResult, Cost] = {
    OfferResult.REFUSED: Cost(is_barred=True, is_resting=True),
    OfferResult.BUSY: Cost(is_barred=True, is_resting=True),
    OfferResult.UNREACHABLE: Cost(is_barred=True, is_resting=True, is_unreachable=True),
    OfferResult.NOT_ANSWERED: Cost(is_barred=True, is_miss=True),
    OfferResult.FAILED: Cost(is_resting=True),
    OfferResult.CALLER_GONE: Cost(),
    OfferResult.TIMED_OUT: Cost(),
}


NO_COST = _COST[OfferResult.CALLER_GONE]


def make(
    floor: Floor,
    call: Call,
    seat: Seat,
    could: int,
    passed_over: tuple[PassedOver, ...],
    strategy: str = "",
    release: OfferId | None = None,
) -> None:
    """Reserve an agent for a caller and write the wish. `strategy`: who chose him, if not the line's own; `release`: the
    caller does not rest but talks, this talk's leg is hung up."""
    assert seat.agent.device is not None
    line = call.stage.line
    offer = Offer(
        floor.next_offer(),
        call,
        "seat",
        seat.agent.number,
        seat.agent.device,
        seat,
        ring_s=line.ring_s,
        wrapup_s=line.wrapup_s,
        wrapup_max_s=line.wrapup_max_s,
        announces=line.announce_agent,
    )
    open_offer(floor, offer, strategy or line.strategy, could, passed_over)
    seat.offer = offer
    seat.agent.turn = floor.next_number()
    floor.move(seat, Presence.RINGING)
    if release is None:
        floor.place(call, Place.OFFER)
    announce = seat.agent.number if offer.announces else ""
    floor.send(
        OfferCall(call.id, offer.id, "endpoint", offer.device, offer.ring_s, line.code, release, announce=announce)
    )


def open_offer(floor: Floor, offer: Offer, strategy: str, could: int, passed_over: tuple[PassedOver, ...] = ()) -> None:
    """Put a new offer on record, and wait for the switch to take its wish."""
    call = offer.call
    call.made += 1
    call.offer = call.offers[offer.id] = offer
    floor.records.append(
        OfferMade(
            call=call.id,
            offer=offer.id,
            seq=call.made,
            at_ms=floor.at(call),
            agent=offer.who,
            kind=offer.kind,
            device=offer.device,
            line=call.stage.line.code,
            step=call.stage.number,
            need=call.slot.need.text,
            strategy=strategy,
            score_s=call.score_s(floor.now),
            could=could,
            passed_over=passed_over,
        )
    )
    floor.deadlines.set((Due.WISH, offer, ""), floor.now + WISH_S)


def on_connecting(floor: Floor, event: OfferConnecting) -> None:
    """The dialplan took a wish."""
    call = floor.calls.get(event.call)
    if call is not None and call.leaving is not None and call.leaving.offer == event.offer:
        lines.exit_taken(floor, call, call.leaving)
        return
    offer = _find(floor, event, call, event.offer)
    if offer is None:
        return
    if offer.state is OfferState.OVER and not offer.has_connected:
        revive(floor, offer)
    if offer.state is not OfferState.WISHED:
        floor.ignore(event, f"the offer is {offer.state}", event.call)
        return
    connect(floor, offer)


def connect(floor: Floor, offer: Offer) -> None:
    """A phone is being dialled: wait for a sign of life, then for the end."""
    offer.state = OfferState.CONNECTING
    offer.has_connected = True
    floor.deadlines.cancel((Due.WISH, offer, ""))
    floor.deadlines.set((Due.SIGN, offer, ""), floor.now + SIGN_OF_LIFE_S)
    floor.deadlines.set((Due.RING, offer, ""), floor.now + longest_s(offer))


def longest_s(offer: Offer) -> float:
    """Return after which time the dial of an offer must be over, seconds."""
    return offer.ring_s + LOST_END_S + (ANNOUNCE_S if offer.announces else 0.0)


def revive(floor: Floor, offer: Offer) -> None:
    """The switch dials an offer that was given up: call and agent follow it, what was wished meanwhile is over."""
    call = offer.call
    floor.note("late_wish", offer.id, call.id)
    if call.offer is not None and call.offer is not offer:
        close(floor, call.offer, OfferResult.TIMED_OUT, "overtaken by a late wish")
    offer.state = OfferState.WISHED
    call.offer = offer
    if offer.specialist is not None:
        floor.dialled[offer.who] = floor.dialled.get(offer.who, 0) + 1
    if not call.talks:
        floor.place(call, Place.OFFER)
        floor.deadlines.cancel((Due.RETURN, call, ""))
        floor.send(WithdrawWish(call.id))
    seat = offer.seat
    if seat is not None and seat.offer is None and seat.agent.presence is not Presence.LOGGED_OUT:
        seats.reserve(floor, seat, offer)


def on_ringing(floor: Floor, event: OfferRinging) -> None:
    """The phone gives a sign of life."""
    offer = _find(floor, event, floor.calls.get(event.call), event.offer)
    if offer is None:
        return
    if offer.state is OfferState.WISHED or (offer.state is OfferState.OVER and not offer.has_connected):
        if offer.state is OfferState.OVER:
            revive(floor, offer)
        connect(floor, offer)  # the word that it connects was lost or comes later
    if offer.state is not OfferState.CONNECTING:
        floor.ignore(event, f"the offer is {offer.state}", event.call)
        return
    offer.state = OfferState.RINGING
    floor.deadlines.cancel((Due.SIGN, offer, ""))
    floor.records.append(OfferRang(offer.call.id, offer.id, floor.at(offer.call)))


def on_ended(floor: Floor, event: OfferEnded) -> None:
    """The dial came back without an answer, or could not be tried."""
    call = floor.calls.get(event.call)
    if call is not None and call.leaving is not None and call.leaving.offer == event.offer:
        if event.result is OfferResult.FAILED:
            floor.deadlines.set((Due.EXIT, call, ""), floor.now + WISH_S)
        return  # back in hold he says so: `CallHolding`
    offer = _find(floor, event, call, event.offer)
    if offer is None:
        return
    if offer.state in (OfferState.OVER, OfferState.TALKING) or event.result is OfferResult.ACCEPTED:
        floor.ignore(event, f"the offer is {offer.state}", event.call)
        return
    result = event.result
    if offer.is_hung_up and result is not OfferResult.CALLER_GONE:
        result = OfferResult.UNREACHABLE
    offer.call.was_dialled |= result is OfferResult.CALLER_GONE
    close(floor, offer, result, event.detail)
    expect_return(floor, offer.call)


def close(floor: Floor, offer: Offer, result: OfferResult, detail: str = "") -> None:
    """End an offer that was not accepted: its one result, and what it costs the agent."""
    call, seat = offer.call, offer.seat
    offer.state = OfferState.OVER
    for due in (Due.WISH, Due.SIGN, Due.RING):
        floor.deadlines.cancel((due, offer, ""))
    record_result(floor, offer, result, detail)
    if call.offer is offer:
        call.offer = None
    cost = _COST[result]
    if offer.specialist is not None:
        floor.dialled[offer.who] -= 1
    if seat is None:
        return
    if cost.is_barred:
        call.barred[offer.who] = floor.now + BAR_S
        floor.deadlines.set((Due.BAR, call, offer.who), floor.now + BAR_S)
    if seat.offer is offer:
        seats.release(floor, seat, cost)


def record_result(floor: Floor, offer: Offer, result: OfferResult, detail: str = "") -> None:
    """Put an offer's result on record, if it has none yet."""
    if not offer.is_closed:
        offer.is_closed = True
        floor.records.append(OfferClosed(offer.call.id, offer.id, floor.at(offer.call), result, detail))


def expect_return(floor: Floor, call: Call) -> None:
    """The caller goes back to hold; until he says so, no wish would reach him."""
    if call.place is Place.OFFER:
        floor.place(call, Place.RETURNING)
        floor.deadlines.set((Due.RETURN, call, ""), floor.now + RETURN_S)


def wish_due(floor: Floor, offer: Offer) -> None:
    """Nothing said that the wish was taken."""
    call = offer.call
    floor.note("wish_lost", offer.id, call.id)
    close(floor, offer, OfferResult.TIMED_OUT, "wish not taken")
    probe(floor, call)
    if call.place is Place.OFFER:
        if call.handover is not None or call.counted is None:
            expect_return(floor, call)
        else:
            lines.rest(floor, call)


def sign_due(floor: Floor, offer: Offer) -> None:
    """The phone gave no sign of life."""
    offer.is_hung_up = True
    floor.send(HangUpLeg(offer.call.id, offer.id))
    floor.deadlines.set((Due.RING, offer, ""), floor.now + LOST_END_S)


def ring_due(floor: Floor, offer: Offer) -> None:
    """The dial should be over: ask the PBX, and give up when it does not answer."""
    offer.probes += 1
    if offer.probes <= MAX_PROBES:
        if offer.probes == 1:
            floor.note("end_lost", offer.id, offer.call.id)
        probe(floor, offer.call)
        floor.deadlines.set((Due.RING, offer, ""), floor.now + RETURN_S)
        return
    result = OfferResult.UNREACHABLE if offer.is_hung_up else OfferResult.TIMED_OUT
    close(floor, offer, result, "end not told")
    expect_return(floor, offer.call)


def return_due(floor: Floor, call: Call) -> None:
    """The caller did not say that he holds again: ask, as long as it takes."""
    probe(floor, call)
    floor.deadlines.set((Due.RETURN, call, ""), floor.now + RETURN_S)


def bar_due(floor: Floor, call: Call, agent: str) -> None:
    """A pair may be tried again."""
    call.barred.pop(agent, None)
    if call.stamp:
        floor.fresh_calls[call] = None


def probe(floor: Floor, call: Call) -> None:
    """Ask the PBX where a caller is, if it can be reached."""
    if call.id.pbx in floor.up:
        floor.send(ProbeCall(call.id))


def _find(floor: Floor, event: object, call: Call | None, offer: OfferId) -> Offer | None:
    found = None if call is None else call.offers.get(offer)
    if found is None:
        floor.ignore(event, "no such call" if call is None else "no such offer", None if call is None else call.id)
    return found

"""Who gets whom: one synchronous method that does all matching.

Theory of operation: the rule is greedy and exact. Of all calls that wait, the one with the highest score that anybody
ready can take is given the agent whom its line's strategy puts first; then the next one. Between two steps no ready
agent can take any waiting call, so only calls and agents that became free since then need to be looked at:

- one agent, no call (the usual case under load): the best among the heads of his slots;
- otherwise: the new agents join the index, and the heads of all slots concerned are merged in order of score. A slot
  in which nobody is ready leaves the merge at once; a call whose only agents are barred for it is stepped over.

A pair may be barred for a while after an offer that failed; both stay free for others.
"""

from collections.abc import Generator, Iterable
from contextlib import ExitStack, closing
from heapq import heapify, heappop, heapreplace
from itertools import chain, islice

from acd import offers
from acd.calls import Call
from acd.floor import Floor
from acd.needs import Slot
from acd.records import PassedOver
from acd.seat import Seat
from acd.selection import STRATEGIES
from agents.skills import satisfies

MAX_PASSED_OVER = 5
_LOOK_AT = 16
"""How many resting agents a record's list of those passed over looks at."""


def settle(floor: Floor) -> None:
    """Give every call that became free, and every agent who did, what the rule gives them."""
    while floor.fresh_calls or floor.fresh_seats:
        calls, seats = floor.fresh_calls, floor.fresh_seats
        floor.fresh_calls, floor.fresh_seats = {}, {}
        if not calls and len(seats) == 1:
            (seat,) = seats
            _give_best_call(floor, seat)
        else:
            for seat in seats:
                floor.enlist(seat)
            slots = chain.from_iterable(seat.slots for seat in seats)
            _merge(floor, dict.fromkeys(chain((call.slot for call in calls), slots)))


def is_barred(floor: Floor, call: Call, seat: Seat) -> bool:
    """Tell whether this pair is not tried for now."""
    return bool(call.barred) and call.barred.get(seat.agent.number, floor.now) > floor.now


def _give_best_call(floor: Floor, seat: Seat) -> None:
    """Give one freed agent the call of the highest score that he can take, or put him into the index."""
    number, now = seat.agent.number, floor.now
    best = None
    for slot in seat.slots:
        if not slot.waiting:
            continue
        entry = slot.head()
        if entry is None or (best is not None and best < entry):
            continue
        if entry[4].barred.get(number, now) > now:
            call = _first_not_barred(floor, slot, seat)
            if call is None:
                continue
            entry = (call.score_key, call.arrived_ms, call.number, call.stamp, call)
        if best is None or entry < best:
            best = entry
    if best is None:
        floor.enlist(seat)
        return
    call = best[4]
    passed = _passed_over(floor, call, seat, _ready(call.slot, call), ())
    offers.make(floor, call, seat, 1, passed)


def _first_not_barred(floor: Floor, slot: Slot, seat: Seat) -> Call | None:
    with closing(slot.calls_in_order()) as calls:
        return next((call for call in calls if not is_barred(floor, call, seat)), None)


def _merge(floor: Floor, slots: Iterable[Slot]) -> None:
    """Match the calls of `slots` in order of score, as far as there are agents."""
    walks: list[tuple[float, int, int, Call, Generator[Call, None, None], Slot]] = []
    with ExitStack() as stack:
        for slot in slots:
            if slot.waiting and slot.ready:
                walk = stack.enter_context(closing(slot.calls_in_order()))
                call = next(walk)
                walks.append((call.score_key, call.arrived_ms, call.number, call, walk, slot))
        heapify(walks)
        while walks:
            _, _, _, call, walk, slot = walks[0]
            if not slot.ready:
                heappop(walks)
                continue
            _give_best_seat(floor, call)
            following = next(walk, None)
            if following is None:
                heappop(walks)
            else:
                entry = (following.score_key, following.arrived_ms, following.number, following, walk, slot)
                heapreplace(walks, entry)


def _give_best_seat(floor: Floor, call: Call) -> None:
    barred: list[Seat] = []
    chosen: Seat | None = None
    with closing(call.slot.seats_in_order(call.stage.line.strategy)) as seats:
        for seat in seats:
            if not is_barred(floor, call, seat):
                chosen = seat
                break
            barred.append(seat)
        others = list(islice(seats, MAX_PASSED_OVER)) if chosen is not None else []
    if chosen is not None:
        offers.make(floor, call, chosen, _could(floor, call), _passed_over(floor, call, chosen, barred, others))


def _could(floor: Floor, call: Call) -> int:
    """Return how many ready agents could take a call: all of its slot but those barred for it."""
    barred = (floor.seats.get(number) for number, until in call.barred.items() if until > floor.now)
    return call.slot.ready - sum(seat is not None and seat.stamp != 0 and call.slot in seat.slots for seat in barred)


def _ready(slot: Slot, call: Call) -> list[Seat]:
    """Return the first few of those who are ready for a call that was not given to them: they are barred for it."""
    if not slot.ready:
        return []
    with closing(slot.seats_in_order(call.stage.line.strategy)) as seats:
        return list(islice(seats, MAX_PASSED_OVER))


def _passed_over(
    floor: Floor, call: Call, chosen: Seat, barred: Iterable[Seat], others: Iterable[Seat]
) -> tuple[PassedOver, ...]:
    """Say of the first five whom the caller did not get, and why: barred, resting, or behind in the strategy's order."""
    why = STRATEGIES[call.stage.line.strategy].passed_over
    found = [PassedOver(seat.agent.number, "barred") for seat in barred]
    if floor.resting:
        need = call.slot.need
        found += [
            PassedOver(seat.agent.number, "resting")
            for seat in islice(floor.resting, _LOOK_AT)
            if seat is not chosen and satisfies(seat.agent.skills, need)
        ]
    found += [PassedOver(seat.agent.number, "barred" if is_barred(floor, call, seat) else why) for seat in others]
    return tuple(found[:MAX_PASSED_OVER])

"""The estimated wait: told by the engine's own records, against waits that came out."""

import heapq
import random
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import get_args

from acd import events as ev
from acd.commands import OfferCall
from acd.plan import Plan
from acd.records import CallRebuilt, Record, TalkOpened
from metrics.estimate import ANSWERS, FEW, Mean
from metrics.exporter import Exporter
from metrics.floor import Floor
from tests.scenarios.world import Timeline, call_id, line, ms, plan_of, seat
from tests.unit.test_exporter import samples

RING_S = 2.0
RECORDS = get_args(Record)


class House(Timeline):
    """An engine whose agents answer after `RING_S`, and an exporter that hears every record."""

    def __init__(self, agents: int = 3, plan: Plan | None = None) -> None:
        numbers = [str(1001 + n) for n in range(agents)]
        lines = [line("general", "general", "12345", wrapup_s=0.0), line("tax", "tax", "12346")]
        super().__init__(plan or plan_of(lines, [seat(number, general=1) for number in numbers]))
        self.exporter = Exporter(lambda: Floor(waiting={"general": 0, "tax": 0}))
        self.exporter.staff(self.plan)
        self.talks: dict[str, float] = {}
        self._heard = 0
        self._later: list[tuple[float, int, Callable[[float], object]]] = []
        self._order = count()
        self.login(0, *numbers)

    def at(self, at: float, do: Callable[[float], object]) -> None:
        heapq.heappush(self._later, (at, next(self._order), do))

    def call(self, at: float, name: str, talk_s: float) -> None:
        """Somebody calls, and talks so long once he is answered."""
        self.at(at, lambda now: self.arrive(now, name))
        self.talks[name] = talk_s

    def run(self, until: float) -> None:
        """Let everything happen up to an instant."""
        while True:
            self.hear()
            if not self._later or self._later[0][0] > until:
                return
            at, _, do = heapq.heappop(self._later)
            do(at)

    def ring(self, name: str, now: float) -> None:
        self.ringing(now, name)

    def begin(self, name: str, now: float) -> None:
        self.answered(now, name)
        self.at(now + self.talks[name], partial(self.end, name))

    def end(self, name: str, now: float) -> None:
        self.talk_ended(now, name)
        self.gone(now, name)

    def hear(self) -> None:
        """Let the exporter hear what was said since, and phones ring that were chosen."""
        fresh = self.said[self._heard :]
        self._heard = len(self.said)
        self.exporter.observe(one for _, one in fresh if isinstance(one, RECORDS))
        for at, one in fresh:
            if isinstance(one, OfferCall):
                self.at(at, partial(self.ring, one.call.uniqueid))
                self.at(at + RING_S, partial(self.begin, one.call.uniqueid))

    def shown(self, name: str = "callcenter_estimated_wait_seconds", line: str = "general") -> float | None:
        self.hear()
        return samples(self.exporter).get(f"{name}|line={line}")


def busy_house() -> House:
    """Three agents, each busy for 60 s a call, so that one of them answers every 20 s; calls come as fast."""
    house = House()
    for number in range(12):
        house.call(number * 20.0, f"c{number}", 58.0)
        if number < 3:
            house.call(number * 20.0 + 0.5, f"more{number}", 58.0)
    return house


def test_agent_is_ready_the_estimate_is_the_ring_of_those_before() -> None:
    house = House()
    assert house.shown() == 0, "an agent is ready, and nobody knows yet how long a phone rings"

    house.call(10, "first", 30)
    house.run(100)

    assert house.shown() == RING_S


def test_nobody_works_for_the_line_there_is_no_estimate() -> None:
    assert House().shown(line="tax") is None
    assert House(agents=0).shown() is None


def test_all_are_busy_and_few_answers_are_known_there_is_no_estimate() -> None:
    house = House(agents=1)
    house.call(0, "first", 50)
    house.call(1, "second", 50)
    house.run(20)

    assert house.shown() is None


def test_all_are_busy_the_estimate_is_the_place_times_the_gap() -> None:
    house = busy_house()
    house.run(200)
    waiting = house.engine.waiting_by_line()["general"]
    estimate_s = house.shown()

    assert waiting == 3
    assert estimate_s is not None and abs(estimate_s - (waiting + 1) * 20) < 10


def test_as_many_agents_again_log_in_the_estimate_is_half_at_once() -> None:
    numbers = [str(1001 + n) for n in range(2)]
    lines = [line("general", "general", "12345", wrapup_s=0.0)]
    plan = plan_of(lines, [seat(number, general=1) for number in [*numbers, "2001", "2002"]])
    house = House(agents=2, plan=plan)
    for number in range(40):
        house.call(number * 5.0, f"c{number}", 38.0)
    house.run(180)
    before = house.shown()
    house.login(180, "2001", "2002")

    assert before is not None
    after = house.shown()
    assert after is not None and abs(after - before / 2) <= 0.001


def test_caller_is_answered_the_error_is_what_the_estimate_was_wrong_by() -> None:
    house = House()
    house.call(10, "first", 30)
    house.call(100, "second", 30)
    house.run(200)

    assert house.shown("callcenter_estimated_wait_error_seconds_count") == 2
    assert house.shown("callcenter_estimated_wait_error_seconds_sum") == RING_S, (
        "0 was said of the first, right of the next"
    )


def test_busy_day_estimates_are_nearer_to_the_waits_than_the_last_waits_are() -> None:
    dice = random.Random(7)
    house = House(agents=6)
    at = 0.0
    arrivals: dict[str, float] = {}
    for number in range(1_500):
        at += dice.expovariate(1 / 19.0)
        arrivals[f"c{number}"] = at
        house.call(at, f"c{number}", dice.expovariate(1 / 105.0))
    house.run(at + 5_000)

    errors = house.shown("callcenter_estimated_wait_error_seconds_sum")
    told = house.shown("callcenter_estimated_wait_error_seconds_count")
    opened = answers(house)
    waits = {name: opened[name] - at for name, at in arrivals.items()}
    of_last = [abs(waits[name] - last_wait_known(at, opened, waits)) for name, at in arrivals.items()]
    of_place = [
        abs(wait - place * 107 / 6) for wait, place in zip(waits.values(), places(arrivals, opened), strict=True)
    ]

    assert errors is not None and told is not None and told > 1_400
    assert sum(waits.values()) / len(waits) > 60, "it was a busy day"
    assert errors / told < 0.85 * sum(of_last) / len(of_last)
    assert errors / told < 1.35 * sum(of_place) / len(of_place), "who knows the true gap errs little less"


def last_wait_known(at: float, opened: dict[str, float], waits: dict[str, float]) -> float:
    """The wait of whoever was answered last before an instant; 0: nobody was."""
    newest = max((name for name in opened if opened[name] < at), key=opened.__getitem__, default=None)
    return 0.0 if newest is None else waits[newest]


def places(arrivals: dict[str, float], opened: dict[str, float]) -> list[int]:
    """How many answers each caller had to wait for, his own included."""
    return [sum(at <= opened[name] <= opened[mine] for name in opened) for mine, at in arrivals.items()]


def answers(house: House) -> dict[str, float]:
    return {one.call.uniqueid: at for at, one in house.said if isinstance(one, TalkOpened)}


def test_call_is_told_from_cel_afterwards_no_estimate_of_it_counts() -> None:
    house = House()
    house.call(10, "first", 30)
    house.run(11)
    house.exporter.observe([CallRebuilt(call_id("first"), ms(11))])
    house.run(100)

    assert house.shown("callcenter_estimated_wait_error_seconds_count") == 0
    assert house.shown() == 0, "nothing was learnt from it"


def test_callers_are_found_at_a_start_their_waits_of_before_are_no_gaps() -> None:
    house = House(agents=1)
    waited = [(call_id(f"c{n}"), ms(n - 900)) for n in range(7)]
    found = [ev.CallFound(call, ms(1), "rest", at, at, at, "general", "12345") for call, at in waited]
    house.talks |= {f"c{n}": 28.0 for n in range(7)}
    house.tell(0, ev.LinkLost("pbx1", ms(0)))
    for one in found:
        house.tell(1, one)
    house.tell(1, ev.SnapshotDone("pbx1", ms(1)))
    house.run(100)
    assert house.shown() is None, "the first answer tells no gap, and three are too few"

    house.run(200)

    assert house.engine.waiting_by_line()["general"] == 0
    assert house.shown() == 30


def test_mean_forgets_all_but_the_last_answers() -> None:
    mean = Mean()
    assert mean.value() == 0
    for value in (1_000_000, *range(ANSWERS)):
        mean.add(value)

    assert (mean.value(), len(mean)) == (sum(range(ANSWERS)) // ANSWERS, ANSWERS)
    assert FEW < ANSWERS

"""A floor of any size for the benchmarks of the engine: the workload that both of them run.

40 skills, 50 lines with nine steps each (500 distinct needs), agents with 3 +- 2 skills at levels 1 to 3. Of the agents
95 % talk, the rest are ready, but for skills that no waiting call asks alone; some waiting calls ask for a level that
nobody has. One decision: an agent who talked becomes ready (his wrap-up is zero) and takes the best of the waiting
calls that he can take. What is measured is that one event in, `Step` out; what follows (the call's end, a new caller
in its place) keeps the numbers steady and is not measured.
"""

import random
from dataclasses import dataclass, field
from time import perf_counter_ns

from acd.calls import Place
from acd.commands import OfferCall
from acd.engine import Engine
from acd.events import (
    AgentLoggedIn,
    CallArrived,
    CallerGone,
    OfferAnswered,
    OfferConnecting,
    SnapshotDone,
    TalkEnded,
)
from acd.names import CallId, EndedBy
from acd.plan import AgentSpec, Line, Plan, Step
from agents.skills import parse_need, satisfies
from callcenter.bench.errors import BenchWrong

SKILLS = [f"s{number:02}" for number in range(40)]
LINES = 50
STEPS = 9
CHECK_EVERY = 97
"""Every so many decisions are held against a scan of all calls."""


def plan_of(agents: int, seed: int) -> Plan:
    """Return a plan with 500 distinct needs."""
    draw = random.Random(seed)
    lines = {}
    seen: set[str] = set()
    for number in range(LINES):
        texts: list[str] = []
        while len(texts) <= STEPS:
            skill, other = draw.sample(SKILLS, 2)
            text = draw.choice(
                [f"{skill} >= {draw.randint(1, 3)}", f"{skill} and {other}", f"{skill} >= 2 and {other} >= 2"]
            )
            if number % 10 == 9:
                text = f"{skill} >= 4 and {other}"  # nobody has level 4
            if text not in seen:
                seen.add(text)
                texts.append(text)
        needs = [parse_need(text) for text in texts]
        steps = tuple(Step(60.0 * (n + 1), need=need) for n, need in enumerate(needs[1:]))
        code = f"line{number:02}"
        lines[code] = Line(code, code, code, (f"7{number:02}",), needs[0], steps=steps, wrapup_s=0.0)
    seats = {}
    for number in range(agents):
        skills = {skill: draw.randint(1, 3) for skill in draw.sample(SKILLS, draw.randint(1, 5))}
        seats[str(100000 + number)] = AgentSpec(str(100000 + number), f"Agent {number}", skills, "")
    return Plan(lines, "line00", seats)


@dataclass
class Floor:
    """An engine with `agents` of whom 95 % talk, and `waiting` calls."""

    agents: int
    waiting: int
    seed: int = 12345
    engine: Engine = field(init=False)
    talking: list[tuple[CallId, str]] = field(default_factory=list)
    """(call, offer) of talks that may end."""

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.now = 1_000_000.0
        self.names = self.decisions = 0
        self.engine = Engine(plan_of(self.agents, self.seed), 1)
        self.engine.handle(SnapshotDone("bench", self.ms), self.now)
        wanted = int(self.agents * 0.95)
        numbers = list(self.engine.plan.agents)
        self.draw.shuffle(numbers)
        for number in numbers[:wanted]:
            self.engine.handle(AgentLoggedIn(number, f"p{number}", self.ms), self.now)
        self._fill(wanted)
        self.now += 600.0  # the waits are spread over all ten stages
        self._take(self.engine.advance(self.now).commands)
        while sum(self.engine.waiting_by_line().values()) < self.waiting:
            self.arrive()
        for number in numbers[wanted:]:
            step = self.engine.handle(AgentLoggedIn(number, f"p{number}", self.ms), self.now)
            self._take(step.commands)
        while sum(self.engine.waiting_by_line().values()) < self.waiting:
            self.arrive()

    @property
    def ms(self) -> int:
        return round(self.now * 1000)

    def _fill(self, wanted: int) -> None:
        """Let callers come until as many agents talk as can."""
        tries = 0
        while len(self.talking) < wanted and tries < wanted * 3:
            tries += 1
            self.arrive(wait_s=0.0)

    def arrive(self, wait_s: float | None = None) -> None:
        """A caller comes, who has waited a random while already; whoever is given to him answers at once."""
        self.names += 1
        waited = self.draw.uniform(0, 590) if wait_s is None else wait_s
        call = CallId("bench", f"{self.names}")
        event = CallArrived(call, self.ms - round(waited * 1000), f"7{self.draw.randrange(LINES):02}")
        self._take(self.engine.handle(event, self.now).commands)

    def _take(self, commands: tuple[object, ...]) -> None:
        for command in commands:
            if isinstance(command, OfferCall):
                self.engine.handle(OfferConnecting(command.call, command.offer, self.ms), self.now)
                self.engine.handle(OfferAnswered(command.call, command.offer, self.ms), self.now)
                self.talking.append((command.call, command.offer))

    def decide(self) -> int:
        """Free one agent; return the nanoseconds from the event in to the Step out. Raises `BenchWrong`."""
        self.now += 0.001
        index = self.draw.randrange(len(self.talking))
        self.talking[index], self.talking[-1] = self.talking[-1], self.talking[index]
        call, offer = self.talking.pop()
        freed = self.engine.who(call, offer) or ""
        self._take(self.engine.advance(self.now).commands)
        event = TalkEnded(call, offer, self.ms)
        begun = perf_counter_ns()
        step = self.engine.handle(event, self.now)
        taken_ns = perf_counter_ns() - begun
        given = [one.call for one in step.commands if isinstance(one, OfferCall)]
        self.decisions += 1
        if self.decisions % CHECK_EVERY == 0 and given != self.best_for(freed, given):
            raise BenchWrong(f"the freed agent {freed} got {given}")
        self._take(step.commands)
        self.engine.handle(CallerGone(call, self.ms, EndedBy.CALLER), self.now)
        while sum(self.engine.waiting_by_line().values()) < self.waiting:
            self.arrive()
        return taken_ns

    def best_for(self, agent: str, given: list[CallId]) -> list[CallId]:
        """Return the call that a freed agent must get (none: an empty list), found by looking at all of them."""
        skills = self.engine.plan.agents[agent].skills
        calls = [call for call in self.engine.calls.values() if call.place is Place.WAITING or call.id in given]
        could = [call for call in calls if satisfies(skills, call.stage.need)]
        could.sort(key=lambda call: (call.score_key, call.arrived_ms, call.number))
        return [call.id for call in could[:1]]


def percentile(values: list[int], share: float) -> float:
    """Return the value that `share` of all do not exceed."""
    return float(sorted(values)[min(len(values) - 1, int(len(values) * share))])

"""Calls drawn from a seed: per-call milestones whose sums are those of a published year.

Theory of operation: the sums are split into one number for each call (`callcenter.sample.sums`); everything else (when, on
which line, who called, which agent, how an unanswered call ended) is drawn beside them. `callcenter.sample.rows` turns a
call into rows of the ledger, `callcenter.sample.told` into the records that the service would have written.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from random import Random

from acd.names import EndedBy, OfferResult, Outcome, RejectReason
from callcenter.sample.sums import YearSums, split
from metrics.lengths import DAY_MS, HOUR_MS

HOURS = (8, 5, 4, 3, 3, 5, 12, 30, 75, 100, 98, 85, 60, 62, 82, 88, 85, 75, 55, 45, 40, 34, 24, 14)
"""How many calls each hour of the day has, in proportion."""
LOST = (
    (Outcome.ABANDONED_QUEUE, "", 50),
    (Outcome.ABANDONED_RINGING, "", 15),
    (Outcome.ABANDONED_IVR, "", 15),
    (Outcome.REJECTED, RejectReason.MAX_WAIT, 8),
    (Outcome.CALLBACK_REQUESTED, "", 4),
    (Outcome.OVERFLOWED_OUT, "", 4),
    (Outcome.VOICEMAIL, "", 3),
    (Outcome.FAILED, "system", 1),
)
"""How unanswered calls ended: outcome, reason, proportion."""
HANDED_OUT = frozenset({Outcome.OVERFLOWED_OUT, Outcome.VOICEMAIL})
BY_SYSTEM = frozenset({Outcome.REJECTED, Outcome.FAILED})
GREETING_MS = 8000
MISSES = 0.4
"""Share of queued calls that some phone rang in vain for: with those that were answered, 1.1 offers an inbound call."""


@dataclass(frozen=True, slots=True)
class SampleOffer:
    """One agent was rung."""

    agent: str
    made_ms: int
    ended_ms: int
    result: OfferResult


@dataclass(frozen=True, slots=True)
class SampleCall:
    """One call with its milestones, instants in ms. None: it did not come so far."""

    uniqueid: str
    direction: str
    line: str
    caller: str
    arrived_ms: int
    ended_ms: int
    ended_by: EndedBy
    queued_ms: int | None = None
    offers: Sequence[SampleOffer] = ()
    agent: str | None = None
    """Who answered, or dialled."""
    answered_ms: int | None = None
    talk_ms: int = 0
    hold_ms: int = 0
    left_ms: int | None = None
    outcome: Outcome | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Company:
    """Who calls and who answers."""

    lines: Sequence[str] = field(default_factory=lambda: ("general", *(f"line{n:02}" for n in range(1, 20))))
    agents: Sequence[str] = field(default_factory=lambda: tuple(f"{1001 + n}" for n in range(300)))
    callers: int = 3_000_000


def year_of(sums: YearSums, seed: int = 2020, company: Company | None = None) -> Iterator[SampleCall]:
    """Return the calls of a year in order of arrival; the same seed gives the same calls."""
    some = company or Company()
    directions = (_Year(Random(seed), sums, some, 1).inbound(), _Year(Random(seed), sums, some, 2).outbound())
    yield from merge(*directions, key=lambda call: call.arrived_ms)


class _Year:
    """The calls of one direction; its number is part of each call's id."""

    def __init__(self, draw: Random, sums: YearSums, company: Company, direction: int) -> None:
        self._draw = draw
        self._sums = sums
        self._company = company
        self._days = (sums.to_ms - sums.from_ms) // DAY_MS
        self._direction = direction
        self._number = 0
        self._outcomes = [outcome for outcome in LOST for _ in range(outcome[2])]

    def inbound(self) -> Iterator[SampleCall]:
        sums, draw = self._sums, self._draw
        waits = split(draw, sums.offered, sums.wait_ms)
        talks = iter(split(draw, sums.answered, sums.talk_in_ms, sums.longest_in_ms))
        answered = [True] * sums.answered + [False] * (sums.offered - sums.answered)
        draw.shuffle(answered)
        for arrived, wait_ms, is_answered in zip(self._arrivals(sums.offered), waits, answered, strict=True):
            yield self._answered(arrived, wait_ms, next(talks)) if is_answered else self._lost(arrived, wait_ms)

    def outbound(self) -> Iterator[SampleCall]:
        sums, draw = self._sums, self._draw
        talks = split(draw, sums.outbound, sums.talk_out_ms, sums.longest_out_ms)
        tries: list[int | None] = [*talks, *[None] * sums.unreached]
        draw.shuffle(tries)
        for arrived, talk_ms in zip(self._arrivals(len(tries)), tries, strict=True):
            rings_ms = 2000 + self._below(38_000)
            yield SampleCall(
                self._id(arrived),
                "outbound",
                self._line(),
                self._caller(),
                arrived,
                arrived + rings_ms + (talk_ms or 0),
                EndedBy.AGENT,
                agent=self._agent(),
                answered_ms=None if talk_ms is None else arrived + rings_ms,
                talk_ms=talk_ms or 0,
            )

    def _answered(self, arrived: int, wait_ms: int, talk_ms: int) -> SampleCall:
        draw = self._draw
        answered = arrived + wait_ms
        queued = arrived + self._below(min(wait_ms, GREETING_MS) + 1)
        agent = self._agent()
        rang = answered - min(answered - queued, self._below(6000))
        accepted = SampleOffer(agent, rang, answered, OfferResult.ACCEPTED)
        return SampleCall(
            self._id(arrived),
            "inbound",
            self._line(),
            self._caller(),
            arrived,
            answered + talk_ms,
            EndedBy.CALLER if self._below(2) else EndedBy.AGENT,
            queued,
            (*self._missed(queued, rang), accepted),
            agent,
            answered,
            talk_ms,
            self._below(talk_ms + 1) if draw.random() < 0.05 else 0,
            outcome=Outcome.AGENT_ANSWERED,
        )

    def _lost(self, arrived: int, wait_ms: int) -> SampleCall:
        outcome, reason, _ = self._outcomes[self._below(len(self._outcomes))]
        gone = arrived + wait_ms
        queued = None
        offers: tuple[SampleOffer, ...] = ()
        if outcome is not Outcome.ABANDONED_IVR:
            queued = arrived + self._below(min(wait_ms, GREETING_MS) + 1)
            offers = self._missed(queued, gone)
        if queued is not None and outcome is Outcome.ABANDONED_RINGING:
            offers = (SampleOffer(self._agent(), queued, gone, OfferResult.CALLER_GONE),)
        left = gone if outcome in HANDED_OUT else None
        by = EndedBy.SYSTEM if outcome in BY_SYSTEM else EndedBy.CALLER
        ended = gone + (self._below(120_000) if left is not None else 0)
        return SampleCall(
            self._id(arrived),
            "inbound",
            self._line(),
            self._caller(),
            arrived,
            ended,
            by,
            queued,
            offers,
            left_ms=left,
            outcome=outcome,
            reason=str(reason),
        )

    def _missed(self, queued: int, until: int) -> tuple[SampleOffer, ...]:
        if self._draw.random() >= MISSES:
            return ()
        return (SampleOffer(self._agent(), queued, until, OfferResult.NOT_ANSWERED),)

    def _arrivals(self, count: int) -> list[int]:
        """Instants within the period in order, more of them in the day's busy hours."""
        below, from_ms, days = self._below, self._sums.from_ms, self._days
        hours = self._draw.choices(range(24), HOURS, k=count)
        return sorted(from_ms + below(days) * DAY_MS + hour * HOUR_MS + below(HOUR_MS) for hour in hours)

    def _id(self, arrived: int) -> str:
        self._number += 1
        return f"{arrived // 1000}.{self._number}{self._direction}"

    def _below(self, limit: int) -> int:
        """Return a number of [0, limit): quicker than `randrange`, and even enough for numbers far below 2**53."""
        return int(self._draw.random() * limit)

    def _agent(self) -> str:
        agents = self._company.agents
        return agents[self._below(len(agents))]

    def _line(self) -> str:
        lines = self._company.lines
        return lines[self._below(len(lines))]

    def _caller(self) -> str:
        return f"1{self._below(self._company.callers):010}"

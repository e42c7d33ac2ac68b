"""Totals: integer measures of calls, each with one aggregate, over the calls that ARRIVED in an interval.

Theory of operation: a **measure** is an integer of one call (0/1, or milliseconds), written as an expression over the
ledger's columns; a **total** adds a measure up (or takes its largest value). Python evaluates the same expressions that
storage turns into SQL, and a test holds the two equal. Totals of neighbouring intervals combine without loss (a sum of sums,
a maximum of maxima): that is what roll-ups stand on.

A total is of rows of one **source**: calls, or what belongs to a call (talks, offers, hand-overs), whose own fields go by their
names and the call's by `call.` in front. Whatever belongs to a call counts where the call arrived.

Totals are of calls that have ended: until then nobody knows how long the caller waits. Every total of calls leaves out
those with the flag `excluded` (tests, internal calls, callers turned away by their number), which are counted apart.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from metrics.choices import THRESHOLDS_S, Choices, Clock
from metrics.expressions import (
    AtMost,
    Condition,
    Expression,
    Field,
    FirstOf,
    Flag,
    Is,
    Known,
    Minus,
    MoreThan,
    Number,
    Row,
    Where,
)

ENDED = Known(Field("ended_ms"))
COUNTED = Flag("excluded", False)
INBOUND = (Is("direction", "inbound"), COUNTED, ENDED)
OUTBOUND = (Is("direction", "outbound"), COUNTED, ENDED)
REACHED = Known(Field("answered_ms"))
UNANSWERED = (*INBOUND, Known(Field("answered_ms"), False))
ANSWERED_IN = (*INBOUND, Is("outcome", "agent_answered"))
ANSWERED_OUT = (*OUTBOUND, REACHED)
WATCHED = (Flag("imported", False), Known(Field("rebuilt_ms"), False))
"""Seen live by our own service: holds and wrap-up of the others are unknown, which is not none."""

WAIT_END = FirstOf((Field("answered_ms"), Field("left_ms"), Field("ended_ms")))
WAIT_MS = Minus(WAIT_END, Field("arrived_ms"))
"""First answered, else handed over to somebody else, else the call's end; minus arrived. A second queue is not in it."""
QUEUE_WAIT_MS = Minus(WAIT_END, Field("queued_ms"))
"""The same from the first entry to the queue; a call that never came so far has none."""
CLOCKS: Mapping[Clock, Expression] = {Clock.ARRIVAL: WAIT_MS, Clock.QUEUE: QUEUE_WAIT_MS}

ABANDON_EDGES_S = (5, 10, 20, 30, 60, 120, 300)
"""Upper edges of the abandonment distribution; the last bin is open."""

OUTCOMES = (
    "agent_answered",
    "abandoned_ivr",
    "abandoned_queue",
    "abandoned_ringing",
    "callback_requested",
    "voicemail",
    "self_service",
    "overflowed_out",
    "rejected",
    "failed",
)
ABANDONED = ("abandoned_ivr", "abandoned_queue", "abandoned_ringing")
REASONS = ("busy", "closed", "full", "max_wait", "no_agent")


class Aggregate(StrEnum):
    """How the measures of many calls become one total."""

    SUM = "sum"
    MAX = "max"


class Source(StrEnum):
    """Of what rows a total is."""

    CALLS = "calls"
    TALKS = "talks"
    OFFERS = "offers"
    HAND_OVERS = "hand_overs"
    STATES = "states"
    """Spans of agents' states (`metrics.states`); they are cut at the edges of the period."""


@dataclass(frozen=True, slots=True)
class Total:
    """One aggregate of one measure, over the rows that have it. Of no rows, a sum is 0 and a maximum None."""

    name: str
    measure: Expression
    aggregate: Aggregate = Aggregate.SUM
    source: Source = Source.CALLS

    def over(self, rows: Iterable[Row]) -> int | None:
        """Evaluate in Python; SQL gives the same."""
        values = [value for row in rows if (value := self.measure.of(row)) is not None]
        return sum(values) if self.aggregate is Aggregate.SUM else max(values, default=None)

    def combined(self, parts: Iterable[int | None]) -> int | None:
        """Return the total of a whole from those of its parts."""
        values = [part for part in parts if part is not None]
        return sum(values) if self.aggregate is Aggregate.SUM else max(values, default=None)

    def plus(self, whole: int | None, part: int) -> int:
        """Return the same of two, one of which is known."""
        if whole is None:
            return part
        return whole + part if self.aggregate is Aggregate.SUM else max(whole, part)


Totals = Mapping[str, int | None]


def call_totals(choices: Choices) -> Iterator[Total]:
    """Return the totals of calls under these choices."""
    yield from (*_inbound(choices), *_levels(), *_abandonment(choices), *_outbound(choices), *_apart())


def _count(name: str, *conditions: Condition) -> Total:
    return Total(name, Where(Number(1), conditions))


def talk_ms(choices: Choices) -> Expression:
    """Return the measure of a call's talk."""
    return Field("talk_ms") if choices.hold_in_talk else Minus(Field("talk_ms"), Field("hold_ms"))


def _inbound(choices: Choices) -> Iterator[Total]:
    talk = talk_ms(choices)
    yield _count("offered", *INBOUND)
    for word in OUTCOMES:
        yield _count(word, *INBOUND, Is("outcome", word))
    for reason in REASONS:
        yield _count(f"rejected_{reason}", *INBOUND, Is("outcome", "rejected"), Is("outcome_reason", reason))
    yield _count("unknown", *INBOUND, Known(Field("outcome"), False))
    yield _count("rebuilt", *INBOUND, Known(Field("rebuilt_ms")))
    yield _count("queued", *INBOUND, Known(Field("queued_ms")))
    yield Total("wait_ms", Where(WAIT_MS, INBOUND))
    yield Total("wait_ivr_ms", Where(WAIT_MS, (*INBOUND, Is("outcome", "abandoned_ivr"))))
    yield Total("queue_wait_ms", Where(QUEUE_WAIT_MS, INBOUND))
    yield Total("wait_answered_ms", Where(WAIT_MS, ANSWERED_IN))
    yield Total("queue_wait_answered_ms", Where(QUEUE_WAIT_MS, ANSWERED_IN))
    yield _count("answered_queued", *ANSWERED_IN, Known(Field("queued_ms")))
    yield Total("talk_in_ms", Where(talk, ANSWERED_IN))
    yield Total("hold_in_ms", Where(Field("hold_ms"), (*ANSWERED_IN, *WATCHED)))
    yield _count("answered_watched", *ANSWERED_IN, *WATCHED)
    yield Total("longest_in_ms", Where(talk, ANSWERED_IN), Aggregate.MAX)
    yield Total("longest_wait_ms", Where(WAIT_MS, INBOUND), Aggregate.MAX)
    yield Total("requeue_wait_ms", Where(Field("requeue_wait_ms"), INBOUND))
    yield _count("requeued", *INBOUND, MoreThan(Field("requeue_wait_ms"), 0))
    yield _count("requeue_abandoned", *INBOUND, Flag("requeue_abandoned"))
    yield Total("agent_answers", Where(Field("agent_answers"), INBOUND))
    yield Total("specialist_answers", Where(Field("specialist_answers"), INBOUND))


def _levels() -> Iterator[Total]:
    for clock, wait in CLOCKS.items():
        for seconds in THRESHOLDS_S:
            yield _count(f"answered_in_{seconds}_{clock}", *ANSWERED_IN, AtMost(wait, seconds * 1000))
            for word in ABANDONED:
                conditions = (*INBOUND, Is("outcome", word), MoreThan(wait, seconds * 1000))
                yield _count(f"{word}_after_{seconds}_{clock}", *conditions)


def _abandonment(choices: Choices) -> Iterator[Total]:
    below = AtMost(WAIT_MS, choices.short_s * 1000 - 1)
    yield _count("short_unanswered", *UNANSWERED, below)
    edges = (0, *ABANDON_EDGES_S)
    for word in ABANDONED:
        yield _count(f"short_{word}", *INBOUND, Is("outcome", word), below)
        for lower, upper in zip(edges, (*ABANDON_EDGES_S, None), strict=True):
            bounds: list[Condition] = [] if upper is None else [AtMost(WAIT_MS, upper * 1000 - 1)]
            bounds += [MoreThan(WAIT_MS, lower * 1000 - 1)] if lower else []
            yield _count(abandon_bin(word, lower, upper), *INBOUND, Is("outcome", word), *bounds)


def abandon_bin(word: str, lower: int, upper: int | None) -> str:
    """Return the name of one bin of the abandonment distribution: waits in [lower, upper) seconds."""
    return f"{word}_from_{lower}" if upper is None else f"{word}_from_{lower}_to_{upper}"


def _outbound(choices: Choices) -> Iterator[Total]:
    talk = talk_ms(choices)
    yield _count("outbound_attempts", *OUTBOUND)
    yield _count("outbound_answered", *ANSWERED_OUT)
    yield _count("outbound_call_backs", *OUTBOUND, Known(Field("follows")))
    yield Total("talk_out_ms", Where(talk, ANSWERED_OUT))
    yield Total("longest_out_ms", Where(talk, ANSWERED_OUT), Aggregate.MAX)


def _apart() -> Iterator[Total]:
    yield _count("excluded", Flag("excluded"), Flag("blocked", False), ENDED)
    yield _count("blocked", Flag("blocked"), Known(Field("answered_ms"), False), ENDED)
    yield _count("not_ended", COUNTED, Known(Field("ended_ms"), False))
    yield _count("clock_adjusted", COUNTED, ENDED, Flag("clock_adjusted"))
    yield _count("imported", COUNTED, ENDED, Flag("imported"))

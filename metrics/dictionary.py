"""The dictionary of figures: what each number of the report counts, once, for Python and for SQL alike.

Theory of operation: a **measure** is an integer of one call (0/1, or milliseconds), written as an expression over the
ledger's columns; a **total** is one aggregate (sum or max) of a measure over the calls that ARRIVED in an interval; a
**figure** is an exact fraction of totals with a unit, rounded once, when it is printed. Python evaluates the same
expressions that storage turns into SQL, and a test holds the two equal. Changing what a figure counts means a new
`version`.

Figures are of calls that have ended: until then nobody knows how long the caller waits. A period with calls that have
not ended is not final, and the report says how many.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from metrics.expressions import Condition, Expression, Field, FirstOf, Flag, Is, Known, Minus, Number, Row, Where

ENDED = Known(Field("ended_ms"))
COUNTED = Flag("excluded", False)
INBOUND = (Is("direction", "inbound"), COUNTED, ENDED)
OUTBOUND = (Is("direction", "outbound"), COUNTED, ENDED)
REACHED = Known(Field("answered_ms"))

WAIT_MS = Minus(FirstOf((Field("answered_ms"), Field("left_ms"), Field("ended_ms"))), Field("arrived_ms"))
"""First answered, else handed over to somebody else, else the call's end; minus arrived. A second queue is not in it."""


HANDED_OUT = frozenset({None, "overflowed_out"})
"""Outcomes with which an instant of hand-over stands; with another one he came back, and his wait went on."""


class Aggregate(StrEnum):
    """How the measures of many calls become one total."""

    SUM = "sum"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Total:
    """One aggregate of one measure, over the calls that have it. Of no calls, a sum is 0 and a maximum None."""

    name: str
    measure: Expression
    aggregate: Aggregate = Aggregate.SUM

    def over(self, rows: Iterable[Row]) -> int | None:
        """Evaluate in Python; SQL gives the same."""
        values = [value for row in rows if (value := self.measure.of(row)) is not None]
        return sum(values) if self.aggregate is Aggregate.SUM else max(values, default=None)


def _count(name: str, *conditions: Condition) -> Total:
    return Total(name, Where(Number(1), conditions))


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
ANSWERED_IN = (*INBOUND, Is("outcome", "agent_answered"))
ANSWERED_OUT = (*OUTBOUND, REACHED)
TALK_MS = Field("talk_ms")

TOTALS: Mapping[str, Total] = {
    total.name: total
    for total in (
        _count("offered", *INBOUND),
        *(_count(word, *INBOUND, Is("outcome", word)) for word in OUTCOMES),
        _count("unknown", *INBOUND, Known(Field("outcome"), False)),
        Total("wait_ms", Where(WAIT_MS, INBOUND)),
        Total("talk_in_ms", Where(TALK_MS, ANSWERED_IN)),
        Total("longest_in_ms", Where(TALK_MS, ANSWERED_IN), Aggregate.MAX),
        Total("requeue_wait_ms", Where(Field("requeue_wait_ms"), INBOUND)),
        _count("requeue_abandoned", *INBOUND, Flag("requeue_abandoned")),
        Total("agent_answers", Where(Field("agent_answers"), INBOUND)),
        Total("specialist_answers", Where(Field("specialist_answers"), INBOUND)),
        _count("outbound_attempts", *OUTBOUND),
        _count("outbound_answered", *ANSWERED_OUT),
        Total("talk_out_ms", Where(TALK_MS, ANSWERED_OUT)),
        Total("longest_out_ms", Where(TALK_MS, ANSWERED_OUT), Aggregate.MAX),
        _count("excluded", Flag("excluded"), ENDED),
        _count("not_ended", COUNTED, Known(Field("ended_ms"), False)),
    )
}

Totals = Mapping[str, int | None]


def totals_of(rows: Iterable[Row]) -> dict[str, int | None]:
    """Return every total over these calls, evaluated in Python."""
    rows = list(rows)
    return {name: total.over(rows) for name, total in TOTALS.items()}


class Unit(StrEnum):
    """What a figure is printed in, and so how it is rounded by default: whole seconds, one place of percent."""

    CALLS = "calls"
    SECONDS = "seconds"
    PERCENT = "percent"


PLACES: Mapping[Unit, int] = {Unit.CALLS: 0, Unit.SECONDS: 0, Unit.PERCENT: 1}
PER_UNIT: Mapping[Unit, Fraction] = {
    Unit.CALLS: Fraction(1),
    Unit.SECONDS: Fraction(1, 1000),
    Unit.PERCENT: Fraction(100),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A named, versioned formula: (sum of numerator totals) / (sum of denominator totals), in a unit.

    `longest`: the numerator is the largest of its totals instead of their sum."""

    name: str
    unit: Unit
    numerator: tuple[str, ...]
    denominator: tuple[str, ...] = ()
    """Empty: the numerator itself."""
    longest: bool = False
    version: int = 1

    def value(self, totals: Totals) -> Fraction | None:
        """Return the exact value in the figure's unit; None where it does not apply (nothing to divide by)."""
        parts = [part for name in self.numerator if (part := totals[name]) is not None]
        below = sum(totals[name] or 0 for name in self.denominator) if self.denominator else 1
        if not parts or not below:
            return None
        return Fraction(max(parts) if self.longest else sum(parts), below) * PER_UNIT[self.unit]


FIGURES: Mapping[str, Figure] = {
    figure.name: figure
    for figure in (
        Figure("offered", Unit.CALLS, ("offered",)),
        Figure("agent_answered", Unit.CALLS, ("agent_answered",)),
        Figure("connect_rate", Unit.PERCENT, ("agent_answered",), ("offered",)),
        Figure("avg_wait_s", Unit.SECONDS, ("wait_ms",), ("offered",)),
        Figure("avg_talk_s", Unit.SECONDS, ("talk_in_ms",), ("agent_answered",)),
        Figure("max_talk_s", Unit.SECONDS, ("longest_in_ms",), longest=True),
        Figure("outbound_answered", Unit.CALLS, ("outbound_answered",)),
        Figure("outbound_attempts", Unit.CALLS, ("outbound_attempts",)),
        Figure("outbound_reached_rate", Unit.PERCENT, ("outbound_answered",), ("outbound_attempts",)),
        Figure("outbound_avg_talk_s", Unit.SECONDS, ("talk_out_ms",), ("outbound_answered",)),
        Figure("outbound_max_talk_s", Unit.SECONDS, ("longest_out_ms",), longest=True),
        Figure("total_volume", Unit.CALLS, ("agent_answered", "outbound_answered")),
        Figure(
            "total_avg_talk_s",
            Unit.SECONDS,
            ("talk_in_ms", "talk_out_ms"),
            ("agent_answered", "outbound_answered"),
        ),
        Figure("total_max_talk_s", Unit.SECONDS, ("longest_in_ms", "longest_out_ms"), longest=True),
        Figure("agent_answers", Unit.CALLS, ("agent_answers",)),
        Figure("specialist_answers", Unit.CALLS, ("specialist_answers",)),
    )
}

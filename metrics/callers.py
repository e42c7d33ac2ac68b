"""Figures of one caller's calls: how many different callers, and whose question was answered at the first call.

Theory of operation: a caller is his number as received. Withheld numbers are nobody: each such call is left out of
first-call resolution, and all of them together count as one entry apart. `fcr(x, y)`: of the answered inbound calls from
known numbers, the share of those with no inbound call from the same number in the x days before and the y days after;
final only y days after the period.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from metrics.choices import Choices
from metrics.expressions import Is
from metrics.lengths import DAY_MS
from metrics.totals import ANSWERED_IN, COUNTED, INBOUND

DISTINCT = INBOUND
"""Which calls have a caller to be counted."""
NEIGHBOURS = (Is("direction", "inbound"), COUNTED)
"""Which calls show that somebody called again: also those that have not ended."""
ANSWERED = ANSWERED_IN
"""Which calls are judged."""
WITHHELD = frozenset({"", "anonymous", "unknown", "unavailable", "private", "withheld"})


@dataclass(frozen=True, slots=True)
class CallerCall:
    """One inbound call, without the flag `excluded`."""

    number: str
    arrived_ms: int
    is_answered: bool


@dataclass(frozen=True, slots=True)
class FirstCall:
    """First-call resolution of a period."""

    resolved: int
    answered: int
    """Answered calls from known numbers."""
    is_final: bool
    """The days after the period are over, too."""

    @property
    def value(self) -> Fraction | None:
        """Return the exact percentage; None where no such call was answered."""
        return Fraction(self.resolved * 100, self.answered) if self.answered else None


def is_known(number: str) -> bool:
    """Tell whether a number names a caller."""
    return number.strip().lower() not in WITHHELD


def distinct_callers(calls: Iterable[CallerCall]) -> int:
    """Return how many different known numbers called."""
    return len({call.number for call in calls if is_known(call.number)})


def first_call_resolution(
    calls: Sequence[CallerCall], from_ms: int, to_ms: int, now_ms: int, choices: Choices
) -> FirstCall:
    """Return FCR of [from, to). `calls` must reach from x days before to y days after the period."""
    before_ms, after_ms = choices.fcr_before_days * DAY_MS, choices.fcr_after_days * DAY_MS
    by_number: dict[str, list[int]] = {}
    for call in calls:
        if is_known(call.number):
            by_number.setdefault(call.number, []).append(call.arrived_ms)
    for instants in by_number.values():
        instants.sort()
    resolved = answered = 0
    for call in calls:
        if call.is_answered and is_known(call.number) and from_ms <= call.arrived_ms < to_ms:
            answered += 1
            resolved += _is_alone(call.arrived_ms, by_number, call.number, before_ms, after_ms)
    return FirstCall(resolved, answered, now_ms >= to_ms + after_ms)


def _is_alone(at_ms: int, by_number: Mapping[str, list[int]], number: str, before_ms: int, after_ms: int) -> bool:
    """No other call of this number in [at - before, at + after]; calls of one instant are each other's neighbours."""
    instants = by_number[number]
    return bisect_right(instants, at_ms + after_ms) - bisect_left(instants, at_ms - before_ms) == 1

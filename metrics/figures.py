"""What a figure is: an exact fraction of totals with a unit, rounded once, when it is printed."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import cache

from metrics.totals import Totals
from metrics.words import Words


class Unit(StrEnum):
    """What a figure is printed in, and so how it is rounded by default: whole seconds, one place of percent."""

    CALLS = "calls"
    SECONDS = "seconds"
    PERCENT = "percent"
    PERSONS = "persons"
    PER_100K = "per_100k"


UNIT_WORDS: Mapping[Unit, Words] = {
    Unit.CALLS: Words("calls", "次"),
    Unit.SECONDS: Words("seconds", "秒"),
    Unit.PERCENT: Words("percent", "百分比"),
    Unit.PERSONS: Words("persons", "人"),
    Unit.PER_100K: Words("per 100,000 inhabitants", "每十万人"),
}
PLACES: Mapping[Unit, int] = {Unit.CALLS: 0, Unit.SECONDS: 0, Unit.PERCENT: 1, Unit.PERSONS: 0, Unit.PER_100K: 1}
PER_UNIT: Mapping[Unit, Fraction] = {
    Unit.CALLS: Fraction(1),
    Unit.SECONDS: Fraction(1, 1000),
    Unit.PERCENT: Fraction(100),
    Unit.PERSONS: Fraction(1),
    Unit.PER_100K: Fraction(100_000),
}
_PARTS = {unit: (per.numerator, per.denominator) for unit, per in PER_UNIT.items()}
_ENDED = ("offered", "outbound_attempts")
"""All calls that count."""
NO_WORDS = Words("", "")
OF_ARRIVAL = Words("a call belongs to the interval of its arrival", "通话计入其呼入时所在的时段")
NO_TESTS = Words(
    "tests, internal calls, callers turned away by their number; calls that have not ended",
    "测试与内部呼叫、黑名单号码来电；尚未结束的通话",
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A named, versioned formula: (sum of numerator totals) / (sum of denominator totals), in a unit.

    A total whose name begins with `-` is subtracted. Changing what a figure counts means a new `version`."""

    name: str
    unit: Unit
    numerator: tuple[str, ...]
    denominator: tuple[str, ...] = ()
    """Empty: the numerator itself."""
    longest: bool = False
    """The numerator is the largest of its totals instead of their sum."""
    version: int = 1
    title: Words = NO_WORDS
    counts: Words = NO_WORDS
    """What is divided by what, in words."""
    clock: str = ""
    """From when a wait is counted: `arrival`, `queue`; empty: it has none."""
    interval: Words = OF_ARRIVAL
    """What decides to which interval something belongs."""
    excludes: Words = NO_TESTS
    needs: tuple[str, ...] = ()
    """Totals of which at least one must not be 0, else the figure does not apply: what it counts was not on record."""
    told: tuple[str, ...] = ()
    """Two totals: where there are some of the second and none of the first, a former system does not tell what it counts."""
    is_ours: bool = False
    """A former system's calls do not tell what it counts: where there are no others the figure does not apply."""

    def value(self, totals: Totals) -> Fraction | None:
        """Return the exact value in the figure's unit; None where it does not apply (nothing to divide by)."""
        if (ratio := self.ratio(totals)) is None:
            return None
        times, by = _PARTS[self.unit]
        return Fraction(ratio[0] * times, ratio[1] * by)

    def ratio(self, totals: Totals) -> tuple[int, int] | None:
        """Return (numerator, denominator), neither reduced nor in the figure's unit; None where it does not apply."""
        if self.needs and not any(totals[name] for name in self.needs):
            return None
        if self.told and totals[self.told[1]] and not totals[self.told[0]]:
            return None
        if self.is_ours and totals["imported"] and totals["imported"] == sum(totals[name] or 0 for name in _ENDED):
            return None
        parts = [sign * part for name, sign in _signed(self.numerator) if (part := totals[name]) is not None]
        below = sum([sign * (totals[name] or 0) for name, sign in _signed(self.denominator)]) if self.denominator else 1
        if not parts or not below:
            return None
        return max(parts) if self.longest else sum(parts), below

    def terms(self) -> tuple[str, ...]:
        """Return the names of all totals it is made of."""
        ours = (*_ENDED, "imported") if self.is_ours else ()
        names = (*self.numerator, *self.denominator, *self.needs, *self.told, *ours)
        return tuple(dict.fromkeys(name.removeprefix("-") for name in names))


@cache
def _signed(names: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """Return the totals' names, each with the sign that stood before it."""
    return tuple((name.removeprefix("-"), -1 if name.startswith("-") else 1) for name in names)

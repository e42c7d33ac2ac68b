"""Figures over a sliding window of another figure: the connect rate of any 24 hours, against the duty of 95 %.

Theory of operation: windows begin at full hours and are 24 hours long, so a window is 24 neighbouring hours of totals; the
figure of each is an exact fraction. The minimum is over the windows that lie whole in the period; windows without a call
have no rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from operator import add, sub

from metrics.bins import Bins
from metrics.dictionary import DICTIONARY, Dictionary
from metrics.figures import PER_UNIT

WINDOW_HOURS = 24
DUTY = Fraction(95)
"""Percent."""


@dataclass(frozen=True, slots=True)
class WindowMinimum:
    """The lowest value of a figure over all windows."""

    value: Fraction | None
    """Percent, exact; None: no window had a call."""
    began_ms: int | None
    """Beginning of the (first) window that has it."""
    below: int = 0
    """How many windows were under the duty."""
    windows: int = 0
    """How many windows had a value."""


def lowest_window(
    hours: Bins,
    figure: str = "connect_rate",
    duty: Fraction = DUTY,
    dictionary: Dictionary = DICTIONARY,
) -> WindowMinimum:
    """Return the minimum over windows of 24 h, step 1 h, of neighbouring hours; the figure's totals must be sums, and what it
    divides by a count. Years have many windows: they are compared crosswise."""
    formula = dictionary.figures[figure]
    assert not (formula.longest or formula.needs or formula.told or formula.is_ours), figure
    unit = PER_UNIT[formula.unit]
    limit, per = duty.numerator * unit.denominator, duty.denominator * unit.numerator
    parts, wholes = _windows(hours, formula.numerator), _windows(hours, formula.denominator)
    lowest: tuple[int, int, int] | None = None
    below = windows = 0
    for first, (part, whole) in enumerate(zip(parts, wholes, strict=True)):
        if not whole:
            continue
        windows += 1
        below += part * per < limit * whole
        if lowest is None or part * lowest[1] < lowest[0] * whole:
            lowest = (part, whole, first)
    if lowest is None:
        return WindowMinimum(None, None, below, windows)
    return WindowMinimum(Fraction(lowest[0], lowest[1]) * unit, hours.begins[lowest[2]], below, windows)


def _windows(hours: Bins, names: Sequence[str]) -> list[int]:
    """Return the sums of these totals over each window; names that begin with `-` are subtracted."""
    sums = [0] * len(hours.begins)
    for name in names:
        adding = sub if name.startswith("-") else add
        sums = list(map(adding, sums, (value or 0 for value in hours.columns[name.removeprefix("-")])))
    running = [0, *accumulate(sums)]
    return list(map(sub, running[WINDOW_HOURS:], running))

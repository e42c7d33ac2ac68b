"""A histogram in integers."""

from bisect import bisect_left
from dataclasses import dataclass

Labels = tuple[str, ...]


@dataclass(slots=True)
class Buckets:
    """One count per bucket (not cumulative), the last one for above all bounds."""

    bounds: tuple[int, ...]
    counts: list[int]
    total: int = 0
    """Sum of all values, in the bounds' unit."""

    def add(self, value: int) -> None:
        """Count a value; a bound itself is inside its bucket."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def copy(self) -> "Buckets":
        """Return one that does not change with this one."""
        return Buckets(self.bounds, self.counts.copy(), self.total)

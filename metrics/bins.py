"""Totals of many neighbouring intervals as columns: a year has 8,784 hours, and a mapping for each would cost more than to count.

`Bins` holds what a sequence of totals would hold, turned round: for each total the values of all intervals, in order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from metrics.dictionary import Dictionary
from metrics.totals import Totals


@dataclass(frozen=True, slots=True)
class Bins:
    """Totals of the intervals that begin at these instants."""

    begins: Sequence[int]
    """Instants, ms, rising."""
    columns: Mapping[str, Sequence[int | None]]
    """Total -> its value in each interval."""

    def until(self, number: int) -> "Bins":
        """Return the first so many intervals."""
        return Bins(self.begins[:number], {name: values[:number] for name, values in self.columns.items()})

    def combined(self, places: Sequence[int], dictionary: Dictionary) -> Totals:
        """Return the totals of these intervals together."""
        return {
            name: dictionary.totals[name].combined(map(values.__getitem__, places))
            for name, values in self.columns.items()
        }

    def by(self, number: int, dictionary: Dictionary) -> "Bins":
        """Return intervals of so many of these each; the last one may have fewer."""
        if number == 1:
            return self
        firsts = range(0, len(self.begins), number)
        columns = {
            name: [dictionary.totals[name].combined(values[first : first + number]) for first in firsts]
            for name, values in self.columns.items()
        }
        return Bins([self.begins[first] for first in firsts], columns)

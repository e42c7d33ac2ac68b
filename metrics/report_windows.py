"""The report's figures over windows that end now: 5 minutes, an hour, today, 24 hours; exact, kept while calls run.

Theory of operation: a window holds the calls that ARRIVED in it. Its edges move with every millisecond, so neither the board's
hours nor buckets of a minute can tell it to the call; what is kept is one compact row for each call of the last day: its
arrival, and the few integer measures that the figures are made of. Rows lie in plain arrays by line, in order of arrival (one
array a measure, 8 bytes a number: 104 bytes a call, measured 3.2 MB for a day of 30,000 calls, and 0.5 MB for the talks of
which the longest is asked; buckets of a minute would save none of it, since every row lies at an edge once). Each window has
its sums and the place of its first row:

- `changed` takes rows of the ledger as they were and as they are, and adds the difference where the call arrived;
- `advance` moves the edges: what fell out is subtracted, or what is left added up, whichever is less (slices of
  arrays, at C's speed: 0.2 ms for the 15 s between two scrapes of such a day).

Only sums follow by differences; the longest talks are taken from the calls' own talks when the windows are frozen, 0.5 ms
for such a day (`metrics.largest`). `frozen` copies the sums; figures are made of them, exact fractions by the dictionary's
own formulas, in whatever thread renders the scrape. What does not apply has no value.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from itertools import islice

from acd.plan import ALL_LINES
from metrics.dictionary import DICTIONARY, Dictionary
from metrics.expressions import Row
from metrics.figures import PER_UNIT, Unit
from metrics.largest import Largest, largest_of
from metrics.lengths import DAY_MS, HOUR_MS
from metrics.totals import Aggregate, Totals


class Window(StrEnum):
    """How far back; each ends now."""

    FIVE_MINUTES = "5m"
    HOUR = "1h"
    TODAY = "today"
    """Since midnight of the plan's zone."""
    DAY = "24h"
    """The rolling 24 hours of the duty (95 %)."""


LENGTH_MS: Mapping[Window, int] = {Window.FIVE_MINUTES: 300_000, Window.HOUR: HOUR_MS, Window.DAY: DAY_MS}
WINDOWS = tuple(Window)
OPEN_SERIES = "callcenter_report_open"
OPEN_TOTAL = "not_ended"
LEVEL = "level"
"""Stands for the N-second rate that the plan's choices name."""
REPORT: Mapping[str, str] = {
    "callcenter_report_offered": "offered",
    "callcenter_report_answered": "agent_answered",
    "callcenter_report_abandoned": "abandoned",
    "callcenter_report_connect_rate": "connect_rate",
    "callcenter_report_service_level": LEVEL,
    "callcenter_report_average_wait_seconds": "avg_wait_s",
    "callcenter_report_average_talk_seconds": "avg_talk_s",
    "callcenter_report_max_talk_seconds": "max_talk_s",
    "callcenter_report_outbound_attempts": "outbound_attempts",
    "callcenter_report_outbound_reached": "outbound_reached",
    "callcenter_report_outbound_average_talk_seconds": "outbound_avg_talk_s",
    "callcenter_report_outbound_max_talk_seconds": "outbound_max_talk_s",
    "callcenter_report_total_calls": "total_volume",
    "callcenter_report_total_average_talk_seconds": "total_avg_talk_s",
    "callcenter_report_total_max_talk_seconds": "total_max_talk_s",
}
"""Series -> figure of the dictionary; rates are shown as shares of 1."""
OF_ALL_LINES = frozenset(
    name for name in REPORT if name.startswith(("callcenter_report_outbound_", "callcenter_report_total_"))
)
"""The table's other two rows are shown for all lines together alone: by line they would be a fifth of a scrape, and nobody publishes them so."""
DISCARD_AT = 1_000
"""So many rows that lie in no window any more are thrown away together."""

MOST_OTHERS = 100
"""Lines that are not of the plan (renamed, or of imported calls) and are shown by name; more of them count in `all` alone."""

Change = tuple[Row | None, Row | None]
"""A call's row of the ledger before and after; None: there was none, or is none any more."""
Edges = Mapping[Window, int]
"""Beginning of each window, ms: calls that arrived then or later are in it."""
Labels = tuple[str, ...]


def edges_at(now_ms: int, midnight_ms: int) -> dict[Window, int]:
    """Return where the windows begin at an instant whose local day began at `midnight_ms`."""
    return {window: midnight_ms if window is Window.TODAY else now_ms - LENGTH_MS.get(window, 0) for window in WINDOWS}


def names_of(dictionary: Dictionary) -> dict[str, str]:
    """Return series -> figure, with the N-second rate of the dictionary's choices."""
    choices = dictionary.choices
    level = f"service_level_{choices.level_s}_{choices.level_clock}"
    return {series: level if name == LEVEL else name for series, name in REPORT.items()}


@dataclass(frozen=True, slots=True)
class WindowTotals:
    """The totals of one instant, never changed again."""

    dictionary: Dictionary = DICTIONARY
    totals: Mapping[tuple[Window, str], Totals] = field(default_factory=dict)
    """(Window, line or `all`) -> totals by name; empty: the ledger was not read."""

    def figures(self) -> dict[str, dict[Labels, Fraction]]:
        """Return every series of `REPORT` and the open calls by (window, line); rates as shares of 1."""
        found: dict[str, dict[Labels, Fraction]] = {}
        for series, name in names_of(self.dictionary).items():
            figure = self.dictionary.figures[name]
            scale = PER_UNIT[Unit.PERCENT] if figure.unit is Unit.PERCENT else 1
            shown = (item for item in self.totals.items() if item[0][1] == ALL_LINES or series not in OF_ALL_LINES)
            values = ((key, figure.value(totals)) for key, totals in shown)
            found[series] = {(key[0].value, key[1]): value / scale for key, value in values if value is not None}
        found[OPEN_SERIES] = {
            (window.value, line): Fraction(totals[OPEN_TOTAL] or 0) for (window, line), totals in self.totals.items()
        }
        return found


NOTHING_READ = WindowTotals()


class ReportWindows:
    """Rows of the calls of the last day, and the sums of each window by line. Belongs to one task."""

    def __init__(self, dictionary: Dictionary = DICTIONARY, edges: Edges | None = None) -> None:
        """edges: from where on rows will be told; None: nothing was read yet, and there is nothing to show."""
        self.dictionary = dictionary
        terms = (term for name in names_of(dictionary).values() for term in dictionary.figures[name].terms())
        kept = [dictionary.totals[name] for name in (*dict.fromkeys(terms), OPEN_TOTAL)]
        self.totals = [total for total in kept if total.aggregate is Aggregate.SUM]
        """The sums that are kept; the last is that of the open calls."""
        self.maxima = [total for total in kept if total.aggregate is Aggregate.MAX]
        self.names = [total.name for total in (*self.totals, *self.maxima)]
        self._edges = None if edges is None else [edges[window] for window in WINDOWS]
        self._from_ms = min(self._edges) if self._edges else 0
        """No row before it is here: a call that arrived earlier is in no window."""
        self._lines: dict[str, _Line] = {}

    def __repr__(self) -> str:
        return f"<ReportWindows of {self.rows} calls since {self._from_ms}, read: {self._edges is not None}>"

    @property
    def rows(self) -> int:
        """How many rows are kept."""
        return sum(len(line.arrived) for line in self._lines.values())

    def measures(self, row: Row | None) -> list[int]:
        """Return what a row of the ledger adds to each sum. All but the last are of calls that have ended."""
        if row is None:
            return [0] * len(self.totals)
        if row["ended_ms"] is None:
            return [*([0] * (len(self.totals) - 1)), self.totals[-1].over((row,)) or 0]
        return [total.over((row,)) or 0 for total in self.totals]

    def longest(self, row: Row | None) -> list[int | None]:
        """Return a row's value for each of `maxima`; None: it has none."""
        return [None if row is None else total.over((row,)) for total in self.maxima]

    def add(self, line: str, arrived_ms: int, values: Sequence[int], longest: Sequence[int | None] = ()) -> None:
        """Add measures of one call, and its values for `maxima`, where it arrived; a call that is older than all windows is left
        out."""
        if self._edges is None or arrived_ms < self._from_ms or not any(values):
            return
        if line not in self._lines:
            self._lines[line] = _Line(len(self.totals), len(self.maxima))
        self._lines[line].add(arrived_ms, values, self._edges)
        for largest, value in zip(self._lines[line].largest, longest, strict=False):
            if value is not None:
                largest.add(arrived_ms, value)

    def changed(self, changes: Iterable[Change]) -> None:
        """Take rows that the ledger changed."""
        for before, after in changes:
            old, new = self.measures(before), self.measures(after)
            if before and after and _place(before) == _place(after):
                old, new = [], [value - was for was, value in zip(old, new, strict=True)]
            for row, values in ((before, [-value for value in old]), (after, new)):
                if row is not None:
                    self.add(*_place(row), values)
            self._longest_changed(before, after)

    def _longest_changed(self, before: Row | None, after: Row | None) -> None:
        for row, is_now in ((before, False), (after, True)):
            if row is None or (line := self._lines.get(row["line_code"])) is None or row["arrived_ms"] < self._from_ms:
                continue
            for largest, value in zip(line.largest, self.longest(row), strict=True):
                if value is not None:
                    (largest.add if is_now else largest.remove)(row["arrived_ms"], value)

    def advance(self, edges: Edges) -> bool:
        """Move the windows; return False when one now begins before what is kept: the ledger must be read anew."""
        if self._edges is None:
            return False
        moved = [edges[window] for window in WINDOWS]
        if min(moved) < self._from_ms:
            return False
        if moved != self._edges:
            self._edges = moved
            for line in self._lines.values():
                line.advance(moved)
        if sum(min(line.firsts) for line in self._lines.values()) >= DISCARD_AT:
            self._from_ms = min(moved)
            self._lines = {code: line for code, line in self._lines.items() if line.discard(self._from_ms)}
        return True

    def frozen(self, lines: Iterable[str] = ()) -> WindowTotals:
        """Return the totals of this instant; `lines`: those that are shown even without a call. Any other is shown for as long as a
        call of it lies in a window."""
        if self._edges is None:
            return WindowTotals(self.dictionary)
        found: dict[tuple[Window, str], Totals] = {}
        nothing = [0] * len(self.totals)
        shown = dict.fromkeys(lines)
        others = (code for code, line in self._lines.items() if code not in shown and line.is_in_a_window)
        shown |= dict.fromkeys(list(islice(others, MOST_OTHERS)))
        longest = {code: line.longest_since(self._edges) for code, line in self._lines.items()}
        for place, window in enumerate(WINDOWS):
            for code in shown:
                sums = self._lines[code].sums[place] if code in self._lines else nothing
                found[window, code] = self._named(sums, [longest[code][place]] if code in longest else [])
            whole = nothing
            for line in self._lines.values():
                whole = [one + other for one, other in zip(whole, line.sums[place], strict=True)]
            found[window, ALL_LINES] = self._named(whole, [places[place] for places in longest.values()])
        return WindowTotals(self.dictionary, found)

    def _named(self, sums: Sequence[int], longest: Sequence[Sequence[int | None]]) -> Totals:
        """Return the totals by name; `longest`: of each line that is in them."""
        largest = [largest_of(one[at] for one in longest) for at in range(len(self.maxima))]
        return dict(zip(self.names, (*sums, *largest), strict=True))


def _place(row: Row) -> tuple[str, int]:
    return row["line_code"], row["arrived_ms"]


class _Line:
    """One line's calls in order of arrival (those of one millisecond in one row), and its sums of each window."""

    __slots__ = ("arrived", "columns", "firsts", "largest", "sums")

    def __init__(self, width: int, maxima: int) -> None:
        self.arrived = array("q")
        self.columns = [array("q") for _ in range(width)]
        self.firsts = [0] * len(WINDOWS)
        """Place of each window's first row."""
        self.sums = [[0] * width for _ in WINDOWS]
        self.largest = [Largest() for _ in range(maxima)]

    def add(self, arrived_ms: int, values: Sequence[int], edges: Sequence[int]) -> None:
        at = bisect_left(self.arrived, arrived_ms)
        if at == len(self.arrived) or self.arrived[at] != arrived_ms:
            self.arrived.insert(at, arrived_ms)
            for column in self.columns:
                column.insert(at, 0)
            self.firsts = [first + (arrived_ms < edge) for first, edge in zip(self.firsts, edges, strict=True)]
        inside = [sums for sums, edge in zip(self.sums, edges, strict=True) if arrived_ms >= edge]
        for place, value in enumerate(values):
            if value:
                self.columns[place][at] += value
                for sums in inside:
                    sums[place] += value

    def advance(self, edges: Sequence[int]) -> None:
        for window, edge in enumerate(edges):
            old, new = self.firsts[window], bisect_left(self.arrived, edge)
            if new == old:
                continue
            self.firsts[window] = new
            if old < new and new - old <= len(self.arrived) - new:
                for place, column in enumerate(self.columns):
                    self.sums[window][place] -= sum(column[old:new])
            else:
                self.sums[window] = [sum(column[new:]) for column in self.columns]

    @property
    def is_in_a_window(self) -> bool:
        return min(self.firsts) < len(self.arrived)

    def longest_since(self, edges: Sequence[int]) -> list[tuple[int | None, ...]]:
        """Return the largest values of each window."""
        return list(zip(*(largest.since(edges) for largest in self.largest), strict=True))

    def discard(self, before_ms: int) -> bool:
        """Throw away the rows before all windows, which begin at that instant; return whether any is left."""
        gone = min(self.firsts)
        del self.arrived[:gone]
        for column in self.columns:
            del column[:gone]
        self.firsts = [first - gone for first in self.firsts]
        for largest in self.largest:
            largest.discard(before_ms)
        return bool(self.arrived)

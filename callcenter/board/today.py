"""The day's totals of the dictionary, kept in step with the ledger's rows of calls.

Theory of operation: `begin` takes what the ledger says of a whole day, by hour and line; `changed` takes rows of calls as
they were and as they are, and adds the difference of their measures. A call counts where it arrived, and when it has
ended: that is in the measures themselves. Only sums follow by differences, so no maximum is among the totals here.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from metrics.dictionary import DICTIONARY, Dictionary
from metrics.expressions import Row
from metrics.figures import PLACES, Unit
from metrics.rounding import NOT_APPLICABLE, printed
from metrics.totals import Aggregate, Totals

Change = tuple[Row | None, Row | None]
"""A call's row of the ledger before and after; None: there was none, or is none any more."""
SHOWN = ("connect_rate", "offered", "agent_answered", "abandoned", "avg_wait_s", "avg_talk_s")
"""Figures of the dictionary on the board, beside the N-second rate that the choices name."""


class Today:
    """Totals of the calls that arrived on one day and have ended."""

    def __init__(self, dictionary: Dictionary = DICTIONARY) -> None:
        """dictionary: under the choices that hold; it says which N-second rate is shown."""
        choices = dictionary.choices
        self.level = f"service_level_{choices.level_s}_{choices.level_clock}"
        """Name of the N-second rate."""
        self.level_s = choices.level_s
        self.dictionary = dictionary
        terms = (term for name in (*SHOWN, self.level) for term in dictionary.figures[name].terms())
        self.names = tuple(dict.fromkeys(terms))
        """The totals that are kept."""
        self._totals = [dictionary.totals[name] for name in self.names]
        assert all(total.aggregate is Aggregate.SUM for total in self._totals)
        self.edges: Sequence[int] = ()
        """Of the day's hours, ms; empty: no day was begun."""
        self._whole: dict[str, int] = {}
        self._lines: dict[str, dict[str, int]] = {}
        self._hours: dict[int, dict[str, int]] = {}
        """By the beginning of the hour."""
        self.begin((), {})

    def begin(self, edges: Sequence[int], found: Mapping[tuple[int, str], Totals]) -> None:
        """Start with what the ledger says of the day: (beginning of the hour, line) -> totals."""
        self.edges = edges
        self._whole, self._lines = self._empty(), {}
        self._hours = {hour: self._empty() for hour in edges[:-1]}
        for (hour, line), totals in found.items():
            self._add(hour, line, {name: totals[name] or 0 for name in self.names})

    def changed(self, changes: Iterable[Change]) -> None:
        """Take rows that the ledger changed."""
        for before, after in changes:
            for row, sign in ((before, -1), (after, 1)):
                if row is None or row["ended_ms"] is None:
                    continue  # every total of the board is of calls that have ended
                if (hour := self._hour_of(row["arrived_ms"])) is not None:
                    values = {total.name: sign * (total.over((row,)) or 0) for total in self._totals}
                    self._add(hour, row["line_code"], values)

    def text(self, figure: str, line: str | None = None) -> str:
        """Return a figure as the report prints it, of the whole day (of one line); `—` where it does not apply, or the
        ledger was not read yet."""
        if not self.edges:
            return NOT_APPLICABLE
        unit = self.dictionary.figures[figure].unit
        suffix = "%" if unit is Unit.PERCENT else ""
        return printed(self.value(figure, line), PLACES[unit], suffix, self.dictionary.choices.rounding)

    def value(self, figure: str, line: str | None = None) -> Fraction | None:
        """Return the exact value of a figure of the whole day (of one line)."""
        return self.dictionary.figures[figure].value(self._of(line))

    def abandoned(self, line: str | None = None) -> str:
        """Return how many callers hung up before an answer, as text like the others."""
        return self.text("abandoned", line)

    def offered(self, line: str | None = None) -> int:
        """Return how many calls were offered and have ended."""
        return self._count("offered", self._of(line))

    def hours(self) -> list[tuple[int, dict[str, int]]]:
        """Return (beginning of the hour, `offered`, `answered`, `abandoned`) of each hour of the day."""
        shown = {"offered": "offered", "answered": "agent_answered", "abandoned": "abandoned"}
        return [
            (hour, {word: self._count(figure, totals) for word, figure in shown.items()})
            for hour, totals in self._hours.items()
        ]

    def _count(self, figure: str, totals: Totals) -> int:
        return int(self.dictionary.figures[figure].value(totals) or 0)

    def _of(self, line: str | None) -> Mapping[str, int]:
        return self._whole if line is None else self._lines.get(line) or self._empty()

    def _hour_of(self, at_ms: int) -> int | None:
        place = bisect_right(self.edges, at_ms)
        return self.edges[place - 1] if 0 < place < len(self.edges) else None

    def _add(self, hour: int, line: str, values: Mapping[str, int]) -> None:
        if line not in self._lines:
            self._lines[line] = self._empty()
        for whole in (self._whole, self._lines[line], self._hours[hour]):
            for name, value in values.items():
                whole[name] += value

    def _empty(self) -> dict[str, int]:
        return dict.fromkeys(self.names, 0)

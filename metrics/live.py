"""Figures that are shown while calls run: the dictionary's own, over the calls that have ended since the start.

Theory of operation: each call that ends is a row with the ledger's field names; the measures of the dictionary are evaluated on
it and added up by line. So a gauge is the same definition as the report's figure, and an exact fraction until it is shown.
"""

from collections.abc import Collection, Mapping
from fractions import Fraction

from agents.presence import Presence
from metrics.choices import Choices
from metrics.dictionary import DICTIONARY, Dictionary
from metrics.expressions import Row
from metrics.states import spent

LIVE: Mapping[str, str] = {"callcenter_connect_ratio": "connect_rate"}
"""Series -> the figure that it shows by line, as a share of 1."""
OCCUPANCY: Mapping[str, str] = {
    "callcenter_phone_occupancy_ratio": "phone_occupancy",
    "callcenter_workload_occupancy_ratio": "workload_occupancy",
}
"""The same of agents' time."""


class LiveFigures:
    """Totals by line of the calls told so far."""

    def __init__(self, dictionary: Dictionary = DICTIONARY) -> None:
        self._dictionary = dictionary
        self._terms = tuple(term for name in LIVE.values() for term in dictionary.figures[name].terms())
        self._lines: dict[str, dict[str, int | None]] = {}

    @property
    def choices(self) -> Choices:
        """The choices that the definitions follow."""
        return self._dictionary.choices

    def add(self, line: str, row: Row) -> None:
        """Count a call that has ended. `row` has the ledger's fields that the measures read."""
        totals = self._lines.setdefault(line, self._dictionary.empty(self._terms))
        for name in self._terms:
            total = self._dictionary.totals[name]
            totals[name] = total.combined((totals[name], total.measure.of(row)))

    def values(self, lines: Collection[str] | None = None) -> dict[str, dict[tuple[str, ...], Fraction]]:
        """Return each series by line, exact, as shares of 1; lines where a figure does not apply are not in it. `lines`: no
        others are shown, so that one which the plan has no more leaves no gauge behind."""
        found: dict[str, dict[tuple[str, ...], Fraction]] = {}
        for series, name in LIVE.items():
            figure = self._dictionary.figures[name]
            values = (
                (line, figure.value(totals)) for line, totals in self._lines.items() if lines is None or line in lines
            )
            found[series] = {(line,): value / 100 for line, value in values if value is not None}
        return found


def occupancy(dictionary: Dictionary, spent_ms: Mapping[Presence, int]) -> dict[str, dict[tuple[str, ...], Fraction]]:
    """Return the occupancies by series, as shares of 1, of what agents spent in each state, milliseconds; empty where they do not apply."""
    totals = {spent(presence)[0]: taken_ms for presence, taken_ms in spent_ms.items()}
    values = {series: dictionary.figures[name].value(totals) for series, name in OCCUPANCY.items()}
    return {series: {} if value is None else {(): value / 100} for series, value in values.items()}

"""The dictionary of figures: what each number of the report counts, once, for report, gauges and simulator alike.

Theory of operation: `metrics.totals` has the integer measures of calls, this module the fractions made of them, each with
its name, version, unit, clock, and what it counts and leaves out, in English and Chinese (`callcenter metrics list|show`).
Both are built from the open choices (`metrics.choices`); `TOTALS` and `FIGURES` are those of our defaults. A period with
calls that have not ended is not final, and the report says how many. Totals of talks, offers, hand-overs and agents' states
come from `metrics.parts` and `metrics.states`; figures of one caller's calls are defined beside it (`metrics.callers`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from metrics.call_figures import OUTCOME_WORDS, call_figures
from metrics.choices import DEFAULT, Choices
from metrics.expressions import Row
from metrics.figures import PER_UNIT, PLACES, Figure, Unit
from metrics.level_figures import level_figures
from metrics.parts import part_totals
from metrics.states import state_totals
from metrics.totals import OUTCOMES, WAIT_MS, Aggregate, Source, Total, Totals, call_totals
from metrics.work_figures import work_figures

HANDED_OUT = frozenset({None, "overflowed_out", "voicemail"})
"""Outcomes with which an instant of hand-over (to an outside number, to a voicemail box) stands; with another one he came
back, or left no message, and his wait went on."""


@dataclass(frozen=True, slots=True)
class Dictionary:
    """All totals and figures under one set of choices."""

    choices: Choices
    totals: Mapping[str, Total]
    figures: Mapping[str, Figure]

    def totals_of(self, rows: Iterable[Row], source: Source = Source.CALLS) -> dict[str, int | None]:
        """Return every total of a source over these rows of it, evaluated in Python."""
        rows = list(rows)
        return {name: total.over(rows) for name, total in self.totals.items() if total.source is source}

    def empty(self, names: Iterable[str] | None = None) -> dict[str, int | None]:
        """Return the totals (all of them, or these) of nothing at all."""
        return {name: self.totals[name].combined([]) for name in (self.totals if names is None else names)}

    def combined(self, parts: Iterable[Totals], names: Iterable[str] | None = None) -> dict[str, int | None]:
        """Return the totals (all of them, or these) of a whole from those of its parts, which all have the same names."""
        listed = list(parts)
        some = names if names is not None else listed[0] if listed else self.totals
        return {name: self.totals[name].combined([part[name] for part in listed]) for name in some}


def build(choices: Choices = DEFAULT) -> Dictionary:
    """Return the dictionary under these choices."""
    figures = (*call_figures(choices), *level_figures(choices), *work_figures())
    return Dictionary(choices, _totals(choices), {figure.name: figure for figure in figures})


def _totals(choices: Choices) -> dict[str, Total]:
    found: dict[str, Total] = {}
    for total in (*call_totals(choices), *part_totals(), *state_totals()):
        assert total.name not in found, total.name
        found[total.name] = total
    return found


DICTIONARY = build()
TOTALS: Mapping[str, Total] = DICTIONARY.totals
FIGURES: Mapping[str, Figure] = DICTIONARY.figures
totals_of = DICTIONARY.totals_of

__all__ = [
    "DICTIONARY",
    "FIGURES",
    "HANDED_OUT",
    "OUTCOMES",
    "OUTCOME_WORDS",
    "PER_UNIT",
    "PLACES",
    "TOTALS",
    "WAIT_MS",
    "Aggregate",
    "Dictionary",
    "Figure",
    "Total",
    "Totals",
    "Unit",
    "build",
    "totals_of",
]

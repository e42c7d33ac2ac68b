"""What is kept added up, so that a report of years need not read every call again.

Theory of operation: a **roll-up** holds totals of the dictionary by stretch of time (a quarter of an hour, an hour, or a day of
UTC) and by what a report asks apart. Totals of neighbouring stretches combine without loss (`Total.combined`), and whatever does
not fill a whole stretch is counted from the rows themselves, so any edges of any time zone come out exact.

Some roll-ups are but sums of a finer one (`of`): longer stretches, or less kept apart. They cost next to nothing to keep, and
what a report shows of a whole year is read from the fewest rows that have it: a day for each day, an hour for each hour.

A total is found by what it measures, not by its name: its expression and its aggregate. So every open choice is served by
the one roll-up as long as the roll-up has that very measure; the talk without hold is kept beside the talk with it for
that. What has no column (another limit of short calls, a total of a later version) is counted from the rows. `definition`
is what a database remembers of a column: when it differs, the column is out of date.

Days of states hold no durations but what makes them: every change adds its instant to the totals of the state that ends and
takes it from those of the state that begins. So a day depends on its own changes alone, however long a state lasts, and
a period's durations are its days' sums plus the states at its two edges times those edges.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from metrics.choices import Choices
from metrics.dictionary import DICTIONARY, build
from metrics.expressions import Field, Where, in_words
from metrics.lengths import DAY_MS, HOUR_MS
from metrics.totals import Aggregate, Source, Total

QUARTER_MS = 900_000
"""Every time zone's hours and half hours begin at a full quarter of an hour of UTC."""

ROWS_VERSION = 2
"""To be raised by whoever changes what rows a source has, or adds a roll-up (the dictionary says neither): all columns are then
begun anew, and a program that does not know of the roll-up keeps columns that nobody believes who does."""


@dataclass(frozen=True, slots=True)
class Rollup:
    """One table of totals."""

    name: str
    step_ms: int
    by: tuple[str, ...]
    """What is kept apart beside the time, in the words of a report's groups and scopes."""
    sources: tuple[Source, ...]
    of: "Rollup | None" = None
    """Whose stretches it adds up; None: it is counted from the rows."""


QUARTERS = Rollup("rolled_quarters", QUARTER_MS, ("platform",), (Source.CALLS,))
HOURS = Rollup("rolled_hours", HOUR_MS, ("platform",), (Source.CALLS,), QUARTERS)
LINES = Rollup(
    "rolled_lines",
    DAY_MS,  # of UTC: what is recomputed at once when something in it changed
    ("platform", "line", "need"),
    (Source.CALLS, Source.TALKS, Source.OFFERS, Source.HAND_OVERS),
)
DAYS = Rollup("rolled_days", DAY_MS, ("platform",), LINES.sources, LINES)
AGENTS = Rollup("rolled_agents", DAY_MS, ("platform", "agent"), (Source.TALKS, Source.OFFERS, Source.HAND_OVERS))
ROLLUPS = (QUARTERS, HOURS, DAYS, LINES, AGENTS)
"""Of calls and what belongs to them, by the call's arrival; the shortest stretches first, of equals the smallest table."""


def _kept() -> dict[str, Total]:
    """All totals of the dictionary, and those that differ when hold is not talk."""
    less_hold = build(Choices(hold_in_talk=False)).totals
    apart = {
        f"{name}_less_hold": Total(f"{name}_less_hold", total.measure, total.aggregate, total.source)
        for name, total in less_hold.items()
        if total.measure != DICTIONARY.totals[name].measure
    }
    return {**DICTIONARY.totals, **apart}


KEPT: Mapping[str, Total] = _kept()
"""Column -> its total."""
_COLUMNS = {(total.source, total.measure, total.aggregate): name for name, total in KEPT.items()}


def column_of(total: Total) -> str | None:
    """Return the column that holds this very total; None: no roll-up has it."""
    return _COLUMNS.get((total.source, total.measure, total.aggregate))


def columns_of(rollup: Rollup) -> tuple[str, ...]:
    """Return the columns of a roll-up's totals."""
    return tuple(name for name, total in KEPT.items() if total.source in rollup.sources)


def state_columns() -> tuple[str, ...]:
    """Return the columns of the days of states. Each is a sum of spans under conditions: only such can be made of edges."""
    names = tuple(name for name, total in KEPT.items() if total.source is Source.STATES)
    for total in (KEPT[name] for name in names):
        is_span = isinstance(total.measure, Where) and total.measure.value == Field("spent_ms")
        assert is_span and total.aggregate is Aggregate.SUM, total.name
    return names


@cache
def definition(total: Total) -> str:
    """Return what a total counts, as one line."""
    return f"{total.aggregate} of {total.source} {ROWS_VERSION}: {in_words(total.measure)}"

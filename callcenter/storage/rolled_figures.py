"""By which the report reads figures quickly: from the roll-ups, and from the rows where no roll-up can be believed.

Theory of operation: within the report's one transaction, a period is cut into whole days and quarters of hours, which the
roll-ups have, and what is left at its edges; days that carry a mark (`tables_rolled`) are taken out of the first and put to
the second. Rows are counted only for the second, by `RawFigures`, and the two combine without loss. So a report never waits for
the roll-ups to be brought up to date and never shows what they missed. A total that no column holds under this very
definition is counted from the rows altogether.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from callcenter.storage.believed import Believed, believed
from callcenter.storage.cover import Piece, cover, joined
from callcenter.storage.database import reaching
from callcenter.storage.figures import (
    EVERYTHING,
    Apart,
    Edges,
    Figures,
    Group,
    RawFigures,
    Scope,
    Words,
    add,
    narrowing,
)
from callcenter.storage.figures_sql import REPORT_S
from callcenter.storage.rolled_sql import IN_MEMORY, PARTS_BY_KEY, Mode, asked_for, reading_rollup
from callcenter.storage.rolled_states import Spent, states_between
from callcenter.storage.tables_rolled import CALLS_MARK
from metrics.bins import Bins
from metrics.dictionary import DICTIONARY, Dictionary
from metrics.lengths import DAY_MS
from metrics.rolled import ROLLUPS, Rollup
from metrics.totals import Source, Total

MOST_COUNTS = 60
"""From how many loose stretches on the rows of the whole period are counted at once instead."""


class RolledFigures(RawFigures):
    """Answers as `RawFigures` does, the sooner the more is rolled up. Use it inside `reading`."""

    def __init__(self, connection: AsyncConnection, dictionary: Dictionary, kept: Believed) -> None:
        super().__init__(connection, dictionary)
        self.kept = kept
        self._spent: dict[tuple[int, int], Spent] = {}
        """All states of a period, as this transaction sees them: a report asks for them by agent and together."""

    async def bins(self, edges: Edges, names: Iterable[str], scope: Scope = EVERYTHING) -> Bins:
        """As `Figures.bins`."""
        totals = self._named(names)
        asked = _Question(edges, totals, self.kept.columns(totals), scope, ())
        rollups = usable(Source.CALLS, scope, ())
        is_kept = len(asked.columns) == len(totals) and all(total.source is Source.CALLS for total in totals)
        regular = _regular(edges, rollups)
        counts = self.kept.not_to_be(CALLS_MARK, edges[0], edges[-1])
        if not is_kept or regular is None or len(counts) > MOST_COUNTS:
            return await super().bins(edges, names, scope)
        columns: dict[str, list[int | None]] = {total.name: [total.combined(())] * (len(edges) - 1) for total in totals}
        numbers, *values = list(zip(*await self._bins(asked, regular), strict=True)) or [()]
        for column, found in zip(columns.values(), values, strict=False):
            for number, value in zip(numbers, found, strict=True):
                if value is not None:
                    column[number] = value
        if counts:
            more = self._nothing((), totals, ())
            await self._count(more, edges, totals, scope, (), counts)
            for (begin, _), sums in more.items():
                number = (begin - edges[0]) // (edges[1] - edges[0])
                for total in totals:
                    column = columns[total.name]
                    column[number] = total.combined((column[number], sums[total.name]))
        return Bins(edges[:-1], columns)

    async def _by(self, edges: Edges, totals: Sequence[Total], scope: Scope, by: Words) -> Apart:
        found = self._nothing(edges, totals, by)
        columns = self.kept.columns(totals)
        for rollups, some in _by_rollups(totals, scope, by):
            kept = [total for total in some if total.name in columns]
            if some[0].source is Source.STATES:
                await self._states(found, edges, kept, by)
            elif rollups and kept:
                await self._rolled(found, _Question(edges, kept, columns, scope, by), rollups)
            else:
                kept = []
            if rest := [total for total in some if total not in kept]:
                await self._count(found, edges, rest, scope, by, [(edges[0], edges[-1])])
        return found

    async def _states(self, found: Apart, edges: Edges, totals: Sequence[Total], by: Words) -> None:
        for begin, end in pairwise(edges) if totals else ():
            if (begin, end) not in self._spent:
                every = [total for total in self.dictionary.totals.values() if total.source is Source.STATES]
                columns = self.kept.columns(every)
                some = [total for total in every if total.name in columns]
                self._spent[begin, end] = await states_between(self.connection, some, columns, self.kept, begin, end)
            for agent, sums in self._spent[begin, end].items():
                apart = tuple(agent if word == Group.AGENT else "" for word in by)
                add(found, (begin, apart), totals, [sums[total.name] for total in totals])

    async def _rolled(self, found: Apart, asked: "_Question", rollups: Sequence[Rollup]) -> None:
        """Answer from the roll-ups: their pieces first, then what is left from the rows."""
        edges, regular = asked.edges, _regular(asked.edges, rollups)
        pieces: list[Piece] = []
        loose: list[tuple[int, int]] = []
        if regular is None:
            pieces = list(cover(pairwise(edges), [rollup.step_ms for rollup in rollups]))
            loose = [(piece.from_ms, piece.to_ms) for piece in pieces if not piece.step_ms]
        counts = joined([*loose, *self.kept.not_to_be(CALLS_MARK, edges[0], edges[-1])])
        if len(counts) > MOST_COUNTS:
            await self._count(found, edges, asked.totals, asked.scope, asked.by, [(edges[0], edges[-1])])
            return
        if regular is not None:
            length = edges[1] - edges[0]
            rows = await self._bins(asked, regular)
            self._add_rows(found, asked, ((edges[0] + row[0] * length, row[1:]) for row in rows))
        for rollup in rollups:
            if some := [piece for piece in pieces if piece.step_ms == rollup.step_ms]:
                bins, number, values = asked_for(self.connection.dialect.name, some)
                rows = await self._read(asked, rollup, bins, number, values)
                is_one = bins is Mode.ONE
                self._add_rows(found, asked, ((some[0].bin_ms, row) if is_one else (row[0], row[1:]) for row in rows))
        if counts:
            await self._count(found, edges, asked.totals, asked.scope, asked.by, counts)

    async def _bins(self, asked: "_Question", rollup: Rollup) -> Sequence[Sequence[Any]]:
        """Return the rows of bins that have one length, each with its number in front."""
        edges = asked.edges
        values = {"first_ms": edges[0], "length_ms": edges[1] - edges[0], "last_ms": edges[-1]}
        return await self._read(asked, rollup, Mode.REGULAR, 0, values)

    async def _read(
        self, asked: "_Question", rollup: Rollup, bins: Mode, pieces: int, values: Mapping[str, Any]
    ) -> Sequence[Sequence[Any]]:
        """Return one roll-up's part of the answer."""
        narrowed = narrowing(asked.scope)
        totals = tuple((total, asked.columns[total.name]) for total in asked.totals)
        shape = (self.connection.dialect.name, rollup, totals, asked.by, tuple(narrowed), bins, pieces)
        has_marks = bool(self.kept.not_to_be(CALLS_MARK, asked.edges[0], asked.edges[-1]))
        found = await reading_rollup(*shape, has_marks=has_marks).run(self.connection, **values, **narrowed)
        return found.all()

    def _add_rows(self, found: Apart, asked: "_Question", rows: Iterable[tuple[int, Sequence[Any]]]) -> None:
        """Add rows of a roll-up, each with its bin. A line without talks has a row all the same, which is none of talks."""
        has_calls = any(total.source is Source.CALLS for total in asked.totals)
        for bin_ms, row in rows:
            apart, values = tuple(row[: len(asked.by)]), row[len(asked.by) :]
            if has_calls or any(value is not None for value in values):
                add(found, (bin_ms, apart), asked.totals, values)


@dataclass(frozen=True, slots=True)
class _Question:
    """Totals that the same roll-ups have."""

    edges: Edges
    totals: Sequence[Total]
    columns: Mapping[str, str]
    scope: Scope
    by: Words


def _by_rollups(totals: Iterable[Total], scope: Scope, by: Words) -> Iterator[tuple[list[Rollup], list[Total]]]:
    """Put together what one query can read: totals of the same roll-ups; states, and what has none, by themselves."""
    found: dict[tuple[object, ...], tuple[list[Rollup], list[Total]]] = {}
    for total in totals:
        rollups = usable(total.source, scope, by)
        is_apart = not rollups or total.source is Source.STATES
        key = (total.source if is_apart else None, *(rollup.name for rollup in rollups))
        found.setdefault(key, (rollups, []))[1].append(total)
    yield from found.values()


def _regular(edges: Edges, rollups: Sequence[Rollup]) -> Rollup | None:
    """Return the roll-up whose stretches fill all bins, if these have one length, shorter than a day; of several the one with the
    longest, which comes first."""
    length = edges[1] - edges[0]
    if (
        edges[0] < 0
        or length >= DAY_MS
        or len(edges) < 3
        or any(end - begin != length for begin, end in pairwise(edges))
    ):
        return None
    return next((one for one in rollups if edges[0] % one.step_ms == 0 and length % one.step_ms == 0), None)


def usable(source: Source, scope: Scope, by: Words) -> list[Rollup]:
    """Return the roll-ups that can answer, the longest stretches first; of equals the smallest table."""
    needed = {*by, *narrowing(scope)}
    found: dict[int, Rollup] = {}
    for rollup in ROLLUPS:
        if source in rollup.sources and needed <= set(rollup.by):
            found.setdefault(rollup.step_ms, rollup)
    return [found[step] for step in sorted(found, reverse=True)]


@asynccontextmanager
async def reading(
    engine: AsyncEngine,
    dictionary: Dictionary = DICTIONARY,
    *,
    from_rows: bool = False,
    within_s: float = REPORT_S,
) -> AsyncIterator[Figures]:
    """Read figures of one instant of the ledger; `from_rows`: by the full count alone. Raises LedgerAway."""
    async with reaching(within_s), engine.connect() as plain:
        connection = plain
        if engine.dialect.name == "postgresql":
            connection = await plain.execution_options(isolation_level="REPEATABLE READ")
        async with connection.begin():
            if engine.dialect.name == "postgresql":
                await connection.exec_driver_sql(IN_MEMORY)
                await connection.exec_driver_sql(PARTS_BY_KEY)
            if from_rows:
                yield RawFigures(connection, dictionary)
            else:
                yield RolledFigures(connection, dictionary, await believed(connection))

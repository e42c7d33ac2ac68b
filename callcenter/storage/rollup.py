"""Keeps the roll-ups true: computes the marked days again from the rows, a slice at a time.

Theory of operation: a slice is ONE transaction: take the marks of a few days away, compute these days' totals from the
rows, commit. The marks are taken first and every statement after that sees at least what had been committed then, so a
change is either in the rows that are counted or has left a mark that stays. Killed at any point, marks and totals are as
before the slice. Slices come one after the other (an advisory lock on PostgreSQL, the write lock on SQLite): an older count
can never be written over a newer one. Writers of the ledger are not held up on PostgreSQL, and on SQLite for one slice, which
is kept short.

Whoever finds that the columns were computed from other definitions than its own begins anew: all totals go, every day that
has rows is marked, the definitions are its own. Readers believe a column only under the definition that they mean
(`rolled_figures`), so neither a change of the dictionary nor two versions side by side can show a wrong number, only a
slower one.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from time import monotonic

from sqlalchemy import delete, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from callcenter.storage.database import IMMEDIATE, reaching
from callcenter.storage.errors import LedgerAway
from callcenter.storage.rolled_sql import IN_MEMORY, PARTS_BY_KEY
from callcenter.storage.rollup_sql import days_of_calls, days_of_states, fill, fill_of, fill_states
from callcenter.storage.tables_rolled import (
    CALLS_MARK,
    STATES_MARK,
    rolled,
    rolled_definitions,
    rolled_states,
    rollup_marks,
)
from metrics.lengths import DAY_MS
from metrics.rolled import KEPT, ROLLUPS, definition

SLICE_S = {"sqlite": 0.3, "postgresql": 5.0}
"""What one slice should take: SQLite's other writers wait for it, PostgreSQL's do not."""
FIRST_DAYS = {"sqlite": 2, "postgresql": 16}
MOST_DAYS = 64
"""Days of the first slice, and of the longest."""
REBUILD_S = 300.0
"""Longest that one slice may take."""
FOR_EVER_MS = 2**62
LOCK = 12347
"""Number of the advisory lock under which days are computed on PostgreSQL."""
log = logging.getLogger(__name__)
SOURCES = tuple(dict.fromkeys(source for rollup in ROLLUPS for source in rollup.sources))
"""Of which rows the roll-ups of calls are: the calls first, for they make a line's row, which the others then fill."""
SUMS = tuple(rollup for rollup in ROLLUPS if rollup.of is not None)
"""Roll-ups that are made of others."""
DEFINITIONS = {name: definition(total) for name, total in KEPT.items()}


def write_statements(dialect: str) -> None:
    """Write out the statements that `refresh` needs, which takes about a tenth of a second, for whoever must not be held up
    by it later."""
    fill_states(dialect)
    for source in SOURCES:
        fill(dialect, source)
    for rollup in SUMS:
        fill_of(dialect, rollup)


async def refresh(
    engine: AsyncEngine,
    *,
    within_s: float | None = None,
    anew: bool = True,
    before_ms: int = FOR_EVER_MS,
    is_stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Compute all marked days again, or as many as fit into a time; return how many are left. Raises LedgerAway.

    `before_ms`: only days that begin before this instant, because those behind it are still being written.
    `anew`: begin anew where the columns were computed from other definitions (else nothing is done then). The engine's limit
    for one statement must allow for counting a day. Must not be cancelled inside: say so by `is_stopping`, between slices."""
    begun = monotonic()
    days, slice_s = FIRST_DAYS[engine.dialect.name], SLICE_S[engine.dialect.name]
    while True:
        slice_begun = monotonic()
        left = await _next_slice(engine, days, anew, before_ms)
        took_s = monotonic() - slice_begun
        is_late = within_s is not None and monotonic() - begun + took_s > within_s
        if not left or is_late or is_stopping():
            return left
        days = min(days * 2, MOST_DAYS) if took_s < slice_s else max(days // 2, 1)


async def refresh_if_possible(engine: AsyncEngine, *, within_s: float) -> None:
    """Compute as many marked days again as fit into a time; where it cannot be (no right to write, the database busy) nothing
    is lost: whoever reads counts the rows."""
    try:
        await refresh(engine, within_s=within_s)
    except LedgerAway as error:
        log.info("roll-ups not brought up to date: %s", error)


async def _next_slice(engine: AsyncEngine, days: int, anew: bool, before_ms: int) -> int:
    async with reaching(REBUILD_S), engine.connect() as plain:
        async with plain.begin():
            is_ours = await _definitions(plain) == DEFINITIONS
            if (is_ours or not anew) and not await _left(plain, before_ms):
                return 0
        if not is_ours and not anew:
            return 0
        connection = await plain.execution_options(**IMMEDIATE)
        async with connection.begin():
            await _one_at_a_time(connection)
            if await _definitions(connection) != DEFINITIONS:
                await _begin_anew(connection)
            await _slice(connection, days, before_ms)
            return await _left(connection, before_ms)


async def _left(connection: AsyncConnection, before_ms: int) -> int:
    """Return how many days before an instant carry a mark."""
    marks = rollup_marks.c
    marked = select(marks.kind, marks.day_ms).where(marks.day_ms < before_ms).distinct().subquery("marked")
    return int(await connection.scalar(select(func.count()).select_from(marked)) or 0)


async def _one_at_a_time(connection: AsyncConnection) -> None:
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
        await connection.exec_driver_sql(PARTS_BY_KEY)
        await connection.exec_driver_sql(IN_MEMORY)


async def _definitions(connection: AsyncConnection) -> dict[str, str]:
    rows = await connection.execute(select(rolled_definitions.c.total, rolled_definitions.c.definition))
    return {row.total: row.definition for row in rows}


async def _begin_anew(connection: AsyncConnection) -> None:
    for table in (*rolled.values(), rolled_states, rolled_definitions, rollup_marks):
        await connection.execute(delete(table))
    for kind, days in ((CALLS_MARK, days_of_calls()), (STATES_MARK, days_of_states())):
        found = days.subquery("days")
        marks = select(literal(kind), found.c.day_ms, literal(0))
        await connection.execute(insert(rollup_marks).from_select(["kind", "day_ms", "writer"], marks))
    rows = [{"total": name, "definition": text} for name, text in DEFINITIONS.items()]
    await connection.execute(insert(rolled_definitions), rows)


async def _slice(connection: AsyncConnection, days: int, before_ms: int) -> None:
    """Compute some marked days of calls and of states."""
    for kind in (CALLS_MARK, STATES_MARK):
        marks = rollup_marks.c
        is_due = (marks.kind == kind, marks.day_ms < before_ms)
        oldest = select(marks.day_ms).where(*is_due).distinct().order_by(marks.day_ms).limit(days)
        some = list(await connection.scalars(oldest))
        if not some:
            continue
        await connection.execute(delete(rollup_marks).where(marks.kind == kind, marks.day_ms.in_(some)))
        for from_ms, to_ms in runs(day for day in some if day >= 0):
            await (_count_calls if kind == CALLS_MARK else _count_states)(connection, from_ms, to_ms)


def runs(days: Iterable[int]) -> Sequence[tuple[int, int]]:
    """Return neighbouring days (rising) as intervals [from, to)."""
    found: list[tuple[int, int]] = []
    for day in days:
        if found and found[-1][1] == day:
            found[-1] = (found[-1][0], day + DAY_MS)
        else:
            found.append((day, day + DAY_MS))
    return found


async def _count_calls(connection: AsyncConnection, from_ms: int, to_ms: int) -> None:
    for rollup in ROLLUPS:
        begin = rolled[rollup].c.begin_ms
        await connection.execute(delete(rolled[rollup]).where(begin >= from_ms, begin < to_ms))
    for source in SOURCES:
        for statement in fill(connection.dialect.name, source):
            await statement.run(connection, from_ms=from_ms, to_ms=to_ms)
    for rollup in SUMS:
        await fill_of(connection.dialect.name, rollup).run(connection, from_ms=from_ms, to_ms=to_ms)


async def _count_states(connection: AsyncConnection, from_ms: int, to_ms: int) -> None:
    begin = rolled_states.c.begin_ms
    await connection.execute(delete(rolled_states).where(begin >= from_ms, begin < to_ms))
    await fill_states(connection.dialect.name).run(connection, from_ms=from_ms, to_ms=to_ms)

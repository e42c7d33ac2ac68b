"""A ledger of years for the report's benchmarks: a thin year is drawn call by call, then copied inside the database.

The drawn calls are an eighteenth of the published year; each copy comes some minutes later, in its own or a later year, from other
callers. 300 agents, 20 lines, 3 million callers. Copies go in without triggers, which is how bench data come quickly; so nothing may be
rolled up yet, and the first roll-up finds all of them.
"""

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from callcenter.bench.errors import BenchWrong
from callcenter.sample.load import load
from callcenter.sample.sums import YEAR_2020
from callcenter.sample.year import year_of
from callcenter.storage.tables import calls, hand_overs, offers, placements, presence_history, talks
from callcenter.storage.tables_after import ratings, recordings
from metrics.lengths import DAY_MS

THIN = 18
"""One of so many calls of the published year is drawn."""
YEAR_MS = 366 * DAY_MS
SPREAD_MS = 7_560_000
"""Within how long the copies of one call arrive in a year."""
CALLERS = 3_000_000
LENGTHS = frozenset({"wait_ms", "talk_ms", "hold_ms", "requeue_wait_ms", "score_ms", "ready_ms"})
"""Columns in milliseconds that are no instants."""


async def fill(engine: AsyncEngine, *, years: int, copies: int) -> None:
    """Fill an empty ledger: so many years, each with so many times the drawn calls, and agents' states as of 18 times."""
    if engine.dialect.name == "postgresql":
        await _without_log(engine)
    await load(engine, year_of(YEAR_2020.scaled(THIN)))
    async with engine.begin() as connection:
        again = await _without_triggers(connection)
        for table in (calls, placements, offers, talks):
            await connection.exec_driver_sql(copied(table, engine.dialect.name, years, copies))
        await connection.exec_driver_sql(copied(presence_history, engine.dialect.name, years, THIN))
        for statement in again:
            await connection.exec_driver_sql(statement)
        rolled = await connection.scalar(text("SELECT count(*) FROM rolled_definitions"))
    if rolled:
        raise BenchWrong("something was rolled up before all rows were there")
    await _settle(engine)


def copied(table: Table, dialect: str, years: int, copies: int) -> str:
    """Return the statement that copies all rows of a table, n = 1, 2, ...: each n to its own time."""
    shift = f"(n / {copies} * {YEAR_MS} + n % {copies} * {SPREAD_MS // copies})"
    values = []
    for name in table.columns.keys():
        if name.endswith("_ms") and name not in LENGTHS:
            values.append(f"{name} + {shift}")
        elif name in ("uniqueid", "offer"):
            values.append(f"{name} || '-' || n")
        elif name == "caller_number":
            values.append(f"'1' || (1000000000 + (CAST(substr({name}, 2) AS bigint) + n * 166661) % {CALLERS})")
        elif name == "position":
            values.append(f"{name} + n * 100000000")
        else:
            values.append(name)
    last = years * copies - 1
    series = f"generate_series(CAST(1 AS bigint), {last}) AS series (n)"
    if dialect == "sqlite":
        counting = f"SELECT 1 AS n UNION ALL SELECT n + 1 FROM series WHERE n < {last}"
        series = f"(WITH RECURSIVE series AS ({counting}) SELECT n FROM series)"
    names = ", ".join(table.columns.keys())
    return f"INSERT INTO {table.name} ({names}) SELECT {', '.join(values)} FROM {table.name}, {series}"


async def _without_triggers(connection: AsyncConnection) -> list[str]:
    """Switch triggers and foreign keys off for this connection; return what brings them back."""
    if connection.dialect.name == "postgresql":
        await connection.exec_driver_sql("SET session_replication_role = replica")
        return ["SET session_replication_role = origin"]
    found = await connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    triggers = [(row.name, row.sql) for row in found]
    for name, _ in triggers:
        await connection.exec_driver_sql(f"DROP TRIGGER {name}")
    return [statement for _, statement in triggers]


async def _without_log(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        for table in (placements, offers, talks, hand_overs, recordings, ratings, presence_history, calls):
            await connection.exec_driver_sql(f"ALTER TABLE {table.name} SET UNLOGGED")


async def _settle(engine: AsyncEngine) -> None:
    """Do what PostgreSQL does by itself some minutes after rows came in; SQLite: fold the log into the file."""
    async with engine.connect() as plain:
        connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
        is_postgresql = engine.dialect.name == "postgresql"
        await connection.exec_driver_sql("VACUUM ANALYZE" if is_postgresql else "PRAGMA wal_checkpoint(TRUNCATE)")

"""The service's care for its roll-ups: changed days are computed again, columns begun anew once, a database away is no end."""

import asyncio
import threading

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.names import Outcome
from callcenter.storage.database import open_engine
from callcenter.storage.ledger import Ledger
from callcenter.storage.rollup import write_statements
from callcenter.storage.rollup_sql import fill, fill_states
from callcenter.storage.rollup_upkeep import RollupKeeper
from tests.contract.calls_told import Told, entries


async def column(engine: AsyncEngine, query: str) -> list[object]:
    async with engine.begin() as connection:
        return list(await connection.scalars(text(query)))


async def test_keeper_computes_what_changed_and_begins_anew_only_the_first_time(
    engine: AsyncEngine, ledger: Ledger
) -> None:
    await ledger.apply("box", entries(Told("one").queued(0).ends(9, Outcome.ABANDONED_QUEUE).records))
    keeper = RollupKeeper(engine)
    await keeper.step()
    assert await column(engine, "SELECT day_ms FROM rollup_marks") == []
    assert await column(engine, "SELECT offered FROM rolled_lines") == [1]
    older = "UPDATE rolled_definitions SET definition = 'older' WHERE total = 'offered' RETURNING definition"
    await column(engine, older)
    await ledger.apply("box", entries(Told("two").queued(0).ends(9, Outcome.ABANDONED_QUEUE).records, 9))
    await keeper.step()
    assert await column(engine, "SELECT offered FROM rolled_lines") == [1]
    await RollupKeeper(engine).step()
    assert await column(engine, "SELECT offered FROM rolled_lines") == [2]


async def test_keeper_goes_on_when_the_database_is_away_and_stops_when_told() -> None:
    away = open_engine("sqlite+aiosqlite:////nowhere/at/all.sqlite3")
    rests = asyncio.Queue[float]()

    async def rest(seconds: float) -> None:
        await rests.put(seconds)
        await asyncio.sleep(0)

    keeper = RollupKeeper(away, every_s=7, sleep=rest)
    task = asyncio.create_task(keeper.run())
    assert [await rests.get() for _ in range(3)] == [7, 7, 7]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await keeper.stop(5)
    await away.dispose()
    await asyncio.to_thread(workers_end)


def workers_end() -> None:
    """Wait for the driver's threads: after an open that failed, one tells its loop that it stops, and nobody awaits that."""
    for thread in threading.enumerate():
        if "_connection_worker_thread" in thread.name:
            thread.join(10)


async def test_keeper_after_the_start_writes_no_statement_out_while_calls_are_routed(
    engine: AsyncEngine, ledger: Ledger
) -> None:
    write_statements(engine.dialect.name)
    written = fill.cache_info().misses, fill_states.cache_info().misses
    await ledger.apply("box", entries(Told("one").queued(0).ends(9, Outcome.ABANDONED_QUEUE).records))
    await RollupKeeper(engine).step()
    assert await column(engine, "SELECT offered FROM rolled_lines") == [1]
    assert (fill.cache_info().misses, fill_states.cache_info().misses) == written

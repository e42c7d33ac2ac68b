"""The projector takes what is in the outbox to the ledger, and waits in peace while the database is away."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.names import Outcome
from callcenter.lab.postgres import Postgres
from callcenter.storage.database import open_engine
from callcenter.storage.errors import LedgerAway
from callcenter.storage.ledger import Ledger
from callcenter.storage.migrate import upgrade
from callcenter.storage.outbox import Outbox, Position, segments
from callcenter.storage.outbox_reader import Entry
from callcenter.storage.projector import Projector
from tests.contract.calls_told import NOON_MS, Told, all_records, worked_example


async def test_everything_appended_is_in_the_ledger_and_old_segments_are_gone(ledger: Ledger, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "box", segment_bytes=1000)
    for record in all_records(worked_example()):
        outbox.append([record])
    projector = Projector(outbox.folder, ledger, batch=7)
    assert projector.depth_bytes() > 1000
    assert await projector.drain()
    assert len(await ledger.calls(0, 2 * NOON_MS)) == 7
    assert (projector.depth_bytes(), projector.applied) == (0, outbox.written)
    assert segments(outbox.folder) == [outbox.end.segment]
    outbox.close()


async def test_new_projector_goes_on_where_the_last_one_was_killed(ledger: Ledger, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "box")
    outbox.append(all_records(worked_example()))
    await Projector(outbox.folder, ledger, batch=10).step()
    second = Projector(outbox.folder, ledger, batch=1000)
    assert await second.drain()
    assert second.applied == outbox.written - 10
    assert [row["outcome"] for row in await ledger.calls(0, NOON_MS + 1)].count("agent_answered") == 3
    outbox.close()


class Failing:
    """A ledger whose database is away a few times."""

    def __init__(self, ledger: Ledger, times: int) -> None:
        self._ledger = ledger
        self.times = times

    async def position(self, outbox: str) -> Position:
        return await self._ledger.position(outbox)

    async def apply(self, outbox: str, entries: list[Entry]) -> Position:
        if self.times > 0:
            self.times -= 1
            raise LedgerAway("no answer")
        return await self._ledger.apply(outbox, entries)


async def test_database_away_is_tried_again_at_once_then_ever_later_and_nothing_is_lost(
    ledger: Ledger, tmp_path: Path
) -> None:
    outbox = Outbox(tmp_path / "box")
    outbox.append(Told("kept").queued(0).ends(3, Outcome.ABANDONED_QUEUE).records)
    slept: list[float] = []
    states: list[str | None] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        states.append(projector.away)
        if projector.away is None:
            raise asyncio.CancelledError
        await asyncio.sleep(0)

    failing: Any = Failing(ledger, 8)
    projector = Projector(outbox.folder, failing, sleep=sleep)
    with pytest.raises(asyncio.CancelledError):
        await projector.run()
    assert slept == [0, 0.5, 1, 2, 4, 8, 10, 10, 0.2]
    assert states == ["no answer"] * 8 + [None]
    assert (await ledger.call("pbx-1", "kept") or {})["outcome"] == "abandoned_queue"
    outbox.close()


async def test_records_that_a_killed_process_left_are_counted_as_behind_until_they_are_stored(
    ledger: Ledger, tmp_path: Path
) -> None:
    told = Told("kept").queued(0).ends(3, Outcome.ABANDONED_QUEUE)
    first = Outbox(tmp_path / "box")
    first.append(told.records[:1])
    await Projector(first.folder, ledger).drain()
    first.append(told.records[1:])
    first.close()
    outbox = Outbox(tmp_path / "box")
    failing: Any = Failing(ledger, 1)
    projector = Projector(outbox.folder, failing)
    outbox.append(Told("new").records)
    with pytest.raises(LedgerAway):
        await projector.step()
    left, new = len(told.records[1:]), len(Told("new").records)
    assert projector.records_behind(outbox.written) == left + new
    assert await projector.drain()
    assert projector.records_behind(outbox.written) == 0
    assert (await ledger.call("pbx-1", "kept") or {})["outcome"] == "abandoned_queue"
    outbox.close()


async def test_database_without_tables_is_away_and_nothing_is_set_aside(database_url: str, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "box")
    outbox.append(Told("kept").records)
    engine = open_engine(database_url)
    projector = Projector(outbox.folder, Ledger(engine))
    with pytest.raises(LedgerAway, match="outbox_positions"):
        await projector.step()
    await upgrade(engine)
    assert await projector.step() == 1
    await engine.dispose()
    outbox.close()


async def test_two_outboxes_of_one_ledger_have_positions_of_their_own(ledger: Ledger, tmp_path: Path) -> None:
    assert await ledger.positions() == {}
    reached = {}
    for name in ("a", "b"):
        outbox = Outbox(tmp_path / name)
        outbox.append(Told(f"of {name}").records)
        projector = Projector(outbox.folder, ledger)
        assert await projector.drain()
        reached[projector.reader.identity] = projector.position
        outbox.close()
        assert await ledger.positions() == reached
    assert len(reached) == 2
    assert {row["uniqueid"] for row in await ledger.calls(0, 2 * NOON_MS)} == {"of a", "of b"}


@pytest.mark.postgres
async def test_frozen_postgresql_holds_nothing_up_and_goes_on_when_thawed(
    private_postgres: Postgres, postgres_url: str, tmp_path: Path
) -> None:
    engine: AsyncEngine = open_engine(postgres_url)
    await upgrade(engine)
    ledger = Ledger(engine, reach_s=0.5)
    outbox = Outbox(tmp_path / "box")
    outbox.append(Told("before").records)
    projector = Projector(outbox.folder, ledger)
    await projector.step()
    outbox.append(Told("after").records)
    private_postgres.freeze()
    took_s = []
    try:
        for _ in range(3):
            begun = time.monotonic()
            with pytest.raises(LedgerAway):
                await projector.step()
            took_s.append(time.monotonic() - begun)
    finally:
        private_postgres.thaw()
    async with asyncio.timeout(60):
        while True:
            try:
                assert await projector.step() == 1
                break
            except LedgerAway:
                await asyncio.sleep(0)
    assert min(took_s) < 4, "a machine that stalls may hold one of them up"
    assert {row["uniqueid"] for row in await ledger.calls(0, 2 * NOON_MS)} == {"before", "after"}
    assert projector.depth_bytes() == 0
    await engine.dispose()
    outbox.close()


class Slow:
    """A ledger that tells when a batch has begun, and takes its time."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.has_begun = asyncio.Event()

    async def position(self, outbox: str) -> Position:
        return await self._ledger.position(outbox)

    async def apply(self, outbox: str, entries: list[Entry]) -> Position:
        self.has_begun.set()
        for _ in range(3):
            await asyncio.sleep(0)
        return await self._ledger.apply(outbox, entries)


async def test_projector_stopped_within_a_batch_ends_after_it_and_the_rest_can_be_drained(
    ledger: Ledger, tmp_path: Path
) -> None:
    outbox = Outbox(tmp_path / "box")
    outbox.append(all_records(worked_example()))
    slow: Any = Slow(ledger)
    projector = Projector(outbox.folder, slow, batch=10)
    running = asyncio.create_task(projector.run())
    await slow.has_begun.wait()
    projector.stop()
    await running
    assert projector.applied == 10
    assert await projector.drain()
    assert projector.applied == outbox.written
    outbox.close()


async def test_database_away_for_a_moment_at_the_end_is_tried_again(ledger: Ledger, tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "box")
    outbox.append(all_records(worked_example()))
    failing: Any = Failing(ledger, 2)
    projector = Projector(outbox.folder, failing, every_s=0.001)
    assert await projector.drain()
    assert projector.applied == outbox.written
    outbox.close()

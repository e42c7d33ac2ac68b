"""A transaction of SQLite that is not over in time is left alone: cancelled inside, it would leave the file locked."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from callcenter.storage.database import open_engine
from callcenter.storage.errors import LedgerAway
from callcenter.storage.ledger import Ledger
from callcenter.storage.migrate import upgrade
from tests.contract.calls_told import NOON_MS, all_records, entries, worked_example


async def test_file_locked_by_another_apply_says_away_and_the_next_one_finds_everything_once(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    engine = open_engine(f"sqlite+aiosqlite:///{path}")
    await upgrade(engine)
    ledger = Ledger(engine, reach_s=0.2)
    told = list(entries(all_records(worked_example())))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(LedgerAway):
        await ledger.apply("box", told)
    with pytest.raises(LedgerAway):
        await ledger.apply("box", told)
    other.execute("COMMIT")
    end = None
    while end is None:
        with contextlib.suppress(LedgerAway):
            end = await ledger.apply("box", told)

    assert end == told[-1].end
    assert len(await ledger.calls(0, 2 * NOON_MS)) == 7
    other.execute("BEGIN IMMEDIATE")
    other.execute("COMMIT")
    other.close()
    await engine.dispose()

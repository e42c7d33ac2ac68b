"""An instant that no clock shows, or that is still to come: the row is named, in each store of CEL, and spoils nothing else."""

import csv
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from callcenter.lab.pbx_files import SHIPPED
from callcenter.reconcile.join import Join
from callcenter.reconcile.ledger_side import LedgerSide
from callcenter.reconcile.verdicts import Verdict
from callcenter.storage.ledger import Ledger
from callcenter.witness import conversations
from callcenter.witness.cel import COLUMNS
from callcenter.witness.store import open_cel
from tests.contract.calls_told import entries
from tests.contract.test_reconcile import ALL
from tests.contract.two_witnesses import day, sorted_lines, written

Kept = Callable[[Sequence[str]], Awaitable[str]]
"""CEL's lines -> where a store has them."""


@pytest.fixture(params=["file", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    """A store of CEL."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""

    async def keep(lines: Sequence[str]) -> str:
        rows = list(csv.reader(lines))
        if request.param == "file":
            return str(written(tmp_path, lines))
        if request.param == "sqlite":
            with closing(sqlite3.connect(tmp_path / "cel.db")) as table, table:
                table.execute(f"CREATE TABLE cel ({', '.join(COLUMNS)})")
                table.executemany(f"INSERT INTO cel VALUES ({', '.join('?' for _ in COLUMNS)})", rows)
            return str(tmp_path / "cel.db")
        url_of_cel = url.replace("+asyncpg", "")
        connection = await asyncpg.connect(url_of_cel)
        await connection.execute((SHIPPED / "cel_pgsql_callcenter.sql").read_text(encoding="utf-8"))
        marks = ", ".join(f"${number}" for number in range(1, len(COLUMNS) + 1))
        values = [(kind, float(at), *rest) for kind, at, *rest in rows]
        await connection.executemany(f"INSERT INTO cel VALUES ({marks})", values)
        await connection.close()
        return url_of_cel

    return keep


def at(line: str, instant: str) -> str:
    """A line with another instant."""
    return line.replace(line.split('"')[3], instant)


@pytest.mark.parametrize("instant", ["99999999999999999999999.000000", "9999999999999.000000", "253370764800.000000"])
async def test_instant_that_no_clock_shows_is_a_bad_line_and_no_call_is_wrong(
    kept: Kept, engine: AsyncEngine, ledger: Ledger, instant: str
) -> None:
    await ledger.apply("outbox", entries(day().records))
    lines = sorted_lines(day())
    source = await kept([at(lines[3], instant), *lines, at(lines[-1], instant)])

    result = await Join(ALL, LedgerSide(engine), open_cel(source)).run()

    assert (result.mismatches, result.counts[Verdict.AGREED]) == (0, 3)
    assert ["later than any clock shows" in warning for warning in result.warnings[:3]] == [True, True, False]


async def test_hangup_at_an_instant_that_no_clock_shows_is_one_mismatch_of_its_call(
    kept: Kept, engine: AsyncEngine, ledger: Ledger
) -> None:
    await ledger.apply("outbox", entries(day().records))
    lines = sorted_lines(day())
    (end,) = [line for line in lines if '"HANGUP"' in line and '"pbx-3","pbx-3"' in line]
    source = await kept([at(line, "9999999999999.000000") if line == end else line for line in lines])

    result = await Join(ALL, LedgerSide(engine), open_cel(source)).run()

    assert [(one.call.uniqueid, one.what) for one in result.differences] == [("pbx-3", "ended_ms")]
    assert result.counts[Verdict.AGREED] == 2
    assert "later than any clock shows" in result.warnings[0]


async def test_row_that_is_still_to_come_stands_among_the_others_no_call_is_wrong_and_it_is_counted(
    kept: Kept, engine: AsyncEngine, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "_LOOK_ROWS", 1)
    await ledger.apply("outbox", entries(day().records))
    lines = sorted_lines(day())
    source = await kept([*lines[:6], at(lines[0], "2800000000.000000"), *lines[6:]])

    result = await Join(ALL, LedgerSide(engine), open_cel(source)).run()

    assert (result.mismatches, result.counts[Verdict.AGREED]) == (0, 3)
    assert result.warnings[0] == "1 rows of CEL are later than now: they are left out"

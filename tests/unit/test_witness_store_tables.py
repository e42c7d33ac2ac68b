"""CEL in an SQLite file is read in pieces, so that Asterisk can always write its next row."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from callcenter.witness import store_tables
from callcenter.witness.cel import COLUMNS
from callcenter.witness.errors import CelUnreadable
from callcenter.witness.store_tables import SqliteCel


def table(path: Path, instants: list[float]) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE TABLE cel ({', '.join(COLUMNS)})")
        add(connection, instants)
    return path


def add(connection: sqlite3.Connection, instants: list[float]) -> None:
    marks = ", ".join("?" for _ in COLUMNS)
    rows = [["ANSWER", f"{instant:.6f}", *["" for _ in COLUMNS[2:]]] for instant in instants]
    connection.executemany(f"INSERT INTO cel VALUES ({marks})", rows)
    connection.commit()


async def read(cel: SqliteCel, from_ms: int) -> list[str]:
    return [line.split(",")[1].strip('"') async for piece in cel.lines(from_ms) for line in piece]


async def test_reader_takes_his_time_asterisk_writes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_tables, "_PIECE", 2)
    path = table(tmp_path / "cel.db", [1.0, 2.0, 3.0, 4.0, 5.0])
    lines = SqliteCel(path).lines(0)
    assert len(await anext(lines)) == 2
    with closing(sqlite3.connect(path, timeout=0.0)) as asterisk:
        add(asterisk, [6.0])
    assert sum([len(piece) async for piece in lines]) == 3


async def test_rows_before_the_time_asked_for_are_left_out_wherever_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_tables, "_PIECE", 2)
    cel = SqliteCel(table(tmp_path / "cel.db", [1.0, 3.0, 2.0, 4.0, 5.5]))
    assert await read(cel, 3_000) == ["3.000000", "4.000000", "5.500000"]
    assert await cel.oldest_ms() == 1_000


async def test_table_is_empty_or_missing_there_is_nothing_or_a_clear_word(tmp_path: Path) -> None:
    cel = SqliteCel(table(tmp_path / "cel.db", []))
    assert (await read(cel, 0), await cel.oldest_ms()) == ([], None)
    with pytest.raises(CelUnreadable, match="cel_sqlite3_custom"):
        await read(SqliteCel(tmp_path / "none.db"), 0)

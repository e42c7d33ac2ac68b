"""CEL in a database, as config/asterisk makes Asterisk write it, given out as lines of the CSV file.

`cel_sqlite3_custom` fills the columns that cel_sqlite3_custom_callcenter.conf names; `cel_pgsql` fills those of
cel_pgsql_callcenter.sql, by names of its own (`cid_num`, `extra`), with the instant as a number.
"""

import csv
import io
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from callcenter.witness.cel import COLUMNS
from callcenter.witness.errors import CelUnreadable
from callcenter.witness.seek import LATEST_S

TABLE = "cel"
_ROWS = 2_000
_PIECE = 5_000
_CONNECT_S = 5.0
_PGSQL_NAMES = {"cidnum": "cid_num", "eventextra": "extra"}
"""Columns that cel_pgsql names otherwise."""


def as_lines(rows: Iterable[Sequence[Any]]) -> list[str]:
    """Return rows (columns in the file's order) as lines of the file."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\0")
    for row in rows:
        writer.writerow(["" if value is None else str(value).replace("\n", " ").replace("\0", "") for value in row])
    return out.getvalue().split("\0")[:-1]


class SqliteCel:
    """The table in an SQLite file.

    Whoever reads keeps a shared lock, and Asterisk gives a row up that it cannot write within a second. So the table is read
    in pieces of `_PIECE` row ids: a lock of some milliseconds each, however long the reader takes over what he got.
    """

    def __init__(self, path: Path) -> None:
        self.name = f"{path.name}, table {TABLE}"
        self._path = path

    async def oldest_ms(self) -> int | None:
        """Return the instant of the oldest row: one of the first, for rows are written in order but for milliseconds."""
        first = "SELECT CAST(eventtime AS REAL) AS at FROM cel ORDER BY rowid LIMIT 1000"
        with self._open() as connection:
            ((value,),) = connection.execute(f"SELECT min(at) FROM ({first}) WHERE at < ?", (LATEST_S,)).fetchall()
        return None if value is None else int(float(value) * 1000)

    async def lines(self, from_ms: int) -> AsyncIterator[list[str]]:
        """Return the rows from `from_ms` on, some at a time."""
        query = (
            f"SELECT {', '.join(COLUMNS)} FROM cel "
            "WHERE rowid BETWEEN ? AND ? AND CAST(eventtime AS REAL) >= ? ORDER BY rowid"
        )
        with self._open() as connection:
            ((first, last),) = connection.execute(
                "SELECT (SELECT min(rowid) FROM cel), (SELECT max(rowid) FROM cel)"
            ).fetchall()
            for begin in range(first or 0, (last or -1) + 1, _PIECE):
                piece = (begin, min(begin + _PIECE - 1, last), from_ms / 1000)
                if rows := connection.execute(query, piece).fetchall():
                    yield as_lines(rows)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=5.0)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise CelUnreadable(self.name, f"{error} (columns as in cel_sqlite3_custom_callcenter.conf?)") from error


class PostgresCel:
    """The table in PostgreSQL."""

    def __init__(self, url: str) -> None:
        self.name = f"table {TABLE} of {url.rpartition('@')[2].removeprefix('postgresql://').partition('?')[0]}"
        self._url = url

    async def oldest_ms(self) -> int | None:
        """Return the instant of the oldest row."""
        async for (value,) in self._select("SELECT min(eventtime) FROM cel WHERE eventtime < $1", float(LATEST_S)):
            return None if value is None else int(float(value) * 1000)
        return None

    async def lines(self, from_ms: int) -> AsyncIterator[list[str]]:
        """Return the rows from `from_ms` on in the order of time, some at a time."""
        columns = ", ".join(_PGSQL_NAMES.get(name, name) for name in COLUMNS)
        rows: list[Sequence[Any]] = []
        query = f"SELECT {columns} FROM cel WHERE eventtime >= $1 ORDER BY eventtime"
        async for row in self._select(query, from_ms / 1000):
            kind, instant, *rest = row
            if not isinstance(instant, float):
                raise CelUnreadable(self.name, "eventtime is not double precision (cel_pgsql_callcenter.sql)")
            named = row[11] if kind == "USER_DEFINED" and row[11] else kind
            rows.append([named, f"{instant:.6f}", *rest])
            if len(rows) >= _ROWS:
                yield as_lines(rows)
                rows = []
        yield as_lines(rows)

    async def _select(self, query: str, *values: Any) -> AsyncIterator[Any]:
        try:
            connection = await asyncpg.connect(self._url, timeout=_CONNECT_S)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
            raise CelUnreadable(self.name, f"no connection: {error or type(error).__name__}") from error
        try:
            async with connection.transaction(readonly=True):
                async for row in connection.cursor(query, *values, prefetch=_ROWS):
                    yield row
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise CelUnreadable(self.name, f"{error} (columns as in cel_pgsql_callcenter.sql?)") from error
        finally:
            await connection.close(timeout=_CONNECT_S)

"""Drawn calls into a ledger in bulk: SQLite by the standard library, PostgreSQL by COPY. For tests and benchmarks only."""

import asyncio
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count, islice
from operator import itemgetter

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncEngine

from callcenter.sample.rows import Row, call_row, offer_rows, placement_rows, presence_rows, talk_rows
from callcenter.sample.year import SampleCall
from callcenter.storage.tables import calls, offers, placements, presence_history, talks

AT_ONCE = 20_000
"""Calls that are in memory as rows."""


async def load(engine: AsyncEngine, drawn: Iterable[SampleCall], *, parts: bool = True) -> int:
    """Insert the calls into an empty ledger at the newest schema; return how many. `parts`: with their offers, talks,
    places in the queue and what their agents did; without, the call table alone."""
    if engine.dialect.name == "sqlite":
        return await asyncio.to_thread(_load_sqlite, str(engine.url.database), drawn, parts)
    loaded = 0
    async with engine.begin() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        for number, tables in _batches(drawn, parts):
            for table, rows in tables:
                names = [column.name for column in table.columns]
                records = map(itemgetter(*names), rows)
                await raw.copy_records_to_table(table.name, records=records, columns=names, timeout=None)
            loaded += number
    return loaded


def _load_sqlite(path: str, drawn: Iterable[SampleCall], parts: bool) -> int:
    loaded = 0
    connection = sqlite3.connect(path)
    try:
        for number, tables in _batches(drawn, parts):
            for table, rows in tables:
                names = [column.name for column in table.columns]
                marks = ", ".join("?" * len(names))
                insert = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"
                connection.executemany(insert, map(itemgetter(*names), rows))
            loaded += number
        connection.commit()
    finally:
        connection.close()
    return loaded


def _batches(drawn: Iterable[SampleCall], parts: bool) -> Iterator[tuple[int, list[tuple[Table, Iterable[Row]]]]]:
    """Return (number of calls, rows of each table in an order that keys allow)."""
    source, positions = iter(drawn), count(1)
    while some := list(islice(source, AT_ONCE)):
        yield len(some), _rows(some, positions) if parts else [(calls, map(call_row, some))]


def _rows(some: Sequence[SampleCall], positions: Iterator[int]) -> list[tuple[Table, Iterable[Row]]]:
    return [
        (calls, map(call_row, some)),
        (placements, chain.from_iterable(map(placement_rows, some))),
        (offers, chain.from_iterable(map(offer_rows, some))),
        (talks, chain.from_iterable(map(talk_rows, some))),
        (presence_history, presence_rows(some, positions)),
    ]

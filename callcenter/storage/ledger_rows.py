"""Rows in and out of the ledger: bulk reads by call, bulk upserts, and text made safe for every database.

Everything is written by primary key with "insert, or set all other columns", so writing a row twice is harmless.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Table, select, tuple_
from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.names import CallId
from callcenter.storage.call_fold import CallStory, Row
from callcenter.storage.tables import calls, hand_overs, offers, placements, talks
from callcenter.storage.tables_after import ratings, recordings

CHILDREN = {table.name: table for table in (placements, offers, talks, hand_overs, recordings, ratings)}
KEYS_AT_ONCE = 200
"""Calls per query: two bound values each, far below every database's limit."""


def storable(value: Any) -> Any:
    """Return text that any database takes: NUL and halves of surrogate pairs become U+FFFD. Other values as they are."""
    if type(value) is str and not (value.isascii() and "\0" not in value):
        value = value.replace("\0", "\ufffd").encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return value


def storable_row(row: Row) -> Row:
    """Return the row with every text made safe."""
    return {name: storable(value) for name, value in row.items()}


def storable_call(call: CallId) -> CallId:
    """Return the key as it stands in the database."""
    return CallId(storable(call.pbx), storable(call.uniqueid))


@cache
def _upsert(table: Table, dialect: str) -> PostgresqlInsert | SqliteInsert:
    statement = postgresql_insert(table) if dialect == "postgresql" else sqlite_insert(table)
    keys = [column.name for column in table.primary_key]
    rest = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=rest)


@cache
def _insert_new(table: Table, dialect: str) -> PostgresqlInsert | SqliteInsert:
    statement = postgresql_insert(table) if dialect == "postgresql" else sqlite_insert(table)
    return statement.on_conflict_do_nothing()


async def upsert(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Write whole rows by primary key. Every table of ours has columns beside its key."""
    if rows:
        await connection.execute(_upsert(table, connection.dialect.name), [storable_row(row) for row in rows])


async def delete(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Delete rows by primary key."""
    keys = list(table.primary_key.columns)
    for row in rows:
        await connection.execute(table.delete().where(*(key == storable(row[key.name]) for key in keys)))


async def insert_new(connection: AsyncConnection, table: Table, rows: Sequence[Row]) -> None:
    """Write rows whose key is not there yet; one that is there stays as it is."""
    if rows:
        await connection.execute(_insert_new(table, connection.dialect.name), [storable_row(row) for row in rows])


async def stories(connection: AsyncConnection, keys: Iterable[CallId]) -> dict[CallId, CallStory]:
    """Return the story of each call; a new call has an empty one."""
    found = {key: CallStory(key) for key in keys}
    wanted = sorted(found)
    for first in range(0, len(wanted), KEYS_AT_ONCE):
        some = wanted[first : first + KEYS_AT_ONCE]
        for row in await _rows(connection, calls, some):
            found[CallId(row["pbx"], row["uniqueid"])].row = row
        known = [key for key in some if found[key].row is not None]
        if known:
            for name, table in CHILDREN.items():
                for row in await _rows(connection, table, known):
                    _adopt(found[CallId(row["pbx"], row["uniqueid"])], name, row)
    return found


def _adopt(story: CallStory, table: str, row: Row) -> None:
    if table == "placements":
        story.placements[(row["kind"], row["seq"], row["at_ms"])] = row
    elif table == "offers":
        story.offers[row["offer"]] = row
    elif table == "talks":
        story.talks[(row["offer"], row["opened_ms"])] = row
    elif table == "hand_overs":
        story.hand_overs[row["seq"]] = row
    elif table == "recordings":
        story.recordings[row["path"]] = row
    else:
        story.ratings[row["asked_ms"]] = row


async def _rows(connection: AsyncConnection, table: Table, keys: Sequence[CallId]) -> list[Row]:
    query = select(table).where(tuple_(table.c.pbx, table.c.uniqueid).in_(keys))
    return [dict(row) for row in (await connection.execute(query)).mappings()]

"""Calls of a former system in the ledger: many at once, each by its key (source, call_id), only where they differ.

Theory of operation: a chunk of calls goes into a temporary table (COPY on PostgreSQL) and from there, in the same
transaction, into `calls` as rows that the ledger itself would make of them: `pbx` is the source, `uniqueid` the call_id.
A key that is there is left alone (`add`), and only if some were there the two are compared (`correct`): what differs is
written, and a note says what it was before, unless the caller knows that the row must not decide. Calls of a PBX are never
touched. A crash leaves whole chunks; whoever imports again finds them unchanged.
"""

from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    MetaData,
    Table,
    Text,
    and_,
    case,
    delete,
    literal,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.names import EndedBy
from callcenter.storage.call_fold import Row
from callcenter.storage.figures_sql import sql_of
from callcenter.storage.ledger_rows import insert_new, upsert
from callcenter.storage.tables import calls, notes
from metrics.dictionary import WAIT_MS

COPY_S = 60.0
"""Longest that one chunk may take on its way to PostgreSQL."""


class ImportedCall(NamedTuple):
    """A call of a former system, as the ledger keeps it. Instants and talk in milliseconds; None and '' where unknown."""

    row_line: int
    """Number of the row's first line in its file."""
    uniqueid: str
    direction: str
    line_code: str
    caller_number: str
    agent: str | None
    arrived_ms: int
    queued_ms: int | None
    answered_ms: int | None
    ended_ms: int
    talk_ms: int
    outcome: str | None
    outcome_reason: str


TOLD = ImportedCall._fields[2:]
"""Columns of `calls` whose content a file tells; by them an imported call is compared."""

arrivals = Table(
    "imported_rows",
    MetaData(),
    Column("row_line", BigInteger()),
    *(Column(name, type(calls.c[name].type)()) for name in ImportedCall._fields[1:]),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DELETE ROWS",
)
"""One chunk, before it is among the calls."""


def _known(name: str) -> ColumnElement[Any]:
    """Return a field of a call that has just arrived; a file does not know the others."""
    return arrivals.c[name] if name in arrivals.c else null()


_ANSWERED = arrivals.c.answered_ms.is_not(None)
_DERIVED: Mapping[str, ColumnElement[Any]] = {
    "wait_ms": sql_of(WAIT_MS, _known),
    "agent_answers": case((_ANSWERED, 1), else_=0),
    "ended_by": literal(EndedBy.UNKNOWN.value),
    "imported": true(),
}
_NOTHING: Mapping[type, Any] = {Text: "", BigInteger: 0}


def _value(column: Column[Any], source: str) -> ColumnElement[Any]:
    """Return what a column of `calls` holds for a call that has just arrived."""
    if column.name in arrivals.c:
        return arrivals.c[column.name]
    if column.name in _DERIVED:
        return _DERIVED[column.name]
    if column.name == "pbx":
        return literal(source)
    return null() if column.nullable else literal(_NOTHING.get(type(column.type), False))


class ImportedCalls:
    """Takes chunks of one source's calls on one connection; each in a transaction that the caller keeps."""

    def __init__(self, connection: AsyncConnection, source: str, run_ms: int) -> None:
        self._connection = connection
        self._source = source
        self._run_ms = run_ms
        self._is_postgresql = connection.dialect.name == "postgresql"
        values = {column.name: _value(column, source) for column in calls.columns}
        rows = select(*(value.label(name) for name, value in values.items())).where(true())
        insert = (postgresql_insert if self._is_postgresql else sqlite_insert)(calls)
        in_order = rows.order_by(arrivals.c.row_line)
        self._insert = insert.from_select(list(values), in_order).on_conflict_do_nothing()
        self._insert_new = insert.from_select(list(values), rows)
        self._is_all_new = self._is_postgresql
        """No call was there yet. Then PostgreSQL need not look each key up before it writes it: a quarter of its work."""

    async def prepare(self) -> None:
        """Make the temporary table; once for a connection. A chunk's rows, and those that the triggers look at, stay in memory."""
        if self._is_postgresql:
            await self._connection.exec_driver_sql("SET work_mem = '64MB'")
        await self._connection.run_sync(arrivals.create, checkfirst=False)

    async def is_name_of_a_pbx(self) -> bool:
        """Tell whether the source's name is that of a PBX with calls in the ledger."""
        query = select(calls.c.uniqueid).where(calls.c.pbx == self._source, ~calls.c.imported).limit(1)
        return (await self._connection.scalar(query)) is not None

    async def take(self, told: Sequence[ImportedCall]) -> None:
        """Take a chunk into the transaction: what `add` and `correct` are about."""
        await self._connection.execute(delete(arrivals))  # begins the transaction, in which the driver then copies
        if self._is_postgresql:
            driver: Any = (await self._connection.get_raw_connection()).driver_connection
            columns = ImportedCall._fields
            await driver.copy_records_to_table(arrivals.name, records=told, columns=columns, timeout=COPY_S)
        elif told:
            marks = ", ".join("?" for _ in ImportedCall._fields)
            await self._connection.exec_driver_sql(f"INSERT INTO {arrivals.name} VALUES ({marks})", list(told))

    async def add(self) -> int:
        """Store those calls of the chunk that are not there yet (the first row of each); return how many."""
        if self._is_all_new:
            try:
                async with self._connection.begin_nested():
                    return int((await self._connection.execute(self._insert_new)).rowcount)
            except IntegrityError:
                self._is_all_new = False  # for good: what was written of this chunk was written in vain
        return int((await self._connection.execute(self._insert)).rowcount)

    async def correct(self, again: Container[int]) -> tuple[int, list[tuple[int, str]]]:
        """Compare the chunk with what is stored, and write what differs, but for the lines `again`: they must not decide.

        Return how many calls were corrected, and (line, what differs) of rows that still differ."""
        found = await self._differing()
        wrong = [row for row in found if row["imported"] and row["row_line"] not in again]
        if wrong:
            await self._write(wrong)
        left = await self._differing() if len(wrong) < len(found) else []
        return len(wrong), [(row["row_line"], _difference(row)) for row in left]

    async def _differing(self) -> list[Row]:
        """Return the rows whose call is there with other content: line, and both contents."""
        same_key = and_(calls.c.pbx == self._source, calls.c.uniqueid == arrivals.c.uniqueid)
        differs = or_(*(calls.c[name].is_distinct_from(arrivals.c[name]) for name in TOLD), ~calls.c.imported)
        new = (arrivals.c[name].label(f"new_{name}") for name in TOLD)
        query = select(arrivals.c.row_line, calls, *new).join_from(arrivals, calls, same_key)
        # PostgreSQL knows nothing of the chunk's size, and would read every call of the source to compare with it
        if self._is_postgresql:
            for way in ("hashjoin", "mergejoin"):
                await self._connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        found = await self._connection.execute(query.where(differs).order_by(arrivals.c.row_line))
        return [dict(row) for row in found.mappings()]

    async def _write(self, found: Sequence[Row]) -> None:
        """Write corrections, and notes of them."""
        corrected = [_corrected(row) for row in found]
        await upsert(self._connection, calls, corrected)
        place = {"outbox": f"import {self._source}", "segment": self._run_ms, "item": 0}
        said = {"kind": "corrected", "what": "import", "pbx": self._source}
        logged = [
            {
                **place,
                **said,
                "position": row["row_line"],
                "at_ms": row["new_ended_ms"],
                "uniqueid": row["uniqueid"],
                "detail": _difference(row),
            }
            for row in found
        ]
        await insert_new(self._connection, notes, logged)


def _corrected(found: Row) -> Row:
    """Return the call's whole row with the new content."""
    row = {column.name: found[column.name] for column in calls.columns} | {name: found[f"new_{name}"] for name in TOLD}
    return row | {"wait_ms": WAIT_MS.of(row), "agent_answers": int(row["answered_ms"] is not None)}


def _difference(found: Row) -> str:
    """Say what is other: `talk_ms 311000 -> 312000, agent '1001' -> None`."""
    if not found["imported"]:
        return "a call of the PBX of that name"
    pairs = ((name, found[name], found[f"new_{name}"]) for name in TOLD)
    return ", ".join(f"{name} {old!r} -> {new!r}" for name, old, new in pairs if old != new)

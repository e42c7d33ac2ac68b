"""Statements of the dictionary written out once as text, and then only given their values.

Theory of operation: a statement with a hundred measures takes SQLAlchemy some ten milliseconds to build and to write, and a
good part of one each time to find again among those it wrote before. The loop that routes calls must not be held up so
long, and a report asks dozens of them. So what differs from one use to the next stands in it as a `parameter`; it is written
out here for its database, everything else in it as constants, and kept by whoever made it (`functools.cache` under what it
is made of). Constants come from the dictionary and the tables, never from a user.
"""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnClause, CursorResult, Text, literal_column
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.asyncpg import dialect as postgresql
from sqlalchemy.dialects.sqlite.aiosqlite import dialect as sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.expression import ClauseElement
from sqlalchemy.types import TypeEngine

_DIALECTS: dict[str, Any] = {"postgresql": postgresql(), "sqlite": sqlite()}  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy
_PARAMETER = re.compile(r"<:(\w+) ([^:]+):>")
_LEFT_OUT = re.compile(r"'(?:[^']|'')*'|\?|\$(\d+)::INTEGER")
_TYPES: dict[str, TypeEngine[Any]] = {"BIGINT": BigInteger(), "TEXT": Text(), "BIGINT[]": ARRAY(BigInteger)}


@dataclass(frozen=True, slots=True)
class Ready:
    """A statement as its database reads it."""

    text: str
    places: tuple[str, ...]
    """The parameter at each place."""

    async def run(self, connection: AsyncConnection, **values: Any) -> CursorResult[*tuple[Any, ...]]:
        """Run it with the values that it asks for; others are left aside."""
        return await connection.exec_driver_sql(self.text, tuple(map(values.__getitem__, self.places)))


def written(dialect: str, statement: ClauseElement) -> Ready:
    """Return a statement written out for a database (`sqlite`, `postgresql`)."""
    text = _with_constants(statement.compile(dialect=_DIALECTS[dialect], compile_kwargs={"literal_binds": True}))
    places = [found[1] for found in _PARAMETER.finditer(text)]
    if dialect == "sqlite":
        return Ready(_PARAMETER.sub("?", text), tuple(places))
    names = tuple(dict.fromkeys(places))
    return Ready(_PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}::{found[2]}", text), names)


def _with_constants(compiled: Any) -> str:
    """Return the text with the few constants in it that SQLAlchemy leaves out in any case: numbers of rows."""
    numbers = [int(compiled.params[name]) for name in compiled.positiontup]
    following = iter(numbers)

    def put(found: re.Match[str]) -> str:
        if found[0].startswith("'"):
            return found[0]
        return str(numbers[int(found[1]) - 1] if found[1] else next(following))

    return _LEFT_OUT.sub(put, str(compiled))


def parameter(name: str, kind: str = "BIGINT") -> ColumnClause[Any]:
    """Return what stands for a value in a statement that is written out. `kind`: BIGINT, TEXT or BIGINT[] (PostgreSQL only)."""
    return literal_column(f"<:{name} {kind}:>", _TYPES[kind])

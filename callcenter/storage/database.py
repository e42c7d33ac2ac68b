"""One way into the ledger's database: the engine, its time limits, and errors translated to ours.

Theory of operation: PostgreSQL may freeze without closing a connection; the driver's own limits do not cover that, so
every use runs inside `reaching`, an `asyncio.timeout`, and whatever comes out of it becomes `LedgerAway`: no answer, no
connection, no room, no such table. Only errors of the data themselves (`is_about_data`) pass through. SQLite runs in
WAL mode, so that a report may read while the projector writes; a writing transaction takes its lock at once (BEGIN IMMEDIATE) and waits `BUSY_S` for another's.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from callcenter.storage.errors import LedgerAway

REACH_S = 5.0
"""Longest that one use of the database may take before we call it away."""
CONNECT_S = 3.0
BUSY_S = 4.0
IDLE_MS = "30000"
"""PostgreSQL ends a transaction of ours that does nothing for so long: a frozen service must not block the next leader."""
IMMEDIATE = {"sqlite_begin": "BEGIN IMMEDIATE"}
"""Execution options of a connection that is going to write."""


def open_engine(url: str, *, command_s: float = REACH_S) -> AsyncEngine:
    """Return an engine for a SQLAlchemy URL with an asyncio driver (aiosqlite, asyncpg). Nothing is connected yet.

    `command_s`: longest that one statement on PostgreSQL may take."""
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_async_engine(url, connect_args={"timeout": BUSY_S})
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    return create_async_engine(
        url,
        pool_size=3,
        max_overflow=2,
        pool_pre_ping=True,
        pool_timeout=CONNECT_S,
        connect_args={
            "timeout": CONNECT_S,
            "command_timeout": command_s,
            "server_settings": {
                "application_name": "callcenter",
                "idle_in_transaction_session_timeout": IDLE_MS,
                "jit": "off",  # compiling a wide statement takes longer than running it over a few thousand rows
            },
        },
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))


def is_about_data(error: BaseException) -> bool:
    """Whether the database (or its driver) refuses what we want to store, and would refuse it again."""
    if isinstance(error, ValueError | TypeError | ArithmeticError | IntegrityError | DataError):
        return True
    if not isinstance(error, DBAPIError) or error.orig is None:
        return False
    if isinstance(error.orig.__cause__, ValueError | TypeError | ArithmeticError):
        return True  # asyncpg could not encode a parameter
    return (getattr(error.orig, "sqlstate", None) or "")[:2] in {"22", "23"}


@asynccontextmanager
async def reaching(seconds: float = REACH_S) -> AsyncIterator[None]:
    """Run one use of the database within so many seconds. Raises LedgerAway when it cannot be reached."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except Exception as error:
        if isinstance(error, OSError | TimeoutError | SQLAlchemyError) and not is_about_data(error):
            raise LedgerAway(
                f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no answer'}"
            ) from error
        raise

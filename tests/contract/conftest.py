"""Both databases for every contract of storage: an SQLite file and a schema of its own in a private PostgreSQL."""

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from callcenter.storage.database import open_engine
from callcenter.storage.ledger import Ledger
from callcenter.storage.migrate import upgrade
from tests.contract.private_postgres import NoPostgres, PrivatePostgres, running

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PrivatePostgres]:
    """A private PostgreSQL. Without one: a skip that says so, or a failure where CALLCENTER_REQUIRE_PBX=1."""
    try:
        with running() as server:
            yield server
    except NoPostgres as error:
        if os.environ.get("CALLCENTER_REQUIRE_PBX") == "1":
            pytest.fail(f"PostgreSQL is required here: {error}")
        pytest.skip(f"NOT TESTED on PostgreSQL: {error}")


@pytest.fixture
async def postgres_url(postgres: PrivatePostgres) -> str:
    """An empty database of its own on the private PostgreSQL."""
    name = f"ledger_{next(_numbers)}"
    connection = await asyncpg.connect(host="127.0.0.1", port=postgres.port, user="callcenter", database="postgres")
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    await connection.close()
    return postgres.url(name)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'ledger.sqlite3'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """A database at the newest schema."""
    engine = open_engine(database_url)
    await upgrade(engine)
    yield engine
    await engine.dispose()


@pytest.fixture
def ledger(engine: AsyncEngine) -> Ledger:
    """A ledger on an empty database."""
    return Ledger(engine)

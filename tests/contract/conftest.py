"""Both databases for every contract of storage: an SQLite file and a schema of its own in a private PostgreSQL."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from callcenter.lab.postgres import Postgres
from callcenter.lab.redis import Redis
from callcenter.storage.database import open_engine
from callcenter.storage.ledger import Ledger
from callcenter.storage.migrate import upgrade
from tests.contract.shared import SharedRedis

_numbers = itertools.count(1)


@pytest.fixture
async def postgres_url(private_postgres: Postgres) -> str:
    """An empty database of its own on the private PostgreSQL."""
    name = f"ledger_{next(_numbers)}"
    connection = await asyncpg.connect(private_postgres.url())
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    await connection.close()
    return private_postgres.url(name).replace("postgresql://", "postgresql+asyncpg://")


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


@pytest.fixture
async def shared_redis(private_redis: Redis) -> AsyncIterator[SharedRedis]:
    """The private Redis, empty; it runs again after a test that ended or froze it."""
    redis = SharedRedis(private_redis)
    await redis.empty()
    yield redis
    private_redis.thaw()
    if private_redis.process is None:
        private_redis.resume_now()

"""The lab's PostgreSQL: from this machine, and fetched."""

import asyncio

import asyncpg
import pytest

from callcenter.lab import postgres as postgres_module
from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.postgres import Postgres
from tests.integration.conftest import missing

pytestmark = pytest.mark.postgres


async def test_postgres_started_takes_our_password_and_no_other(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres_url.replace("callcenter:", "callcenter:not-"))


async def test_postgres_frozen_hangs_and_thawed_answers() -> None:
    server = await Postgres().start()
    try:
        hung = await asyncpg.connect(server.url())
        server.freeze()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await asyncpg.connect(server.url(), timeout=30)
        server.thaw()
        assert await hung.fetchval("SELECT 1") == 1
        await hung.close()
        connection = await asyncpg.connect(server.url())
        assert await connection.fetchval("SELECT 2") == 2
        await connection.close()
    finally:
        await server.stop()
    assert server.process is None


async def test_postgres_not_on_this_machine_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_module, "_version_of", lambda programs: 0)
    try:
        server = await Postgres().start()
    except PeerUnavailableError as error:
        missing(error)
    try:
        connection = await asyncpg.connect(server.url())
        assert "PostgreSQL" in await connection.fetchval("SELECT version()")
        await connection.close()
    finally:
        await server.stop()

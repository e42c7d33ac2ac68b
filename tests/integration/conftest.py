"""Real peers for the tests: skipped loudly where they cannot be had, failed where they are required."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.pbx import Asterisk
from callcenter.lab.postgres import Postgres
from tests.conftest import missing

_NUMBERS = itertools.count(1)
PHONES = tuple(str(number) for number in range(1001, 1017))


def is_running(pid: int | str) -> bool:
    """False too for a process that is dead and only waits to be collected."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False


@pytest.fixture(scope="session")
def asterisk() -> Iterator[Asterisk]:
    """One private Asterisk with the shipped dialplan and 16 phones (1001 to 1016), for the whole run.

    Tests that restart or break it make one of their own (`Asterisk([...])`, 0.3 s).
    """
    pbx = Asterisk(PHONES)
    try:
        pbx.start_now()
    except PeerUnavailableError as error:
        missing(error)
    yield pbx
    pbx.stop_now()


@pytest.fixture
async def postgres_url(private_postgres: Postgres) -> str:
    """The URL of an empty database of the test's own."""
    name = f"test_{next(_NUMBERS)}"
    connection = await asyncpg.connect(private_postgres.url())
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    await connection.close()
    return private_postgres.url(name)

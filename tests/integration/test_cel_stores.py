"""CEL as a real Asterisk writes it with our configuration, in three stores at once: each tells the same calls."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest

from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.pbx import Asterisk
from callcenter.lab.pbx_files import SHIPPED
from callcenter.lab.postgres import Postgres
from callcenter.lab.sipp_caller import SippCaller
from callcenter.rebuild.source import read_since
from callcenter.witness.account import account_of
from callcenter.witness.calls import CelCall
from callcenter.witness.cel import fields_of, mark_of, microseconds_of, row_of
from callcenter.witness.conversations import Conversations
from callcenter.witness.store import open_cel
from callcenter.witness.whole import faults_of
from tests.integration.conftest import missing
from tests.integration.office import until

pytestmark = [pytest.mark.pbx, pytest.mark.postgres]

_PGSQL = """
[global]
hostname = 127.0.0.1
port = {port}
dbname = {name}
user = callcenter
password = {password}
table = cel
show_user_defined = yes
"""


async def calls_of(source: str) -> list[CelCall]:
    """What a store tells, row by row; nothing is wrong with its rows."""
    conversations = Conversations()
    over = []
    async for piece in open_cel(source).pieces(0):
        for line in piece.lines:
            fields = fields_of(line)
            assert fields is not None
            at_us = microseconds_of(fields["eventtime"])
            if (heard := row_of(fields, at_us) or mark_of(fields, at_us)) is not None:
                over += conversations.take([heard])
    over += conversations.rest()
    assert [fault for one in over for fault in faults_of(one)] == []
    return [call for one in over for call in account_of(one, ()).calls]


async def are_over(sources: Sequence[str], count: int) -> bool:
    """Whether the last row of so many calls is in each store: the PBX writes one after the other."""
    for source in sources:
        told = [str(line) async for piece in open_cel(source).pieces(0) for line in piece.lines]
        if sum("LINKEDID_END" in line for line in told) != count:
            return False
    return True


@pytest.fixture
async def pbx(private_postgres: Postgres, postgres_url: str) -> AsyncIterator[Asterisk]:
    """An Asterisk that writes all three."""
    connection = await asyncpg.connect(postgres_url)
    await connection.execute((SHIPPED / "cel_pgsql_callcenter.sql").read_text(encoding="utf-8"))
    await connection.close()
    name = postgres_url.rpartition("/")[2]
    settings = _PGSQL.format(port=private_postgres.port, name=name, password=private_postgres.password)
    modules = "load = cel_sqlite3_custom.so\nload = cel_pgsql.so\n"
    pbx = Asterisk(["1001"], extra={"modules.conf": modules, "cel_pgsql.conf": settings})
    try:
        await pbx.start()
    except PeerUnavailableError as error:
        missing(error)
    yield pbx
    await pbx.stop()


async def test_file_sqlite_and_postgresql_tell_the_same_calls(pbx: Asterisk, postgres_url: str) -> None:
    sqlite = pbx.folder / "log" / "callcenter.db"
    for number in ("13800000001", "13800000002"):
        caller = await SippCaller(pbx, number, "12345").start()
        await caller.answered()
        await asyncio.sleep(0.2)
        caller.hang_up()
        await caller.ended()

    sources = (str(pbx.cel_file), str(sqlite), postgres_url)
    await until(lambda: are_over(sources, 2), "both calls are in CEL, in each store", 20)
    in_file = await calls_of(str(pbx.cel_file))
    assert len(in_file) == 2
    assert await calls_of(str(sqlite)) == in_file
    assert await calls_of(f"sqlite:///{sqlite}") == in_file
    assert await calls_of(postgres_url) == in_file
    assert in_file[0].outcomes == {"abandoned_queue"}


async def test_gap_is_read_from_any_of_the_three(pbx: Asterisk, postgres_url: str) -> None:
    sqlite = pbx.folder / "log" / "callcenter.db"
    caller = await SippCaller(pbx, "13800000003", "12345").start()
    await caller.answered()
    caller.hang_up()
    await caller.ended()
    sources = (str(pbx.cel_file), str(sqlite), postgres_url)
    await until(lambda: are_over(sources, 1), "the call is in CEL, in each store", 20)

    in_file = await asyncio.to_thread(read_since, str(pbx.cel_file), 0)

    assert [one.caller_number for one in in_file.spoken.values()] == ["13800000003"]
    for source in (str(sqlite), postgres_url):
        text = await asyncio.to_thread(read_since, source, 0)
        assert text.spoken == in_file.spoken, source
        assert sorted(map(repr, text.rows)) == sorted(map(repr, in_file.rows)), source
        assert text.begins_ms == in_file.begins_ms

"""Real peers for the tests: skipped loudly where they cannot be had, failed where they are required."""

import contextlib
import itertools
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from callcenter.calls.scenario import chosen, load
from callcenter.lab.apt import SOFTPHONE, peer_root
from callcenter.lab.browser import Browser, find_browser
from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.installation import find_asterisk
from callcenter.lab.pbx import Asterisk
from callcenter.lab.postgres import Postgres
from callcenter.proof.witnesses import Proof, prove
from tests.conftest import missing
from tests.integration.handover_office import HandOverOffice
from tests.integration.office import Building, Office, at_once, opened

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
async def pbx(request: pytest.FixtureRequest) -> AsyncIterator[Asterisk]:
    """An Asterisk of the test's own with the phone 1001, whose trunk leads to the few extensions of the file's `DIALPLAN`."""
    pbx = await Asterisk(["1001"], dialplan=request.module.DIALPLAN, inbound_context="trunk-in").start()
    yield pbx
    await pbx.stop()


@pytest.fixture(scope="module")
def building(request: pytest.FixtureRequest) -> Iterator[Building]:
    """One office for all tests of a file: what the file's `BUILDING` makes, else a plain one."""
    with opened(getattr(request.module, "BUILDING", Building)()) as building:
        yield building


@pytest.fixture
async def office(request: pytest.FixtureRequest, building: Building) -> AsyncIterator[Office]:
    """One test's view of it, of the file's class `OFFICE`."""
    office: Office = getattr(request.module, "OFFICE", Office)(building)
    yield office
    await office.close()


@contextlib.asynccontextmanager
async def own_office() -> AsyncIterator[Office]:
    """Open a whole office for one test and end it after it; where the peers cannot be had, skip or fail."""
    building = Building()
    try:
        await building.open()
        office = Office(building)
        try:
            yield office
        finally:
            await office.close()
    except PeerUnavailableError as error:
        missing(error)
    finally:
        await building.site.stop()


@pytest.fixture
async def patient(office: HandOverOffice) -> AsyncIterator[None]:
    """Specialists' phones ring longer than a restart of the service takes."""
    async with office.patient():
        yield


@pytest.fixture(scope="session")
def peers() -> None:
    """A program that fetches Asterisk and softphones by itself; where that cannot be, there is nothing to test."""
    try:
        find_asterisk()
        if shutil.which("baresip") is None:
            peer_root(SOFTPHONE)
    except PeerUnavailableError as error:
        missing(error)


@pytest.fixture(scope="session")
def browser() -> Browser:
    """The headless Chromium; it starts anew for each page."""
    try:
        return find_browser()
    except PeerUnavailableError as error:
        missing(error)


@dataclass(frozen=True, slots=True)
class EveryKind:
    """One call of every kind, and what the witnesses said."""

    proof: Proof
    folder: Path
    """What phones, ledger and CEL said, by house."""


@pytest.fixture(scope="session")
def every_kind(tmp_path_factory: pytest.TempPathFactory) -> EveryKind:
    """Every kind of call played once for the whole run of tests, those of the proof too."""
    folder = tmp_path_factory.mktemp("calls")
    try:
        return EveryKind(at_once(lambda: prove(chosen(load(), (), proof=True), 1, print, keep=folder)), folder)
    except PeerUnavailableError as error:
        missing(error)


@pytest.fixture
async def postgres_url(private_postgres: Postgres) -> str:
    """The URL of an empty database of the test's own."""
    name = f"test_{next(_NUMBERS)}"
    connection = await asyncpg.connect(private_postgres.url())
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    await connection.close()
    return private_postgres.url(name)

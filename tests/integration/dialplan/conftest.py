"""One Asterisk with the shipped dialplan for this folder, and a fresh desk for each test."""

import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.pbx import Asterisk
from callcenter.lab.ports import free_port
from callcenter.lab.sip_phone import endpoints
from tests.integration.conftest import missing
from tests.integration.dialplan.desk import Desk, DialplanPbx
from tests.integration.early_rest import unanswered_rest

AGENTS = ("8101", "8102", "8103")
NOBODY = "8109"
"""An endpoint without a contact: a phone that is not registered."""


def phones_at_free_ports() -> tuple[dict[str, int], dict[str, str]]:
    """Return ports for the agents' phones, and what Asterisk's files say of them."""
    ports = {number: free_port(socket.SOCK_DGRAM) for number in AGENTS}
    return ports, {"pjsip.conf": endpoints({**ports, NOBODY: None})}


@pytest.fixture(scope="session")
def dialplan_pbx() -> Iterator[DialplanPbx]:
    ports, extra = phones_at_free_ports()
    verbose = "\n[logfiles](+)\nfull => notice,warning,error,verbose(9)\n"
    asterisk = Asterisk(lines=("general",), extra=extra | {"logger.conf": verbose})
    try:
        asterisk.start_now()
    except PeerUnavailableError as error:
        missing(error)
    asterisk.rx("core set verbose 9")
    yield DialplanPbx(asterisk, ports)
    asterisk.stop_now()


@pytest.fixture
async def desk(dialplan_pbx: DialplanPbx) -> AsyncIterator[Desk]:
    desk = await Desk.open(dialplan_pbx)
    yield desk
    await desk.close()


@pytest.fixture
async def unanswered(desk: Desk) -> AsyncIterator[None]:
    """Who arrives stays unanswered until a wish comes, however slow the machine."""
    async with unanswered_rest(desk.pbx.asterisk):
        yield

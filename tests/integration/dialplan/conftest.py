"""One Asterisk with the shipped dialplan for this folder, and a fresh desk for each test."""

import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.pbx import Asterisk
from callcenter.lab.ports import free_port
from tests.integration.conftest import missing
from tests.integration.dialplan.desk import Desk, DialplanPbx

AGENTS = ("8101", "8102", "8103")
NOBODY = "8109"
"""An endpoint without a contact: a phone that is not registered."""

_PHONE = """
[{number}](media)
context = callcenter-phones
aors = {number}
identify_by = username
[{number}]
type = aor
{contact}
"""


def _phones(ports: dict[str, int]) -> str:
    text = "".join(_PHONE.format(number=n, contact=f"contact = sip:{n}@127.0.0.1:{p}") for n, p in ports.items())
    return text + _PHONE.format(number=NOBODY, contact="max_contacts = 1")


@pytest.fixture(scope="session")
def dialplan_pbx() -> Iterator[DialplanPbx]:
    ports = {number: free_port(socket.SOCK_DGRAM) for number in AGENTS}
    verbose = "\n[logfiles](+)\nfull => notice,warning,error,verbose(9)\n"
    asterisk = Asterisk(lines=("general",), extra={"pjsip.conf": _phones(ports), "logger.conf": verbose})
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

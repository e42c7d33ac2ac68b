"""Real peers for the tests: skipped loudly where they cannot be had, failed where they are required."""

from collections.abc import Iterator

import pytest

from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.pbx import Asterisk
from config.settings import load_settings

PHONES = tuple(str(number) for number in range(1001, 1017))


def missing(error: PeerUnavailableError) -> None:
    """Fail when peers are required (CI), else skip with the reason."""
    if load_settings().require_pbx:
        pytest.fail(f"CALLCENTER_REQUIRE_PBX is set, but: {error}", pytrace=False)
    pytest.skip(f"a real peer cannot be had: {error}")


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

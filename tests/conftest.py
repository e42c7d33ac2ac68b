"""What holds for all tests: every Prometheus series is moved by one of them; a real PostgreSQL for those that ask."""

from collections.abc import Iterator
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.postgres import Postgres
from callcenter.lab.redis import Redis
from config.settings import load_settings
from tests.series_watch import Plugin


def pytest_configure(config: pytest.Config) -> None:
    """Watch the exporter for the whole session; let a property take its time on a busy machine.

    Properties try the same examples in each run; `--hypothesis-profile=exploring` tries others each time. Hypothesis draws from
    the constants of all our modules that are loaded, too: which those are depends on the tests that a process ran before.
    """
    untimed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("exploring", untimed)
    settings.register_profile("repeatable", untimed, derandomize=True)
    profile = config.getoption("--hypothesis-profile") or "repeatable"
    settings.load_profile(profile)
    if profile == "repeatable":
        providers._get_local_constants = providers.Constants
    config.pluginmanager.register(Plugin(), "series-watch")


def missing(error: PeerUnavailableError) -> NoReturn:
    """Fail when peers are required (CI), else skip with the reason."""
    if load_settings().require_pbx:
        pytest.fail(f"CALLCENTER_REQUIRE_PBX is set, but: {error}", pytrace=False)
    pytest.skip(f"NOT TESTED, a real peer cannot be had: {error}")


@pytest.fixture(scope="session")
def private_postgres() -> Iterator[Postgres]:
    """One private PostgreSQL for the whole run: this machine's programs, or fetched ones."""
    server = Postgres()
    try:
        server.start_now()
    except PeerUnavailableError as error:
        missing(error)
    yield server
    server.stop_now()


@pytest.fixture(scope="session")
def private_redis() -> Iterator[Redis]:
    """One private Redis for the whole run: this machine's program, or a fetched one."""
    server = Redis()
    try:
        server.start_now()
    except PeerUnavailableError as error:
        missing(error)
    yield server
    server.stop_now()

"""A service and its stand-by, as compose.yaml runs them: what the second one does today, and what it does not know.

Two services on one PBX share the ledger and nothing else. The day they share their state too, this file is what changes.
"""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from callcenter.lab.loader import end, spawn
from callcenter.lab.ports import free_port
from callcenter.lab.site import SERVE
from tests.integration.office import Building, Office, opened, until

pytestmark = [pytest.mark.pbx, pytest.mark.postgres]
EXIT_HELD = 4
AGAIN_S = 1.0
"""Pause before the second one is started again: Docker's grows to a minute."""
TAKEN_OVER_S = 40.0


class StandBy:
    """The second service: started again whenever it ends, as `restart: always` does."""

    def __init__(self, settings: Mapping[str, str], folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._settings = {
            **settings,
            "CALLCENTER_STATE_DIR": str(folder / "state-b"),
            "CALLCENTER_HTTP_PORT": str(self.port),
            "CALLCENTER_INSTANCE": "callcenter-b",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.codes: list[int] = []
        """Exit codes so far."""

    async def run(self) -> None:
        """Start it again and again; ends by being cancelled."""
        while True:
            self._process = await asyncio.to_thread(
                spawn,
                SERVE,
                folder=self._folder,
                environment=self._settings,
                log=self._folder / "b.log",
                as_ourselves=True,
            )
            self.codes.append(await asyncio.to_thread(self._process.wait))
            await asyncio.sleep(AGAIN_S)

    def stop(self) -> None:
        """End it; blocks."""
        if self._process is not None:
            end(self._process)


@pytest.fixture
async def pair(postgres_url: str, tmp_path: Path) -> AsyncIterator[tuple[Office, StandBy]]:
    """An office whose ledger is a PostgreSQL, with 8001 not ready at 1001; and a stand-by, which is started again and again."""
    upgraded = await asyncio.create_subprocess_exec(
        *SERVE[:-1], "db", "upgrade", env={"CALLCENTER_DATABASE_URL": postgres_url}, cwd=tmp_path
    )
    assert await upgraded.wait() == 0
    with opened(Building({"CALLCENTER_DATABASE_URL": postgres_url})) as building:
        office, standby = Office(building), StandBy(building.site.environment(), tmp_path)
        runs = asyncio.create_task(standby.run())
        yield office, standby
        await office.close()
        runs.cancel()
        await asyncio.to_thread(standby.stop)


async def test_first_service_is_gone_for_good_the_second_leads_with_the_waiting_caller_but_without_agents(
    pair: tuple[Office, StandBy],
) -> None:
    office, standby = pair
    site = office.site
    await until(lambda: _has(standby.codes), "the second one found the first", 30)
    assert (await office.status())["leader"]
    caller = await office.caller()
    leg = caller.call("12345")
    await until(lambda: _waits(office), "he waits")
    site.kill_service()
    first_port, site.http_port = site.http_port, standby.port
    await until(lambda: _leads(office), "the second one leads", TAKEN_OVER_S)

    assert set(standby.codes) == {EXIT_HELD}
    assert not leg.is_ended.is_set() and (await office.status())["engine"]["calls"] == 1
    assert {one["presence"] for one in (await office.status())["agents"]} == {"logged_out"}
    await office.log_in("1001")
    await office.until_presence("8001", "talking")
    caller.hang_up(leg)
    row = await office.row(leg)
    assert (row["outcome"], row["agent"]) == ("agent_answered", "8001")

    site.http_port = first_port
    await site.start_service(wait=False)
    assert site.process is not None
    assert await asyncio.to_thread(site.process.wait, 30) == EXIT_HELD
    assert [one["outcome"] for one in await office.rows()] == ["agent_answered"]
    site.http_port = standby.port


async def _has(codes: list[int]) -> bool:
    return bool(codes)


async def _waits(office: Office) -> bool:
    return sum(one["waiting"] for one in (await office.status())["lines"]) == 1


async def _leads(office: Office) -> bool:
    try:
        return (await office.code_of("/readyz"))[0] == 200
    except OSError:
        return False

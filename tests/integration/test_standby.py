"""A service and its stand-by on one PBX and one ledger: a pair that shares a Redis, and two that do not.

What is shown on real peers: the leader is killed, frozen, or its Redis is gone, and the other one leads with the same callers and
the same agents; roles go to and fro; without CALLCENTER_REDIS_URL the second one ends, as it always did, and knows no agent.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from callcenter.http.tokens import Audience, TokenStore
from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.loader import end, spawn
from callcenter.lab.ports import free_port
from callcenter.lab.redis import Redis
from callcenter.lab.site import SERVE
from callcenter.witness.calls import DeviceUse
from tests.conftest import missing
from tests.integration.office import Building, Office, opened, until

pytestmark = [pytest.mark.pbx, pytest.mark.postgres]
EXIT_HELD = 4
AGAIN_S = 1.0
"""Pause before a service is started again: Docker's grows to a minute."""
TAKEN_OVER_S = 60.0


class StandBy:
    """The second service: started again whenever it ends, as `restart: always` does."""

    def __init__(self, settings: Mapping[str, str], folder: Path) -> None:
        self.port = free_port()
        self.log_file = folder / "b.log"
        self.state_dir = folder / "state-b"
        self._folder = folder
        self._settings = {
            **settings,
            "CALLCENTER_STATE_DIR": str(self.state_dir),
            "CALLCENTER_HTTP_PORT": str(self.port),
            "CALLCENTER_INSTANCE": "callcenter-b",
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._is_lost = False
        self.codes: list[int] = []
        """Exit codes so far."""

    async def run(self) -> None:
        """Start it again and again, until it is killed; ends by being cancelled."""
        while not self._is_lost:
            self._process = await asyncio.to_thread(
                spawn, SERVE, folder=self._folder, environment=self._settings, log=self.log_file, as_ourselves=True
            )
            self.codes.append(await asyncio.to_thread(self._process.wait))
            await asyncio.sleep(AGAIN_S)

    def stop(self) -> None:
        """End it; blocks."""
        if self._process is not None:
            end(self._process)

    def kill(self) -> None:
        """End it as a crash does, and start it no more. Blocks."""
        self._is_lost = True
        if self._process is not None:
            end(self._process, patience_s=0)

    @property
    def log(self) -> str:
        """All that it said."""
        return self.log_file.read_text(encoding="utf-8", errors="replace") if self.log_file.exists() else ""


@pytest.fixture
async def ledger_settings(postgres_url: str, tmp_path: Path) -> dict[str, str]:
    """The setting of an empty ledger on PostgreSQL, which both services use."""
    upgraded = await asyncio.create_subprocess_exec(
        *SERVE[:-1], "db", "upgrade", env={"CALLCENTER_DATABASE_URL": postgres_url}, cwd=tmp_path
    )
    assert await upgraded.wait() == 0
    return {"CALLCENTER_DATABASE_URL": postgres_url}


@pytest.fixture
def redis() -> Iterator[Redis]:
    """A private Redis of the test's own."""
    server = Redis()
    try:
        server.start_now()
    except PeerUnavailableError as error:
        missing(error)
    yield server
    server.stop_now()


@contextlib.asynccontextmanager
async def two_services(settings: dict[str, str], folder: Path) -> AsyncIterator[tuple[Office, StandBy]]:
    """An office whose agents 8001 to 8003 are logged in, not ready; and a second service beside it."""
    with opened(Building(settings)) as building:
        office, standby = Office(building), StandBy(building.site.environment(), folder)
        runs = asyncio.create_task(standby.run())
        try:
            yield office, standby
            await office.close()
        finally:
            runs.cancel()
            await asyncio.to_thread(standby.stop)
            await asyncio.gather(runs, return_exceptions=True)


@pytest.fixture
async def pair(
    ledger_settings: dict[str, str], redis: Redis, tmp_path: Path
) -> AsyncIterator[tuple[Office, StandBy, Redis]]:
    """Two that share a Redis, and the second one stands by with what the first one shares."""
    async with two_services({**ledger_settings, "CALLCENTER_REDIS_URL": redis.url}, tmp_path) as (office, standby):
        async with looking_at(office, standby):
            await until(lambda: _stands_by(office), "the second one stands by", 60)
        await until(lambda: _has_copied(standby), "it has copied what the first one shares", 60)
        yield office, standby, redis
        assert redis.password not in standby.log + office.site.log_tail(10_000)


@contextlib.asynccontextmanager
async def looking_at(office: Office, standby: StandBy) -> AsyncIterator[None]:
    """What the office is asked is asked of the second service."""
    port, office.site.http_port = office.site.http_port, standby.port
    try:
        yield
    finally:
        office.site.http_port = port


async def on_the_board(standby: StandBy) -> str:
    """Calls of today on the stand-by's own wallboard."""
    _, token = TokenStore(standby.state_dir).create(Audience.BOARD, "2026-01-01T00:00:00Z")
    reader, writer = await asyncio.open_connection("127.0.0.1", standby.port)
    writer.write(f"GET /board/events HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    await reader.readuntil(b"event: state\ndata: ")
    told = json.loads(await reader.readuntil(b"\n\n"))
    writer.close()
    return str(told["state"]["figures"]["offered"]["text"])


async def tells_what_a_stand_by_may(office: Office) -> None:
    """It is not ready, and well; figures and orders are the leader's to tell."""
    code, said = await office.code_of("/readyz")
    assert (code, json.loads(said)["leader"].partition(":")[0]) == (503, "standing by")
    assert (await office.code_of("/readyz?stand_by=ok"))[0] == (await office.code_of("/healthz"))[0] == 200
    shown = await office.samples()
    names = ("callcenter_leader", "callcenter_standing_by", "callcenter_shared_state_up")
    assert [shown[name][()] for name in names] == [0, 1, 1]
    says_nothing = ("callcenter_report_offered", "callcenter_report_open", "callcenter_line_state")
    assert [name for name in says_nothing if shown.get(name)] == []


async def presences(office: Office) -> dict[str, str]:
    """Agents who are logged in -> what they do."""
    agents = (await office.status())["agents"]
    return {one["number"]: one["presence"] for one in agents if one["presence"] != "logged_out"}


@pytest.mark.redis
async def test_leader_is_killed_the_stand_by_leads_before_callers_leave_hold_and_nobody_logs_in_again(
    pair: tuple[Office, StandBy, Redis],
) -> None:
    office, standby, _ = pair
    site = office.site
    async with looking_at(office, standby):
        await tells_what_a_stand_by_may(office)
    assert standby.codes == []

    await office.ready("1001")
    first, second = await office.caller(), await office.caller("13800000002")
    talks = first.call("12345")
    await office.until_presence("8001", "talking")
    waits = second.call("12345")
    await until(lambda: _waits(office), "the second caller waits")
    site.kill_service()
    third = await office.caller("13800000003")
    gave_up = third.call("12345")
    await gave_up.wait_for(200)
    third.hang_up(gave_up)  # while nobody watches
    async with looking_at(office, standby):
        await until(lambda: _leads(office), "the stand-by leads", TAKEN_OVER_S)
        assert await presences(office) == {"8001": "talking", "8002": "not_ready", "8003": "not_ready"}
        first.hang_up(talks)
        await waits.wait_for(200)
        await until(lambda: _talks_to(office, "13800000002"), "he talks to the same agent")
        second.hang_up(waits)
        rows = [await office.row(leg) for leg in (talks, waits)]
        assert [(row["outcome"], row["agent"], row["via"]) for row in rows] == [
            ("agent_answered", "8001", "engine")
        ] * 2
        assert (await office.row(gave_up, 60))["outcome"] == "abandoned_queue", "as CEL tells"
        assert (await office.status())["shared_state"] == "ok"
        await until(lambda: _reports(office, 3), "gauges have the calls that the other one led, too")
        await until(lambda: _shows(standby, "3"), "and so has the wallboard")
        await office.not_ready("1001")
        await office.code("1002", "*12", "logged_out")

    # and back: the first one is started again, stands by, brings what it had decided into the ledger, and takes over what the second
    # one shared
    await site.start_service(wait=False)
    await until(lambda: _stands_by(office), "the first one stands by", 60)
    await until(lambda: _has_told_all(office), "its outbox is empty", 60)
    rows = [await office.row(leg) for leg in (talks, waits, gave_up)]
    assert [(row["outcome"], row["agent"]) for row in rows] == [
        ("agent_answered", "8001"),
        ("agent_answered", "8001"),
        ("abandoned_queue", None),
    ]
    office.agree_with_cel(rows, [DeviceUse("1001", "8001")])
    await asyncio.to_thread(standby.kill)
    await until(lambda: _leads(office), "the first one leads again", TAKEN_OVER_S)
    assert await presences(office) == {"8001": "not_ready", "8003": "not_ready"}
    assert standby.codes == [-signal.SIGKILL]


@pytest.mark.redis
async def test_leader_is_ended_by_his_operator_the_stand_by_leads_at_once_with_his_last_word(
    pair: tuple[Office, StandBy, Redis],
) -> None:
    office, standby, _ = pair
    caller = await office.caller()
    leg = caller.call("12345")
    await until(lambda: _waits(office), "he waits")
    await office.code("1002", "*12", "logged_out")
    drained = await asyncio.create_subprocess_exec(
        *SERVE[:-1], "line", "special", "drain", env=office.site.environment(), stdout=asyncio.subprocess.DEVNULL
    )
    assert await drained.wait() == 0
    assert await office.site.stop_service() == 0
    office.site.http_port = standby.port
    await until(lambda: _leads(office), "the stand-by leads", TAKEN_OVER_S)
    assert "has resigned: taking over" in standby.log
    assert (await office.status())["line_orders"] == {"special": "drained"}
    assert await presences(office) == {"8001": "not_ready", "8003": "not_ready"}
    await office.ready("1001")
    await office.until_presence("8001", "talking")
    caller.hang_up(leg)
    assert (await office.row(leg))["agent"] == "8001"


@pytest.mark.redis
async def test_leader_is_frozen_the_stand_by_leads_and_the_thawed_one_ends_and_changes_nothing(
    pair: tuple[Office, StandBy, Redis],
) -> None:
    office, standby, _ = pair
    site = office.site
    caller = await office.caller()
    leg = caller.call("12345")
    await until(lambda: _waits(office), "he waits")
    assert site.process is not None
    os.kill(site.process.pid, signal.SIGSTOP)
    async with looking_at(office, standby):
        try:
            await until(lambda: _leads(office), "the stand-by leads", TAKEN_OVER_S)
            await office.ready("1001")
        finally:
            os.kill(site.process.pid, signal.SIGCONT)
        assert await asyncio.to_thread(site.process.wait, 60) == EXIT_HELD
        await office.until_presence("8001", "talking")
        status = await office.status()
        assert (status["leader"], status["shared_state"]) == (True, "ok")
        caller.hang_up(leg)
        assert (await office.row(leg))["agent"] == "8001"
        await office.not_ready("1001")
    await site.start_service(wait=False)
    await until(lambda: _stands_by(office), "the first one stands by", 60)
    site.http_port = standby.port


@pytest.mark.redis
async def test_redis_is_dead_the_leader_goes_on_and_the_stand_by_leads_with_what_it_has_copied(
    pair: tuple[Office, StandBy, Redis],
) -> None:
    office, standby, redis = pair
    site = office.site
    await asyncio.to_thread(redis.kill_now)
    await office.ready("1001")
    caller = await office.caller()
    leg = caller.call("12345")
    await office.until_presence("8001", "talking")
    caller.hang_up(leg)
    assert (await office.row(leg))["agent"] == "8001"
    await until(lambda: _is_unshared(office), "the leader says that nothing is shared")
    assert (await office.code_of("/readyz"))[0] == 200
    await office.not_ready("1001")

    site.kill_service()
    site.http_port = standby.port
    await until(lambda: _leads(office), "the stand-by leads", TAKEN_OVER_S)
    assert await presences(office) == {"8001": "not_ready", "8002": "not_ready", "8003": "not_ready"}
    await asyncio.to_thread(redis.resume_now)
    await until(lambda: _is_shared(office), "all is shared again", 60)


@pytest.mark.redis
async def test_redis_was_never_there_the_second_one_stands_by_and_leads_all_the_same(
    ledger_settings: dict[str, str], tmp_path: Path
) -> None:
    settings = {**ledger_settings, "CALLCENTER_REDIS_URL": f"redis://:no-word@127.0.0.1:{free_port()}/0"}
    async with two_services(settings, tmp_path) as (office, standby):
        async with looking_at(office, standby):
            await until(lambda: _stands_by(office), "the second one stands by", 60)
        caller = await office.caller()
        leg = caller.call("12345")
        await until(lambda: _waits(office), "he waits")
        office.site.kill_service()
        office.site.http_port = standby.port
        await until(lambda: _leads(office), "the second one leads", TAKEN_OVER_S)
        assert not leg.is_ended.is_set() and (await office.status())["engine"]["calls"] == 1
        assert await presences(office) == {}
        await office.log_in("1001")
        await office.until_presence("8001", "talking")
        caller.hang_up(leg)
        assert standby.codes == []
        assert "no-word" not in standby.log


async def test_two_share_no_redis_the_second_one_ends_until_it_may_lead_and_knows_no_agent(
    ledger_settings: dict[str, str], tmp_path: Path
) -> None:
    async with two_services(ledger_settings, tmp_path) as (office, standby):
        site = office.site
        await until(lambda: _has(standby.codes), "the second one found the first", 60)
        assert (await office.status())["leader"]
        caller = await office.caller()
        leg = caller.call("12345")
        await until(lambda: _waits(office), "he waits")
        site.kill_service()
        first_port, site.http_port = site.http_port, standby.port
        await until(lambda: _leads(office), "the second one leads", TAKEN_OVER_S)

        assert set(standby.codes) == {EXIT_HELD}
        assert not leg.is_ended.is_set() and (await office.status())["engine"]["calls"] == 1
        assert await presences(office) == {}
        await office.log_in("1001")
        await office.until_presence("8001", "talking")
        caller.hang_up(leg)
        row = await office.row(leg)
        assert (row["outcome"], row["agent"]) == ("agent_answered", "8001")

        site.http_port = first_port
        await site.start_service(wait=False)
        assert site.process is not None
        assert await asyncio.to_thread(site.process.wait, 60) == EXIT_HELD
        assert [one["outcome"] for one in await office.rows()] == ["agent_answered"]
        site.http_port = standby.port


async def _has(codes: list[int]) -> bool:
    return bool(codes)


async def _has_copied(standby: StandBy) -> bool:
    return "standing by with the state of" in standby.log


async def _has_told_all(office: Office) -> bool:
    return (await office.status())["outbox_bytes"] == 0


async def _waits(office: Office) -> bool:
    return sum(one["waiting"] for one in (await office.status())["lines"]) == 1


async def _talks_to(office: Office, number: str) -> bool:
    return (await office.agent("8001"))["presence"] == "talking" and not await _waits(office)


async def _leads(office: Office) -> bool:
    try:
        return (await office.code_of("/readyz"))[0] == 200
    except OSError:
        return False


async def _reports(office: Office, calls: int) -> bool:
    shown = (await office.samples()).get("callcenter_report_offered", {})
    return [value for labels, value in shown.items() if set(labels) == {"24h", "all"}] == [calls]


async def _shows(standby: StandBy, calls: str) -> bool:
    return await on_the_board(standby) == calls


async def _stands_by(office: Office) -> bool:
    try:
        return (await office.status())["stands_by_for"] is not None
    except OSError:
        return False


async def _is_unshared(office: Office) -> bool:
    return (await office.status())["shared_state"] not in ("ok", None)


async def _is_shared(office: Office) -> bool:
    return (await office.status())["shared_state"] == "ok"

"""Alerts that really fire: a real service in trouble, a real Prometheus that judges it by the shipped rules and tells whoever it is told to.

The shipped rules are loaded as they are, but that each waits for a second only; the shipped configuration tells an Alertmanager, of which
a stand-in is heard here (Debian's own one finds its templates nowhere but in the system's folders). Whom the shipped routes tell is asked of
amtool.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.prometheus import Prometheus, find_monitoring
from tests.conftest import missing
from tests.integration.monitored import SHIPPED, TAX, is_scraped, shipped, waiting_caller
from tests.integration.office import Building, Office, until

pytestmark = [pytest.mark.pbx, pytest.mark.prometheus]
WITHIN_S = 60.0
ON_CALL = "on-call"


class StandIn:
    """An Alertmanager as Prometheus sees it: it takes alerts and keeps what it hears."""

    def __init__(self) -> None:
        self.port = 0
        self.heard: list[dict[str, Any]] = []
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"(?i)^content-length: (\d+)", head, re.MULTILINE)
        assert head.startswith("POST /api/v2/alerts ") and length is not None
        self.heard += json.loads(await reader.readexactly(int(length[1])))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def hears(self, name: str, *, is_over: bool = False, **labels: str) -> dict[str, Any]:
        """Wait until it was told that an alert fires, or that it is over."""

        async def told() -> dict[str, Any] | None:
            wanted = {"alertname": name, **labels}.items()
            now = datetime.now(UTC)
            for one in self.heard:
                if "job" in one["labels"]:
                    continue  # absent(up): before the first scrape, which such impatient rules do not wait for
                if wanted <= one["labels"].items() and (datetime.fromisoformat(one["endsAt"]) <= now) is is_over:
                    return one
            return None

        return await until(told, f"{name} {'is over' if is_over else 'fires'}: {self.heard}", WITHIN_S)


def changed(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def impatient_rules() -> str:
    """The shipped alerts; each that waits for a condition to last waits for a second."""
    rules = (SHIPPED / "rules" / "alerts.yml").read_text(encoding="utf-8")
    text, count = re.subn(r"\bfor: \d+[sm]$", "for: 1s", rules, flags=re.MULTILINE)
    assert count >= 10
    return text


async def receiver_of(**labels: str) -> str:
    """Whom the shipped routes tell of an alert with these labels."""
    monitoring = find_monitoring()
    words = ("config", "routes", "test", "--config.file=alertmanager.yml", *(f"{k}={v}" for k, v in labels.items()))
    is_content, said = await asyncio.to_thread(monitoring.check, monitoring.amtool, *words, folder=SHIPPED)
    assert is_content, said
    return said.splitlines()[0]


@pytest.fixture
async def alertmanager() -> AsyncIterator[StandIn]:
    stand_in = StandIn()
    await stand_in.open()
    yield stand_in
    await stand_in.close()


@pytest.fixture
async def prometheus(building: Building, alertmanager: StandIn) -> AsyncIterator[Prometheus]:
    """Watches the office, and tells of it."""
    files = shipped(building.site.http_port)
    files["rules/alerts.yml"] = impatient_rules()
    files["prometheus.yml"] = changed(
        files["prometheus.yml"],
        ("# alerting:", "alerting:"),
        ("#   alertmanagers:", "  alertmanagers:"),
        ("#     - static_configs:", "    - static_configs:"),
        (
            '#         - targets: ["127.0.0.1:9093"] # with alertmanager.yml of this folder',
            f'        - targets: ["127.0.0.1:{alertmanager.port}"]',
        ),
    )
    server = Prometheus(files)
    try:
        await server.start()
        await until(lambda: is_scraped(server), "the service is scraped")
        yield server
    except PeerUnavailableError as error:
        missing(error)
    finally:
        await server.stop()


async def firing(prometheus: Prometheus, name: str) -> list[dict[str, Any]]:
    """The labels of the firing alerts of a name, as Prometheus says."""
    alerts = (await prometheus.ask("alerts"))["alerts"]
    return [one["labels"] for one in alerts if one["labels"]["alertname"] == name and one["state"] == "firing"]


async def until_firing(prometheus: Prometheus, name: str, label: str, *values: str) -> None:
    """Wait until the alerts of a name that fire are of these: one missed scrape lets an impatient alert end and fire anew."""

    async def so() -> bool:
        return [one[label] for one in await firing(prometheus, name)] == list(values)

    await until(so, f"{name} fires for {values}", WITHIN_S)


async def test_caller_waits_and_nobody_is_there_for_his_line_it_is_told_and_that_it_is_over(
    office: Office, prometheus: Prometheus, alertmanager: StandIn
) -> None:
    caller, leg = await waiting_caller(office, TAX)
    told = await alertmanager.hears("CallcenterLineWithoutAgent", line="tax")
    assert "线路 tax 有来电等待" in told["annotations"]["summary_zh"]
    assert told["annotations"]["runbook"] == "docs/runbook.md#callcenterlinewithoutagent"
    assert await receiver_of(**told["labels"]) == ON_CALL
    await until_firing(prometheus, "CallcenterLineWithoutAgent", "line", "tax")
    caller.hang_up(leg)
    await office.row(leg)
    await alertmanager.hears("CallcenterLineWithoutAgent", is_over=True, line="tax")
    await until_firing(prometheus, "CallcenterLineWithoutAgent", "line")


async def test_only_agent_of_a_skill_logs_out_it_is_told_and_when_he_is_back_that_it_is_over(
    office: Office, prometheus: Prometheus, alertmanager: StandIn
) -> None:
    name = "CallcenterSkillWithoutAgent"
    await alertmanager.hears(name, skill="tax")  # whose agent sits at a phone that nobody has logged in at
    assert "special" not in {one["skill"] for one in await firing(prometheus, name)}
    await office.code("1003", "*12", "logged_out")
    told = await alertmanager.hears(name, skill="special")
    assert told["labels"]["severity"] == "warning"
    await office.log_in("1003")
    await alertmanager.hears(name, is_over=True, skill="special")

    async def is_over() -> bool:
        return "special" not in {one["skill"] for one in await firing(prometheus, name)}

    await until(is_over, f"{name} of special is over", WITHIN_S)
    await office.not_ready("1003")


async def test_service_is_dead_it_is_told_and_when_it_is_back_that_it_is_over(
    building: Building, prometheus: Prometheus, alertmanager: StandIn
) -> None:
    building.site.kill_service()
    told = await alertmanager.hears("CallcenterNotScraped")
    assert await receiver_of(**told["labels"]) == ON_CALL
    await building.site.start_service()
    await alertmanager.hears("CallcenterNotScraped", is_over=True)
    await until_firing(prometheus, "CallcenterNotScraped", "alertname")
    await until(lambda: is_scraped(prometheus), "the service is scraped again")


async def test_pbx_is_dead_the_lost_link_is_told_and_when_it_is_back_that_it_is_over(
    building: Building, prometheus: Prometheus, alertmanager: StandIn
) -> None:
    await building.site.pbx.kill()
    for session in ("actions", "events"):
        told = await alertmanager.hears("CallcenterAmiLost", session=session)
        assert await receiver_of(**told["labels"]) == ON_CALL
    await alertmanager.hears("CallcenterNoLeader")  # nobody has confirmed this service's lead for ten seconds
    await building.site.pbx.resume()
    for session in ("actions", "events"):
        await alertmanager.hears("CallcenterAmiLost", is_over=True, session=session)
    await alertmanager.hears("CallcenterNoLeader", is_over=True)

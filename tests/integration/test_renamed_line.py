"""A line is renamed while Prometheus and a board watch and a caller waits in it: nothing stale stays, no counter goes back."""

import asyncio
import json
import signal
from datetime import UTC, datetime
from typing import Any

import pytest

from callcenter.http.tokens import Audience, TokenStore
from metrics.series import SERIES, Kind
from tests.integration.office import Building, Office, until

pytestmark = pytest.mark.pbx
OLD, NEW = "tax", "levy"
GAUGES = [one for one in SERIES.values() if one.kind is Kind.GAUGE and "line" in one.labels]
Samples = dict[str, dict[tuple[str, ...], float]]


class Watching:
    """A board's stream, followed as its page does."""

    def __init__(self) -> None:
        self.state: dict[str, dict[str, Any]] = {}

    async def follow(self, port: int, token: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /board/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        try:
            while line := await reader.readline():
                if line.startswith(b"data: "):
                    self._take(json.loads(line.removeprefix(b"data: ")))
        finally:
            writer.close()

    def _take(self, told: dict[str, Any]) -> None:
        if "state" in told:
            self.state = told["state"]
        for part, rows in told.get("delta", {}).items():
            for key, value in rows.items():
                if value is None:
                    self.state[part].pop(key, None)
                else:
                    self.state.setdefault(part, {})[key] = value

    async def shows(self, line: str, waiting: int) -> bool:
        row = self.state.get("lines", {}).get(line)
        return row is not None and row["waiting"] == waiting


async def reload(office: Office, text: str) -> None:
    before = (await office.status())["plan"]
    office.site.write_plan(text)
    assert office.site.process is not None
    office.site.process.send_signal(signal.SIGHUP)

    async def so() -> bool:
        return bool((await office.status())["plan"] != before)

    await until(so, "the new plan is in force")


def counted(samples: Samples) -> dict[tuple[str, tuple[str, ...]], float]:
    ends = ("_total", "_bucket", "_count", "_sum")
    return {(name, key): value for name, keys in samples.items() if name.endswith(ends) for key, value in keys.items()}


def lines_of(samples: Samples, series: Any) -> set[str]:
    return {key[sorted(series.labels).index("line")] for key in samples.get(series.name, {})}


async def test_line_is_renamed_while_watched_its_gauges_vanish_and_no_counter_goes_back(
    building: Building, office: Office
) -> None:
    _, token = TokenStore(building.site.state_dir).create(Audience.BOARD, datetime.now(UTC).isoformat())
    watching = Watching()
    following = asyncio.create_task(watching.follow(building.site.http_port, token))
    old = building.site.plan_text
    try:
        gone = await office.caller("13800000001")
        leg = gone.call("12348")
        await asyncio.sleep(0.5)
        gone.hang_up(leg)
        await office.row(leg)
        stays = await office.caller("13800000002")
        waiting = stays.call("12348")
        await until(lambda: watching.shows(OLD, 1), "he waits on the board")
        before = await office.samples()

        await reload(office, old.replace(f"[lines.{OLD}]", f"[lines.{NEW}]"))

        await until(lambda: watching.shows("general", 1), "he waits in the default line")
        assert OLD not in watching.state["lines"] and watching.state["lines"][NEW]["waiting"] == 0
        after = await office.samples()
        for series in GAUGES:
            if not series.name.startswith("callcenter_report_"):
                assert OLD not in lines_of(after, series), series.name
        assert after["callcenter_report_offered"][OLD, "24h"] == 1
        was, now = counted(before), counted(after)
        assert {key for key, value in was.items() if now.get(key, 0) < value} == set()

        stays.hang_up(waiting)
        row = await office.row(waiting)
        ended = await office.samples()
        assert (
            ended["callcenter_calls_offered_total"][row["line_code"],]
            == after["callcenter_calls_offered_total"][row["line_code"],] + 1
        )
    finally:
        following.cancel()
        await reload(office, old)

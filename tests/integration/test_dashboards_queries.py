"""Every query of every dashboard, asked of a real Prometheus that holds a past: it gives data, and other data for another past.

Grafana itself cannot be had without a network; what it does with a query's answer is not tested. The past is made up (see
`synthetic_series`): the last 80 minutes, and those of yesterday and of a week ago, for the comparisons.
"""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from callcenter.grafana.__main__ import DASHBOARDS
from callcenter.grafana.draw import ALL
from callcenter.grafana.shape import LIBRARY, Query
from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.prometheus import Prometheus, find_monitoring
from metrics.report_windows import Window
from metrics.series import SERIES
from tests.conftest import missing
from tests.integration.synthetic_series import STEP_S, past

pytestmark = pytest.mark.prometheus
DAY_S = 86_400
PAST_S = 80 * 60
SHOWN_S = 600
"""How much of the present is asked for."""
QUERIES = [
    (f"{one.name}: {panel.title.en}", query) for one in DASHBOARDS for panel in one.panels for query in panel.queries
]


def end_of_past() -> int:
    """Return the newest instant of the past: a whole minute, a little ago."""
    return (int(time.time()) - 120) // STEP_S * STEP_S


def started(seed: int, end: int) -> Prometheus:
    """Return a Prometheus whose data are the past of this seed."""
    promtool = find_monitoring().promtool
    server = Prometheus({"prometheus.yml": "global: {scrape_interval: 15s}\n"})
    for days in (7, 1, 0):
        instants = range(end - days * DAY_S - PAST_S, end - days * DAY_S + 1, STEP_S)
        text = server.folder / f"past-{days}.txt"
        text.write_text(past(seed, days, instants), encoding="utf-8")
        words = ("tsdb", "create-blocks-from", "openmetrics", text.name, "data")
        is_content, said = find_monitoring().check(promtool, *words, folder=server.folder)
        assert is_content, said
    return server.start_now()


@pytest.fixture(scope="module")
def runs() -> Iterator[tuple[int, Prometheus, Prometheus]]:
    """Two pasts that end at one instant."""
    end = end_of_past()
    servers: list[Prometheus] = []
    try:
        servers += [started(1, end), started(2, end)]
    except PeerUnavailableError as error:
        missing(error)
    yield end, servers[0], servers[1]
    for server in servers:
        server.stop_now()


def with_choices(expr: str) -> list[str]:
    """Return a query as Grafana sends it: once for each window, with all lines and with one."""
    sent = []
    for line in (ALL, "enterprise"):
        text = expr.replace("$line", line).replace("$__rate_interval", "5m")
        sent += [text.replace("$window", window) for window in (Window if "$window" in text else (Window.TODAY,))]
    return sorted(set(sent))


async def answer(server: Prometheus, expr: str, end: int) -> list[dict[str, Any]]:
    """Return what a query gives for the last minutes, as Grafana asks for it."""
    fields = {"query": expr, "start": str(end - SHOWN_S), "end": str(end), "step": str(STEP_S)}
    found: list[dict[str, Any]] = (await server.ask("query_range", fields))["result"]
    return found


@pytest.mark.parametrize("query", [query for _, query in QUERIES], ids=[name for name, _ in QUERIES])
async def test_query_of_a_panel_gives_data_and_other_data_for_another_run(
    runs: tuple[int, Prometheus, Prometheus], query: Query
) -> None:
    end, first, second = runs
    for expr in with_choices(query.expr):
        one, other = await answer(first, expr, end), await answer(second, expr, end)
        assert one and other, expr
        assert all(value[1] not in ("NaN", "+Inf", "-Inf") for sample in one + other for value in sample["values"]), (
            expr
        )
        assert one != other, expr
        for label in re.findall(r"{{(\w+)}}", query.legend.en):
            assert all(label in sample["metric"] for sample in one), expr


async def test_every_series_of_the_table_is_shown_by_some_panel_or_named_as_left_out() -> None:
    asked = " ".join(query.expr for _, query in QUERIES)
    left_out = {name for name in (*SERIES, *LIBRARY) if name not in asked}
    assert left_out == LEFT_OUT


LEFT_OUT = {
    "callcenter_calls_answered_total",
    "callcenter_calls_abandoned_total",
    "callcenter_connect_ratio",
    "callcenter_phone_occupancy_ratio",
    "callcenter_workload_occupancy_ratio",
    "callcenter_calls_blocked_total",
    "callcenter_outbound_attempts_total",
    "callcenter_outbound_talk_seconds",
    "process_open_fds",
}
"""Known to the dashboards' authors and shown in another form: outcomes, the report's windows, occupancy of 15 minutes; or no call
of any figure: those of blocked numbers."""


def test_variables_of_the_drawn_dashboards_are_those_that_queries_use() -> None:
    folder = Path(__file__).resolve().parents[2] / "config" / "grafana" / "dashboards" / "zh"
    for path in folder.glob("*.json"):
        board = json.loads(path.read_text(encoding="utf-8"))
        names = {variable["name"] for variable in board["templating"].get("list", ())}
        used = set(re.findall(r"\$([a-z]+)", json.dumps([panel.get("targets") for panel in board["panels"]])))
        assert used == names, path.name

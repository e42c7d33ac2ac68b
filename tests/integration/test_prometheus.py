"""A real Prometheus with the shipped configuration beside a real service on a real PBX: what it tells is what the ledger has."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from callcenter.http.tokens import Audience, TokenStore
from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.prometheus import Prometheus
from metrics.report_windows import OPEN_SERIES
from tests.conftest import missing
from tests.integration.monitored import (
    GENERAL,
    SHIPPED,
    Elsewhere,
    a_run,
    counters_equal_the_ledger,
    is_scraped,
    recorded_are_close,
    report_equals_the_ledger,
    shipped,
    shows,
    waiting_caller,
)
from tests.integration.office import Building, Office, Row, until

pytestmark = [pytest.mark.pbx, pytest.mark.prometheus]


@pytest.fixture
async def prometheus(building: Building) -> AsyncIterator[Prometheus]:
    """Scrapes the office from before the first call on."""
    server = Prometheus(shipped(building.site.http_port))
    try:
        await server.start()
    except PeerUnavailableError as error:
        missing(error)
    yield server
    await server.stop()


async def test_calls_come_prometheus_knows_what_the_ledger_has_and_no_ratio_exceeds_one(
    office: Office, prometheus: Prometheus
) -> None:
    await until(lambda: is_scraped(prometheus), "the service is scraped")
    await until(lambda: shows(prometheus, "sum(callcenter_calls_offered_total)", 0), "the counters stand at zero")
    await asyncio.sleep(2)
    await a_run(office, prometheus)
    await until(lambda: shows(prometheus, "sum(callcenter_calls_offered_total)", 12), "all calls are counted")
    await until(
        lambda: shows(prometheus, 'callcenter_report_offered{window="24h",line="all"}', 12), "all are in the report"
    )
    await asyncio.sleep(3)

    assert await counters_equal_the_ledger(office, prometheus) >= 7
    exact = await report_equals_the_ledger(office, prometheus)
    day = (("line", "all"), ("window", "24h"))
    assert exact["callcenter_report_answered"][day] == 6
    assert exact["callcenter_report_abandoned"][day] == 5
    assert exact["callcenter_report_connect_rate"][day] == 0.5
    assert exact[OPEN_SERIES][day] == 0
    for window in ("5m", "1h", "1d"):
        await recorded_are_close(prometheus, exact, window)

    for ratio in (
        "sum by (line) (callcenter_calls_answered_total) / (sum by (line) (callcenter_calls_offered_total) > 0)",
        "sum by (line) (callcenter_calls_ended_total) / (sum by (line) (callcenter_calls_offered_total) > 0)",
        "callcenter:connect_rate:5m:approx",
        "callcenter:service_level_20s:5m:approx",
        "callcenter_report_connect_rate",
        "callcenter_report_service_level",
    ):
        highest = await prometheus.query(f"max_over_time(({ratio})[10m:1s])")
        assert highest and max(highest.values()) <= 1, (ratio, highest)
    lowest = await prometheus.query(
        "min_over_time((sum(callcenter_calls_ended_total) / (sum(callcenter_calls_offered_total) > 0))[10m:1s])"
    )
    assert min(lowest.values()) == 1


async def test_rules_are_loaded_each_is_evaluated_without_an_error(prometheus: Prometheus) -> None:
    await until(lambda: is_scraped(prometheus), "the service is scraped")

    async def evaluated() -> list[Row] | None:
        rules = await prometheus.rules()
        return rules if all(rule["health"] != "unknown" for rule in rules) else None

    rules = await until(evaluated, "every rule was evaluated", 15)
    assert {rule["health"]: rule.get("lastError") for rule in rules} == {"ok": None}
    assert len(rules) == sum(
        (SHIPPED / "rules" / name).read_text(encoding="utf-8").count(word)
        for name, word in (("recording.yml", "- record:"), ("alerts.yml", "- alert:"))
    )
    firing = [rule["name"] for rule in rules if rule.get("state") == "firing"]
    assert firing == []


async def test_service_is_restarted_the_report_goes_on_and_the_counters_begin_anew(
    building: Building, office: Office, prometheus: Prometheus
) -> None:
    caller, leg = await waiting_caller(office, GENERAL)
    caller.hang_up(leg)
    await office.row(leg)
    calls = 'callcenter_report_offered{window="24h",line="all"}'
    total = len([row for row in await office.rows() if row["direction"] == "inbound" and not row["excluded"]])
    await until(lambda: shows(prometheus, calls, total), "the call is in the report")

    building.site.kill_service()
    await building.site.start_service()

    async def is_anew() -> bool:
        return await is_scraped(prometheus) and await shows(prometheus, "sum(callcenter_calls_offered_total)", 0)

    await until(is_anew, "the new service is scraped", 15)
    await until(lambda: shows(prometheus, calls, total), "the report was read from the ledger")
    await report_equals_the_ledger(office, prometheus)


async def test_prometheus_is_on_another_host_the_token_of_its_file_lets_it_in_and_none_does_not(
    building: Building,
) -> None:
    store = TokenStore(building.site.state_dir)
    entry, token = store.create(Audience.BOARD, "2026-01-01T00:00:00Z")
    elsewhere = Elsewhere(building.site.http_port)
    await elsewhere.open()
    with_token, without = Prometheus(shipped(elsewhere.port, token)), Prometheus(shipped(elsewhere.port))
    is_in, is_out = 'up{job="callcenter"} == 1', 'up{job="callcenter"} == 0'
    try:
        for server in (with_token, without):
            await server.start()
        await until(lambda: with_token.query(is_in), "the token lets it in")
        await until(lambda: without.query(is_out), "without one it is kept out")
        assert store.revoke(entry.token_id)
        await until(lambda: with_token.query(is_out), "a revoked one does not let it in")
    except PeerUnavailableError as error:
        missing(error)
    finally:
        for server in (with_token, without):
            await server.stop()
        await elsewhere.close()

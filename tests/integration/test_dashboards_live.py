"""The dashboards' queries beside the real service: scraped while it serves real calls, before and after them.

Comparisons with other days have no past here; `test_dashboards_queries` has one.
"""

import asyncio
import re

import pytest

from callcenter.grafana.__main__ import DASHBOARDS
from callcenter.grafana.draw import ALL
from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.prometheus import Prometheus
from callcenter.lab.sip_phone import answers
from tests.conftest import missing
from tests.integration.handover_office import TOLD, HandOverBuilding, HandOverOffice
from tests.integration.monitored import is_scraped, shipped
from tests.integration.office import until

pytestmark = [pytest.mark.pbx, pytest.mark.prometheus]
BUILDING = HandOverBuilding
OFFICE = HandOverOffice
Answers = dict[str, dict[tuple[tuple[str, str], ...], float]]
QUERIES = {
    f"{one.name}: {panel.title.en}: {query.legend.en}": query.expr
    for one in DASHBOARDS
    for panel in one.panels
    for query in panel.queries
    if "offset" not in query.expr
}
SILENT = {
    "floor: Estimated wait: Estimated wait",
    "floor: Estimated wait by line: {{line}}",
    "report: Average talk, calls out: Average talk out",
    "report: Longest talk: Out",
    "service: Notes for the operator, per hour: {{what}}",
    "service: Events ignored, per hour: {{reason}}",
}
"""Nothing to tell after such a run: too few answers to estimate from, nobody dialled out, nothing noted, nothing ignored."""
OF_CALLS = re.compile(
    "callcenter_(calls_(offered|ended|waiting)|oldest_wait|offers|handovers|wait_seconds|talk_seconds|report_(?!outbound))"
)
"""Queries that calls must change."""


async def asked(prometheus: Prometheus) -> Answers:
    """Return what each query gives now."""
    found: Answers = {}
    for name, expr in QUERIES.items():
        sent = expr.replace("$line", ALL).replace("$window", "today").replace("$__rate_interval", "60s")
        found[name] = await prometheus.query(sent)
    return found


async def some_calls(office: HandOverOffice) -> None:
    """A talk handed over to a specialist, one that ends at the seat, one caller who gives up, one who waits on."""
    await office.specialist("701", answers(0.1))
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*755")
    await office.until_handed_over(talk.leg, "reached")
    await asyncio.sleep(1)
    talk.caller.hang_up(talk.leg)
    await office.row(talk.leg, TOLD)
    await office.not_ready("1001")
    talk = await office.talk("1002")
    await asyncio.sleep(1)
    talk.caller.hang_up(talk.leg)
    await office.row(talk.leg, TOLD)
    await office.not_ready("1002")
    caller = await office.caller("13700000001")
    leg = caller.call("12345")
    await asyncio.sleep(1)
    caller.hang_up(leg)
    await office.row(leg, TOLD)
    (await office.caller("13700000002")).call("12345")
    await asyncio.sleep(2)


async def test_service_served_some_calls_every_panel_shows_something_and_those_of_calls_have_changed(
    office: HandOverOffice,
) -> None:
    prometheus = Prometheus(shipped(office.site.http_port))
    try:
        await prometheus.start()
    except PeerUnavailableError as error:
        missing(error)
    try:
        await until(lambda: is_scraped(prometheus), "the service is scraped")
        await asyncio.sleep(3)
        before = await asked(prometheus)
        await some_calls(office)
        after = await asked(prometheus)
    finally:
        await prometheus.stop()
    assert {name for name, found in after.items() if not found} == SILENT
    moved = {name for name in QUERIES if after[name] != before[name]}
    assert {name for name, expr in QUERIES.items() if OF_CALLS.search(expr)} - moved - SILENT == set()

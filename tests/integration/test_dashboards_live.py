"""The dashboards' queries beside the real service: scraped while it serves real calls, before and after them. Every one gives data.

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
OFFICE = HandOverOffice
Answers = dict[str, dict[tuple[tuple[str, str], ...], float]]
QUERIES = {
    f"{one.name}: {panel.title.en}: {query.legend.en}": query.expr
    for one in DASHBOARDS
    for panel in one.panels
    for query in panel.queries
    if "offset" not in query.expr
}
OF_CALLS = re.compile(
    "callcenter_(calls_(offered|ended|waiting)|oldest_wait|estimated_wait_seconds|offers|handovers|wait_seconds|talk_seconds|notes|ignored"
    "|report_)"
)
"""Queries that what happens here must change."""


class BUILDING(HandOverBuilding):
    """Its third seat answers the softphones' line."""

    def __init__(self) -> None:
        super().__init__()
        text = self.site.plan_text
        assert text.count("{ special = 1 }") == 1
        self.site.plan_text = text.replace("{ special = 1 }", "{ real = 1 }")


async def asked(prometheus: Prometheus) -> Answers:
    """Return what each query gives now."""
    found: Answers = {}
    for name, expr in QUERIES.items():
        sent = expr.replace("$line", ALL).replace("$window", "today").replace("$__rate_interval", "60s")
        found[name] = await prometheus.query(sent)
    return found


async def calls_in(office: HandOverOffice) -> None:
    """A talk handed over to a specialist, one that ends at the seat, one caller who dials a number that is nobody's and gives up."""
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
    leg = caller.call("99999")
    await asyncio.sleep(1)
    caller.hang_up(leg)
    await office.row(leg, TOLD)


async def a_call_out(office: HandOverOffice) -> None:
    """An agent dials out and talks; another presses the key that ends a wrap-up while he has none."""
    world = await office.outside(answers(0.2))
    seat = await office.phone("1001")
    leg = seat.call("913900000001")
    called = await world.next_call()
    await office.until_presence("8001", "talking")
    await asyncio.sleep(1.2)
    world.hang_up(called)
    await asyncio.wait_for(leg.is_ended.wait(), TOLD)
    other = await office.phone("1002")
    leg = other.call("*15")

    async def is_told() -> bool:
        return ("not in wrap-up",) in (await office.samples()).get("callcenter_ignored_events_total", {})

    await until(is_told, "the event that changes nothing is counted")
    other.hang_up(leg)


async def some_who_wait(office: HandOverOffice) -> None:
    """Somebody is answered in the softphones' line, whose agent is ready again; a caller of the other line waits on."""
    talk = await office.talk("1003", "12347")
    await asyncio.sleep(0.5)
    talk.caller.hang_up(talk.leg)
    await office.row(talk.leg, TOLD)
    await office.until_presence("8003", "ready")
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
        await calls_in(office)
        await a_call_out(office)
        await some_who_wait(office)
        of_calls = {name for name, expr in QUERIES.items() if OF_CALLS.search(expr)}
        shown: set[str] = set()
        moved: set[str] = set()
        for _ in range(40):  # a busy machine's scrapes come late
            after = await asked(prometheus)
            shown |= {name for name, found in after.items() if found}
            moved |= {name for name in QUERIES if after[name] != before[name]}
            if shown == set(QUERIES) and of_calls <= moved:
                break
            await asyncio.sleep(2)
    finally:
        await prometheus.stop()
    assert set(QUERIES) - shown == set()
    assert of_calls - moved == set()

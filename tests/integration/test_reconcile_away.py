"""The service stays away on the real PBX: `callcenter reconcile` tells its calls, the report shows them, and nothing counts twice."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from acd.names import CallId
from callcenter.lab.sip_phone import Leg
from callcenter.storage.rolled_figures import reading
from metrics.completeness import Gap
from tests.integration.conftest import own_office
from tests.integration.office import STALE_S, Office, Row, until

pytestmark = pytest.mark.pbx

TODAY = datetime.now(UTC).date()
PERIOD = ("--from", str(TODAY - timedelta(days=1)), "--to", str(TODAY + timedelta(days=2)))


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    """A whole office of the test's own: Asterisk, service, three agents logged in, not ready."""
    async with own_office() as office:
        yield office


async def typed(office: Office, *words: str) -> dict[str, Any]:
    """What an operator gets who types this command here, as JSON."""
    command = (sys.executable, "-m", "callcenter", *words)
    run = partial(subprocess.run, command, env=office.site.environment(), capture_output=True, text=True, check=False)
    done = await asyncio.to_thread(run)
    assert done.returncode in (0, 1), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def reconciled(office: Office, *words: str) -> dict[str, Any]:
    """Rebuild and compare; nothing that was rebuilt differs, and no call is missing on either side."""
    told = await typed(office, "reconcile", *PERIOD, "--json", *words)
    wrong = [one for one in told["differences"] if one["rebuilt"] or one["what"].startswith("only_in")]
    assert wrong == []
    return told


async def row_of(office: Office, leg: Leg) -> Row:
    (row,) = [row for row in await office.rows() if row["sip_call_id"] == leg.call_id]
    return row


async def gaps(office: Office) -> list[Gap]:
    async with office.site.ledger() as ledger, reading(ledger.engine) as figures:
        return list(await figures.gaps(0, 2**53))


async def test_service_stays_away_its_calls_are_told_by_command_and_counted_once_when_it_is_back(
    office: Office,
) -> None:
    agent = await office.ready("1001")
    seen = (await office.caller("13800000001")).call("12345")
    leg = await agent.next_call()
    await office.until_presence("8001", "talking")
    agent.hang_up(leg)
    seen_ms = (await office.row(seen))["ended_ms"]
    await office.until_presence("8001", "ready")
    await asyncio.sleep(2.5)
    office.site.kill_service()
    await asyncio.sleep(STALE_S)
    talked = (await office.caller("13800000002")).call("12345")
    leg = await agent.next_call()
    await asyncio.sleep(1.0)
    agent.hang_up(leg)
    await asyncio.wait_for(talked.is_ended.wait(), 5)
    impatient = await office.caller("13800000003")
    gone = impatient.call("12348")
    await gone.wait_for(200)
    impatient.hang_up(gone)
    patient = await office.caller("13800000004")
    waits = patient.call("12348")
    await waits.wait_for(200)
    await asyncio.sleep(0.5)

    trial = await typed(office, "reconcile", *PERIOD, "--json", "--dry-run")
    assert [(gap["open"], gap["rebuilt"]) for gap in trial["gaps"]] == [(True, 2)]
    assert [row["sip_call_id"] for row in await office.rows()] == [seen.call_id]
    told = await reconciled(office)
    assert [(gap["open"], gap["rebuilt"], gap["read"]) for gap in told["gaps"]] == [(True, 2, True)]
    assert (told["rebuilt"], told["open"]) == (2, 1)
    assert told["gaps"][0]["from_ms"] > seen_ms  # so long it was watched
    for call, outcome, who in ((talked, "agent_answered", "8001"), (gone, "abandoned_queue", None)):
        row = await row_of(office, call)
        assert (row["outcome"], row["agent"]) == (outcome, who) and row["rebuilt_ms"] is not None
    shown = await typed(office, "report", *PERIOD, "--format", "json")
    completeness = shown["completeness"]["inbound"]
    assert (completeness["completeness"], completeness["offered"], completeness["rebuilt"]) == ("100.0%", 3, 2)
    assert [gap["told"] for gap in shown["gaps"].values()] == ["已由CEL补录"]

    before = await office.rows()
    assert [gap["rebuilt"] for gap in (await reconciled(office))["gaps"]] == [0]
    assert await office.rows() == before

    await office.site.start_service()

    async def is_read() -> bool:
        found = await gaps(office)
        return len(found) == 1 and found[0].is_read and found[0].to_ms > told["gaps"][0]["to_ms"]

    await until(is_read, "the service has read its gap, which took the place of the piece", 20)
    assert [row for row in await office.rows() if row["sip_call_id"] != waits.call_id] == before
    patient.hang_up(waits)
    ended = await office.row(waits)
    assert ended["outcome"] == "abandoned_queue"
    again = await reconciled(office)
    assert (again["gaps"], again["rebuilt"], again["calls"]) == ([], 2, 4)
    async with office.site.ledger() as ledger:
        row = await row_of(office, talked)
        assert len(await ledger.children("talks", CallId(row["pbx"], row["uniqueid"]))) == 1

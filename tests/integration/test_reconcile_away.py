"""The service stays away on the real PBX: `callcenter reconcile` tells its calls, the report shows them, and nothing counts twice."""

import asyncio
import csv
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Self

import pytest

from acd.names import CallId
from callcenter.lab.sip_phone import Leg, Phone
from callcenter.rebuild.gaps import WATCHED
from callcenter.storage.live_state import values_left
from callcenter.storage.rolled_figures import reading
from metrics.completeness import Gap
from tests.integration.conftest import own_office
from tests.integration.office import STALE_S, Office, Row, until

pytestmark = pytest.mark.pbx

CEL_COLUMNS = 13
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


async def is_known(office: Office, leg: Leg) -> bool:
    return any(row["sip_call_id"] == leg.call_id for row in await office.rows())


async def gaps(office: Office) -> list[Gap]:
    async with office.site.ledger() as ledger, reading(ledger.engine) as figures:
        return list(await figures.gaps(0, 2**53))


async def is_watched_after(office: Office, at_ms: int) -> bool:
    """Whether the service has kept since that it watched."""
    left = await asyncio.to_thread(values_left, office.site.state_dir / "live.sqlite3", WATCHED)
    return any(int(text) > at_ms for text in left.values())


@dataclass
class Away:
    """What happens: one call seen live, then two that nobody sees, and one whose caller still waits."""

    office: Office
    seen: Leg
    seen_ms: int
    """When the call that was seen live was over."""
    talked: Leg
    gone: Leg
    patient: Phone
    waits: Leg

    @classmethod
    async def begun(cls, office: Office) -> Self:
        """Play it; afterwards the service is dead."""
        agent = await office.ready("1001")
        seen = (await office.caller("13800000001")).call("12345")
        leg = await agent.next_call()
        await office.until_presence("8001", "talking")
        agent.hang_up(leg)
        seen_ms = (await office.row(seen))["ended_ms"]
        await office.until_presence("8001", "ready")
        await until(lambda: is_watched_after(office, seen_ms), "the service has kept an instant behind it")
        office.site.kill_service()
        await asyncio.sleep(STALE_S)
        talked = (await office.caller("13800000002")).call("12345")
        leg = await agent.next_call()
        await asyncio.sleep(1.0)
        agent.hang_up(leg)
        await until(lambda: is_over_by_cel(office, talked), "CEL has the end of the talk")
        gone = await gave_up(office, "13800000003")
        patient = await office.caller("13800000004")
        waits = patient.call("12348")
        await waits.wait_for(200)
        await asyncio.sleep(0.5)
        return cls(office, seen, seen_ms, talked, gone, patient, waits)

    async def is_told(self) -> None:
        """Both are on record as rebuilt, and the report says so."""
        for call, outcome, who in ((self.talked, "agent_answered", "8001"), (self.gone, "abandoned_queue", None)):
            row = await row_of(self.office, call)
            assert (row["outcome"], row["agent"]) == (outcome, who) and row["rebuilt_ms"] is not None
        shown = await typed(self.office, "report", *PERIOD, "--format", "json")
        completeness = shown["completeness"]["inbound"]
        assert (completeness["completeness"], completeness["offered"], completeness["rebuilt"]) == ("100.0%", 3, 2)
        told = [gap["told"] for gap in shown["gaps"].values()]
        assert [one for one in told if one != "至今无人值守：缺少来电"] == ["已由CEL补录"]


async def gave_up(office: Office, number: str) -> Leg:
    """A caller of a line that nobody serves, who hangs up."""
    phone = await office.caller(number)
    leg = phone.call("12348")
    await leg.wait_for(200)
    phone.hang_up(leg)
    await until(lambda: is_over_by_cel(office, leg), "CEL has his end")
    return leg


async def is_over_by_cel(office: Office, leg: Leg) -> bool:
    """Whether Asterisk has written down that a caller's channel is gone."""
    with office.site.pbx.cel_file.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if len(row) == CEL_COLUMNS]
    ours = {row[8] for row in rows if row[11] == "CcArrived" and leg.call_id in row[12]}
    return any(row[0] == "CHAN_END" and row[8] in ours for row in rows)


async def test_service_stays_away_its_calls_are_told_by_command_and_counted_once_when_it_is_back(
    office: Office,
) -> None:
    away = await Away.begun(office)
    trial = await typed(office, "reconcile", *PERIOD, "--json", "--dry-run")
    assert [(gap["open"], gap["rebuilt"]) for gap in trial["gaps"]] == [(True, 2)]
    assert [row["sip_call_id"] for row in await office.rows()] == [away.seen.call_id]
    told = await reconciled(office)
    (piece,) = told["gaps"]
    assert (piece["open"], piece["rebuilt"], piece["read"], told["rebuilt"], told["open"]) == (True, 2, True, 2, 1)
    assert piece["from_ms"] > away.seen_ms  # so long it was watched
    await away.is_told()
    before = await office.rows()
    assert [gap["rebuilt"] for gap in (await reconciled(office))["gaps"]] == [0]
    assert await office.rows() == before

    await office.site.start_service()

    async def is_read() -> bool:
        found = await gaps(office)
        return len(found) == 1 and found[0].is_read and found[0].to_ms > piece["to_ms"]

    await until(is_read, "the service has read its gap, which took the place of the piece", 60)
    assert [row for row in await office.rows() if row["sip_call_id"] != away.waits.call_id] == before
    away.patient.hang_up(away.waits)
    assert (await office.row(away.waits))["outcome"] == "abandoned_queue"
    again = await reconciled(office)
    assert (again["gaps"], again["rebuilt"], again["calls"]) == ([], 2, 4)
    row = await row_of(office, away.talked)
    async with office.site.ledger() as ledger:
        assert len(await ledger.children("talks", CallId(row["pbx"], row["uniqueid"]))) == 1


async def test_service_could_not_read_cel_the_command_tells_its_gap_beside_it_and_its_gauges_follow(
    office: Office,
) -> None:
    await asyncio.sleep(2.5)
    phone = await office.caller("13800000002")
    known = phone.call("12348")
    await known.wait_for(200)
    await until(lambda: is_known(office, known), "the ledger knows the caller")
    office.site.kill_service()
    phone.hang_up(known)
    await asyncio.sleep(STALE_S)
    unseen = await gave_up(office, "13800000003")
    office.site._environment["CALLCENTER_CEL"] = str(office.site.folder / "is-not-there.csv")
    await office.site.start_service()

    async def shown(name: str) -> float:
        return (await office.samples())[name][()]

    async def is_lost() -> bool:
        return await shown("callcenter_unknown_calls") == 1 and await shown("callcenter_reconciliation_gap_seconds") > 0

    async def is_well() -> bool:
        return not await shown("callcenter_unknown_calls") and not await shown("callcenter_reconciliation_gap_seconds")

    await until(is_lost, "one call is unknown, and a gap was not told", 60)
    del office.site._environment["CALLCENTER_CEL"]
    await gave_up(office, "13800000004")  # CEL goes on behind the gap

    told = await reconciled(office)

    assert [(gap["open"], gap["rebuilt"], gap["read"]) for gap in told["gaps"]] == [(False, 2, True)]
    for leg in (known, unseen):
        row = await row_of(office, leg)
        assert (row["outcome"], row["ended_by"], row["rebuilt_ms"] is None) == ("abandoned_queue", "caller", False)
    await until(is_well, "the running service has noticed", 60)

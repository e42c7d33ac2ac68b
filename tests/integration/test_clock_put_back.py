"""The clock of a real PBX is put back by an hour while callers wait: nobody is lost, nobody waits for an hour more."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.shifted_clock import ShiftedClock
from callcenter.lab.sip_phone import Leg, Phone, answers
from tests.conftest import missing
from tests.integration.office import Building, Office, until

pytestmark = pytest.mark.pbx
HOUR_S = 3600
TALK_S = 0.5


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    building = Building()
    pbx = building.site.pbx
    try:
        pbx.clock = ShiftedClock(pbx.folder)
        await building.open()
        office = Office(building)
        try:
            yield office
        finally:
            await office.close()
    except PeerUnavailableError as error:
        missing(error)
    finally:
        await building.site.stop()


async def waits(office: Office, number: str) -> tuple[Phone, Leg]:
    phone = await office.caller(number)
    leg = phone.call("12345")
    await leg.wait_for(200)
    await asyncio.sleep(1.0)
    return phone, leg


async def test_clock_is_put_back_by_an_hour_service_ends_and_its_next_start_keeps_order_and_waits(
    office: Office,
) -> None:
    before = [await waits(office, "13800000001"), await waits(office, "13800000002")]
    process, clock = office.site.process, office.site.pbx.clock
    assert process is not None
    assert clock is not None
    clock.put(-HOUR_S)
    assert await asyncio.wait_for(asyncio.to_thread(process.wait), 20) == 1
    assert "put back by 3600 s" in office.site.log_tail(5)

    await office.site.start_service()
    oldest_s = (await office.status())["engine"]["oldest_wait_s"]["general"]
    assert 0 < oldest_s < 60
    after = await waits(office, "13800000003")
    order: list[str] = []
    await office.ready("1001", answers(0.05))
    for phone, leg in (*before, after):

        async def talks(leg: Leg = leg) -> bool:
            return (
                bool((await office.status())["engine"]["agents"]["talking"]) and (await answered(office)) == leg.call_id
            )

        await until(talks, f"{leg.call_id} is the next one to be answered")
        order.append(leg.call_id)
        await asyncio.sleep(TALK_S)
        phone.hang_up(leg)
    rows = {row["sip_call_id"]: row for row in [await office.row(leg) for _, leg in (*before, after)]}

    assert [row["outcome"] for row in rows.values()] == ["agent_answered"] * 3
    assert [row["clock_adjusted"] for row in rows.values()] == [True, True, False]
    for row in rows.values():
        assert 0 <= row["wait_ms"] < 60_000
        assert 0 < row["talk_ms"] < 30_000
        assert row["arrived_ms"] <= row["queued_ms"] <= row["answered_ms"] <= row["ended_ms"]


async def answered(office: Office) -> str | None:
    """SIP Call-ID of the caller who talks now, as the ledger tells."""
    talking = [row for row in await office.rows() if row["answered_ms"] is not None and row["ended_ms"] is None]
    return talking[0]["sip_call_id"] if talking else None

"""How an offer ends, through the running service: what each answer of a phone is called, and the brake that follows it.

The table of answers is measured against the dialplan alone in dialplan/test_offers.py; here the service reads it, puts it on
record and slows down. Each phone has an agent and a line of its own, so that all rows run beside each other.
"""

import asyncio
from functools import partial
from itertools import pairwise

import pytest

from callcenter.lab.sip_phone import RINGS_ONLY, SILENT, Leg, Phone, Script, says
from tests.integration.office import Row, until
from tests.integration.pairs import RING_S, PairBuilding, PairOffice

pytestmark = pytest.mark.pbx

ROWS: tuple[tuple[Script, str], ...] = (
    (says(486), "busy"),
    (says(600), "busy"),
    (says(480), "busy"),
    (says(302), "busy"),
    (says(603), "refused"),
    (says(403), "refused"),
    (says(404), "unreachable"),
    (says(408), "unreachable"),
    (says(488), "unreachable"),
    (says(500), "unreachable"),
    (says(503), "unreachable"),
    (SILENT, "unreachable"),
    (RINGS_ONLY, "not_answered"),
)
BUILDING = partial(PairBuilding, len(ROWS), max_misses=3)
OFFICE = PairOffice
"""What the phone says, and what we call it."""
REST_S = (5.0, 10.0)
BAR_S = 30.0
LATE_S = 1.5
"""How late an offer may be on a busy machine."""


async def offers_of(office: PairOffice, leg: Leg, count: int, within_s: float) -> list[Row]:
    """Wait until a living call has so many offers that are over; return them."""

    async def found() -> list[Row] | None:
        row = next((row for row in await office.rows() if row["sip_call_id"] == leg.call_id), None)
        offers = [] if row is None else [offer for offer in await office.offers(row) if offer["result"]]
        return offers if len(offers) >= count else None

    return await until(found, f"{count} offers are over", within_s)


async def ready_with(office: PairOffice, phone: str, script: Script) -> Phone:
    """Make an agent ready whose phone says something of its own (the feature code itself is not answered by it)."""
    seat = await office.ready(phone, script)
    seat.forwards_to = "sip:1101@127.0.0.1"
    return seat


async def test_each_answer_of_a_phone_is_on_record_by_its_name_and_every_caller_stays(office: PairOffice) -> None:
    async def one(phone: str, script: Script, expected: str) -> None:
        await ready_with(office, phone, script)
        caller = await office.caller(f"1390000{phone}")
        leg = caller.call(phone)
        (offer, *_) = await offers_of(office, leg, 1, RING_S + 15)
        assert (offer["result"], phone) == (expected, phone), offer["detail"]
        elapsed_s = (offer["ended_ms"] - offer["made_ms"]) / 1000
        least = {SILENT: 3.0, RINGS_ONLY: float(RING_S)}.get(script, 0.0)
        assert least <= elapsed_s + 0.1
        assert elapsed_s <= least + LATE_S
        assert not leg.is_ended.is_set()
        caller.hang_up(leg)
        row, _ = await office.judged(leg)
        assert row["outcome"] == "abandoned_queue"

    await asyncio.gather(*(one(phone, *row) for phone, row in zip(office.building.agents, ROWS, strict=True)))
    agents: list[Row] = (await office.status())["agents"]
    assert [agent["misses"] for agent in agents] == [int(expected == "not_answered") for _, expected in ROWS]


async def test_brake_rests_the_agent_longer_each_time_bars_the_pair_and_sets_an_unreachable_one_not_ready(
    office: PairOffice,
) -> None:
    refuses, dead, lonely = list(office.building.agents)[:3]
    for phone in (refuses, dead, lonely):  # a new shift: nothing of before is held against anybody
        await office.phone(phone)
        await office.code(phone, "*12", "logged_out")
        await office.log_in(phone)

    async def three_callers(phone: str, script: Script) -> list[Row]:
        await ready_with(office, phone, script)
        legs = [(await office.caller(f"139{n}000{phone}")).call(phone) for n in range(3)]
        found = await asyncio.gather(*(offers_of(office, leg, 1, 25) for leg in legs))
        return sorted((offers[0] for offers in found), key=lambda offer: int(offer["made_ms"]))

    async def one_caller(phone: str) -> list[Row]:
        await ready_with(office, phone, says(486))
        leg = (await office.caller()).call(phone)
        return await offers_of(office, leg, 2, BAR_S + 10)

    busy, gone, barred = await asyncio.gather(
        three_callers(refuses, says(603)), three_callers(dead, says(404)), one_caller(lonely)
    )
    for offers, result in ((busy, "refused"), (gone, "unreachable")):
        assert [offer["result"] for offer in offers] == [result] * 3
        for (before, after), rest_s in zip(pairwise(offers), REST_S, strict=True):
            assert rest_s - 0.1 <= (after["made_ms"] - before["ended_ms"]) / 1000 <= rest_s + LATE_S
    assert BAR_S - 0.1 <= (barred[1]["made_ms"] - barred[0]["ended_ms"]) / 1000 <= BAR_S + LATE_S
    agent = await office.until_presence(office.building.agents[dead], "not_ready")
    assert agent["reason"] == "unreachable"
    assert (await office.agent(office.building.agents[refuses]))["presence"] == "ready"

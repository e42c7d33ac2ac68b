"""Two things in one instant: an answer and the caller's hang-up, an answer and the end of the ring time. Each ends in one stated way.

Twenty tries of each. The first answers surely in time and the last surely too late; the instants of the others are jittered by a
seed around the moment of the crossing. What one of these became may differ from run to run, but it must be one of the stated
ends, told alike by offer, call and CEL, with nothing left behind.
"""

import asyncio
import random
import time
from collections import Counter
from functools import partial

import pytest

from callcenter.lab.sip_phone import RINGS_ONLY, Leg, Phone, Script
from tests.integration.office import Row, until
from tests.integration.pairs import RING_S, PairBuilding, PairOffice, hang_up_for_good

pytestmark = pytest.mark.pbx

TRIES = 20
BUILDING = partial(PairBuilding, TRIES, max_misses=1)
OFFICE = PairOffice
SEED = 20261
AT_HANGUP = {
    ("agent_answered", "accepted"),
    ("abandoned_ringing", "caller_gone"),
}
AT_RING_END = {
    ("agent_answered", "accepted"),
    ("abandoned_queue", "not_answered"),
}
"""What a try may become: (outcome of the call, result of its one offer)."""


async def _at(instant: float) -> None:
    await asyncio.sleep(max(0.0, instant - time.monotonic()))


async def _rings(office: PairOffice, phone: str, waits: bool, script: Script) -> tuple[Phone, Leg, Phone, Leg]:
    """Let a caller's phone ring at an agent's: found ready (unanswered), or after a wait in hold (answered by music)."""
    caller = await office.caller(f"1390000{phone}")
    if waits:
        leg = caller.call(phone)
        await leg.wait_for(200)
        seat = await office.phone(phone, script)
        seat.call("*13")
    else:
        seat = await office.ready(phone, script)
        leg = caller.call(phone)
    while True:
        rings = await seat.next_call(10.0)
        return caller, leg, seat, rings


async def _verdict(office: PairOffice, leg: Leg) -> tuple[str, str]:
    row, offers = await office.judged(leg)
    assert len(offers) == 1
    assert offers[0]["ended_ms"] is not None
    talks = await office.talks(row)
    assert len(talks) == (row["outcome"] == "agent_answered")
    assert all(talk["closed_ms"] is not None for talk in talks)
    return row["outcome"], offers[0]["result"]


async def _is_left_in_peace(office: PairOffice, presences: set[str]) -> None:
    """No channel, no call, and no agent who rings for ever."""
    await office.until_no_channel()

    async def is_so() -> bool:
        agents: list[Row] = (await office.status())["agents"]
        return {agent["presence"] for agent in agents} <= presences

    await until(is_so, f"every agent is one of {presences}")


async def test_agent_answers_in_the_instant_in_which_the_caller_hangs_up(office: PairOffice) -> None:
    chance = random.Random(SEED)

    async def one(n: int, phone: str) -> tuple[str, str]:
        offset_s = {0: -0.25, TRIES - 1: 0.25}.get(n, chance.uniform(-0.004, 0.004))
        caller, leg, seat, rings = await _rings(office, phone, n % 2 == 0, RINGS_ONLY)
        instant = time.monotonic() + 0.3

        async def answer() -> None:
            await _at(instant + offset_s)
            if n == TRIES - 1:  # surely too late, however long we are held up
                await asyncio.wait_for(rings.is_ended.wait(), 20)
            if not rings.is_ended.is_set():
                seat.reply(rings, 200)

        async def hang_up() -> None:
            await _at(instant)
            if n == 0:  # surely behind the answer
                await office.until_presence(office.building.agents[phone], "talking")
            await hang_up_for_good(caller, leg)

        await asyncio.gather(answer(), hang_up())
        await asyncio.wait_for(rings.is_ended.wait(), 5)  # told to the phone, too: CANCEL or BYE
        return await _verdict(office, leg)

    ends: Counter[tuple[str, str]] = Counter()
    phones = list(office.building.agents)
    for begin in range(0, TRIES, 5):
        tries = [one(n, phones[n]) for n in range(begin, begin + 5)]
        ends.update(await asyncio.gather(*tries))
    assert set(ends) == AT_HANGUP, ends
    assert sum(ends.values()) == TRIES
    await _is_left_in_peace(office, {"ready", "not_ready"})


async def test_agent_answers_in_the_instant_in_which_his_ring_time_ends(office: PairOffice) -> None:
    chance = random.Random(SEED + 1)

    async def one(n: int, phone: str) -> tuple[str, str]:
        offset_s = {0: -RING_S + 0.5, TRIES - 1: 0.2}.get(n, chance.uniform(-0.06, 0.0))
        caller, leg, seat, rings = await _rings(office, phone, n % 2 == 0, RINGS_ONLY)
        await _at(rings.heard[0][0] + RING_S + offset_s)
        if not rings.is_ended.is_set():
            seat.reply(rings, 200)
        await asyncio.sleep(1.0)
        await hang_up_for_good(caller, leg)
        await asyncio.wait_for(rings.is_ended.wait(), 5)
        return await _verdict(office, leg)

    ends: Counter[tuple[str, str]] = Counter()
    phones = list(office.building.agents)
    for begin in range(0, TRIES, 5):
        tries = [one(n, phones[n]) for n in range(begin, begin + 5)]
        ends.update(await asyncio.gather(*tries))
    assert set(ends) == AT_RING_END, ends
    assert sum(ends.values()) == TRIES
    await _is_left_in_peace(office, {"ready", "not_ready"})

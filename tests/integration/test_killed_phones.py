"""An agent's phone loses its power while it rings and while he talks: nobody sits in silence for ever, and it is told rightly.

Real softphones, killed by SIGKILL: they say nothing to anybody. What the PBX can see is a ring time that ends, RTP that
stops (`rtp_timeout`), and a qualify without an answer.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial

import pytest

from callcenter.lab.baresip import Baresip
from tests.integration.office import until
from tests.integration.pairs import RING_S, PairBuilding, PairOffice

pytestmark = pytest.mark.pbx

PHONE = "2001"
AGENT = "9001"
RTP_TIMEOUT_S = 4
BUILDING = partial(
    PairBuilding, 1, max_misses=3, real=(PHONE,), pjsip=f"\n[{PHONE}](+)\nrtp_timeout = {RTP_TIMEOUT_S}\n"
)
OFFICE = PairOffice
CHECK_S = 2.0
"""How late the PBX may see it, on a busy machine."""


@pytest.fixture
async def phone(office: PairOffice) -> AsyncIterator[Baresip]:
    """The agent's softphone, logged in and ready."""
    phone = await Baresip(office.site.pbx, PHONE).start()
    await phone.log_in(AGENT, office.site.seats[AGENT].pin)
    await office.until_presence(AGENT, "ready")
    yield phone
    await phone.stop()


async def _is_unreachable(office: PairOffice) -> bool:
    return not (await office.agent(AGENT))["reachable"]


async def test_phone_killed_while_it_rings_the_offer_is_a_miss_and_the_caller_waits_on(
    office: PairOffice, phone: Baresip
) -> None:
    caller = await office.caller()
    leg = caller.call(PHONE)
    await phone.wait_for("incoming", within_s=8)
    phone.kill()
    await office.until_presence(AGENT, "ready", RING_S + 5)
    await until(lambda: _is_unreachable(office), "the agent is unreachable", 20)
    assert not leg.is_ended.is_set()  # he waits: for this agent's phone, or another's
    caller.hang_up(leg)
    row, offers = await office.judged(leg)
    assert row["outcome"] in {"abandoned_queue", "abandoned_ringing"}
    assert offers[0]["result"] == "not_answered"
    assert 1000 * RING_S - 100 <= offers[0]["ended_ms"] - offers[0]["made_ms"]
    assert offers[0]["ended_ms"] - offers[0]["rang_ms"] <= 1000 * RING_S + 1500  # a slow phone says late that it rings
    assert all(offer["result"] in {"unreachable", "caller_gone"} for offer in offers[1:])
    await office.until_no_channel()


async def test_phone_killed_while_he_talks_the_silence_ends_the_call_and_he_is_offered_nothing(
    office: PairOffice, phone: Baresip
) -> None:
    phone.answer_after_s = 0.2
    caller = await office.caller()
    leg = caller.call(PHONE)
    await office.until_presence(AGENT, "talking")
    await asyncio.sleep(1.0)
    before = time.time()
    phone.kill()
    killed = time.time()
    await asyncio.wait_for(leg.is_ended.wait(), RTP_TIMEOUT_S + 20)
    row, offers = await office.judged(leg)
    assert leg.ended_by == "peer"
    ended = row["ended_ms"] / 1000  # on the PBX's clock, which is ours: when we noticed it does not matter
    assert RTP_TIMEOUT_S - 1.5 <= ended - before
    assert ended - killed <= RTP_TIMEOUT_S + CHECK_S
    assert (row["outcome"], row["ended_by"], row["agent"]) == ("agent_answered", "agent", AGENT)
    assert row["ended_ms"] - row["talk_ended_ms"] < 500
    assert [offer["result"] for offer in offers] == ["accepted"]
    await until(lambda: _is_unreachable(office), "the agent is unreachable", 20)
    await office.until_no_channel()

"""The agent's number is announced (工号播报): the caller hears it before they are joined, and nobody is lost meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from acd.names import OfferResult
from callcenter.asterisk.offer_end import offer_result
from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.pbx import Asterisk
from callcenter.lab.sip_phone import RINGS_ONLY, Leg, Phone, Script, answers, says
from callcenter.lab.tones import write_tune
from callcenter.sounds.wav import listen
from config.prompts import agent_prompts
from tests.integration.conftest import missing
from tests.integration.dialplan.conftest import phones_at_free_ports
from tests.integration.dialplan.desk import Call, Desk, DialplanPbx
from tests.integration.stalls import least

pytestmark = pytest.mark.pbx


@pytest.fixture(scope="module")
def speaking_pbx() -> Iterator[DialplanPbx]:
    """An Asterisk that has the announcement of agent 1001, and of nobody else."""
    ports, extra = phones_at_free_ports()
    asterisk = Asterisk(lines=("general",), extra=extra, speaks=agent_prompts(["1001"]))
    try:
        asterisk.start_now()
    except PeerUnavailableError as error:
        missing(error)
    yield DialplanPbx(asterisk, ports)
    asterisk.stop_now()


@pytest.fixture
async def desk(speaking_pbx: DialplanPbx) -> AsyncIterator[Desk]:
    desk = await Desk.open(speaking_pbx)
    yield desk
    await desk.close()


def length_s(desk: Desk, name: str) -> float:
    return listen(desk.pbx.asterisk.sounds / "zh" / "callcenter" / f"{name}.wav").length_s


async def announced(desk: Desk, call: Call, number: str, ring_s: int = 5) -> None:
    """Offer the call as a line does that announces its agents."""
    await desk.actions.ask("Setvar", Channel=call.uid, Variable="CC_JOB", Value=number)
    await desk.offer(call, "8101", ring_s)


async def until_picked_up(desk: Desk, agent: Phone, call: Call, since: int = 0) -> Leg:
    leg = await agent.next_call()
    await desk.picked_up(call, since)
    await asyncio.sleep(0.3)  # the announcement runs
    return leg


async def in_zh(desk: Desk) -> Call:
    await desk.actions.set_global("CC_LANG_general", "zh")
    return await desk.arrive_in_hold()


async def test_agent_answers_the_caller_hears_his_number_and_only_then_are_they_joined(desk: Desk) -> None:
    agent = await desk.agent("8101", answers(0.1))

    async def waited_s() -> float:
        call = await in_zh(desk)
        since = desk.mark()
        await announced(desk, call, "1001")
        leg = await agent.next_call()
        picked_up, joined = await desk.picked_up(call, since), await desk.bridged(call, since)
        agent.hang_up(leg)
        ended = await desk.events.user("CcOfferEnd", since=since, Uniqueid=call.uid)
        assert ended["Status"] == "ANSWER"
        await desk.events.user("CcEnd", since=since, Uniqueid=call.uid)
        return float(joined["Timestamp"]) - float(picked_up["Timestamp"])

    length = length_s(desk, "agent-1001")
    assert length - 0.1 <= await least(waited_s, length + 1.0) < length + 1.0


@pytest.mark.usefixtures("unanswered")
async def test_caller_still_unanswered_is_answered_when_the_agent_picks_up(desk: Desk) -> None:
    await desk.agent("8101", answers(0.2))
    await desk.actions.set_global("CC_LANG_general", "zh")
    call = await desk.arrive()
    await announced(desk, call, "1001")
    await call.leg.wait_for(200)
    since = desk.mark()
    assert call.leg.statuses() == [100, 180, 200]
    await desk.bridged(call, since)


async def test_agent_without_a_file_is_joined_at_once(desk: Desk) -> None:
    await desk.agent("8101", answers(0.1))

    async def joined_s() -> float:
        call = await in_zh(desk)
        since, began = desk.mark(), asyncio.get_running_loop().time()
        await announced(desk, call, "1002")
        await desk.bridged(call, since)
        return asyncio.get_running_loop().time() - began

    assert await least(joined_s, 1.0) < 1.0


async def test_agent_hangs_up_while_he_is_announced_has_refused_and_the_caller_is_back_in_hold(desk: Desk) -> None:
    agent = await desk.agent("8101", answers(0.1))
    call = await in_zh(desk)
    since = desk.mark()
    long = desk.pbx.asterisk.sounds / "zh" / "callcenter" / "agent-1003.wav"
    write_tune(long, (500.0,), note_s=15.0)
    long.chmod(0o644)
    await announced(desk, call, "1003")
    agent.hang_up(await until_picked_up(desk, agent, call, since))
    end = await desk.events.user("CcOfferEnd", since=since, Uniqueid=call.uid)
    assert (end["Status"], end["AnsweredS"]) == ("NOTALK", "0")
    assert offer_result(end["Status"], int(end["Cause"]), 1.0, 5.0) is OfferResult.REFUSED
    await desk.events.user("CcHolding", since=since, Uniqueid=call.uid)
    await desk.assert_waits(call)


async def test_caller_hangs_up_while_the_agent_is_announced_and_the_agents_phone_is_free(desk: Desk) -> None:
    agent = await desk.agent("8101", answers(0.1))
    phone = await desk.caller()
    call = await desk.arrive(phone=phone)
    await announced(desk, call, "1001")
    leg = await until_picked_up(desk, agent, call)
    phone.hang_up(call.leg)
    ended = await desk.events.user("CcEnd", Uniqueid=call.uid)
    assert (ended["Who"], ended["Place"]) == ("caller", "offer")
    await asyncio.wait_for(leg.is_ended.wait(), 20)


@pytest.mark.parametrize("script, status", [(says(486), "BUSY"), (says(603), "CHANUNAVAIL"), (RINGS_ONLY, "NOANSWER")])
async def test_phone_does_not_answer_an_announced_offer_ends_like_any_other(
    desk: Desk, script: Script, status: str
) -> None:
    agent = await desk.agent("8101", script)
    call = await in_zh(desk)
    since = desk.mark()
    await announced(desk, call, "1001", 2)
    await agent.next_call()
    end = await desk.events.user("CcOfferEnd", since=since, Uniqueid=call.uid)
    assert end["Status"] == status
    await desk.assert_waits(call)


async def test_next_offer_that_announces_nobody_says_nothing(desk: Desk) -> None:
    agent = await desk.agent("8101")

    async def joined_s() -> float:
        agent.script = says(486)
        call = await in_zh(desk)
        since = desk.mark()
        await announced(desk, call, "1001")
        await desk.events.user("CcOfferEnd", since=since, Uniqueid=call.uid)
        agent.script = answers(0.1)
        since, began = desk.mark(), asyncio.get_running_loop().time()
        await desk.offer(call, "8101")
        await desk.bridged(call, since)
        return asyncio.get_running_loop().time() - began

    assert await least(joined_s, 1.0) < 1.0


@pytest.mark.parametrize("number", ["../../x", "1001,1,x", "$EPOCH", "1001)&Dial("])
async def test_number_that_is_none_is_filtered(desk: Desk, number: str) -> None:
    await desk.agent("8101", answers(0.1))
    call = await in_zh(desk)
    await announced(desk, call, number)
    await desk.bridged(call)

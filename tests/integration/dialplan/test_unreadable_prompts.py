"""Sounds that cannot be played, in each way that happens: a tone stands for them, and the call goes its way all the same."""

import asyncio
import contextlib
import shutil
from collections.abc import Iterator

import pytest

from callcenter.lab.sip_phone import answers
from tests.integration.dialplan.desk import Desk
from tests.integration.spoilt_sounds import WAYS, spoil, write_wav
from tests.integration.stalls import least

pytestmark = pytest.mark.pbx


@pytest.mark.parametrize("how", [*WAYS, "raw"])
async def test_greeting_that_cannot_be_played_is_a_tone_and_the_caller_goes_on(desk: Desk, how: str) -> None:
    asterisk = desk.pbx.asterisk
    owner = asterisk.folder.stat()
    name = f"spoilt-{how.replace(' ', '-')}"
    way, suffix = ("empty", ".alaw") if how == "raw" else (how, ".wav")
    spoil(asterisk.sounds / "en" / f"{name}{suffix}", way, owner.st_uid, owner.st_gid)
    assert 1.0 < await least(lambda: _greeting_s(desk, name), 1.8) < 1.8  # the tone's length


async def test_greeting_that_can_be_played_is_heard_whole_and_no_tone_after_it(desk: Desk) -> None:
    asterisk = desk.pbx.asterisk
    write_wav(asterisk.sounds / "en" / "whole.wav")
    assert 0.9 < await least(lambda: _greeting_s(desk, "whole"), 1.15) < 1.15


async def _greeting_s(desk: Desk, name: str) -> float:
    """Let a caller hear a greeting to its end, and return how long it took."""
    await desk.actions.set_global("CC_GREETING_general", name)
    try:
        call = await desk.arrive()
        await desk.events.user("CcHolding", Uniqueid=call.uid)
    finally:
        await desk.actions.set_global("CC_GREETING_general", "")
    queued = float(await desk.actions.get(call.uid, "CC_QUEUED"))
    await desk.assert_waits(call)
    return queued - float(call.arrived["Arrived"])


@contextlib.contextmanager
def spoilt(desk: Desk, name: str, how: str) -> Iterator[None]:
    """A sound of the dialplan's own is there and cannot be played."""
    asterisk = desk.pbx.asterisk
    owner = asterisk.folder.stat()
    path = asterisk.sounds / "en" / "callcenter" / f"{name}.wav"
    path.parent.mkdir(exist_ok=True)
    spoil(path, how, owner.st_uid, owner.st_gid)
    try:
        yield
    finally:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize("how", WAYS)
async def test_question_at_a_phone_outside_cannot_be_played_whoever_presses_1_is_joined(desk: Desk, how: str) -> None:
    outside = await desk.outside(answers(0.02))
    with spoilt(desk, "press-1", how):
        call = await desk.arrive()
        await desk.offer(call, "13912345678", 14, "trunk")
        leg = await outside.next_call()
        await desk.presses_1(outside, leg, call)
    outside.hang_up(leg)


@pytest.mark.parametrize("how", WAYS)
async def test_question_for_a_rating_cannot_be_played_the_key_counts(desk: Desk, how: str) -> None:
    await desk.actions.set_global("CC_RATING_general", "1")
    agent, phone = await desk.agent("8101", answers(0.05)), await desk.caller()
    try:
        with spoilt(desk, "ask-rating", how), spoilt(desk, "bad-rating", how):
            call = await desk.arrive(phone=phone)
            await desk.offer(call, "8101")
            leg = await agent.next_call()
            await desk.bridged(call)
            agent.hang_up(leg)
            await desk.events.user("CcRating", Uniqueid=call.uid, State="asked")
            for key in "94":
                await asyncio.sleep(0.5)
                phone.press(call.leg, key)
            given = await desk.events.user("CcRating", Uniqueid=call.uid, State="given", timeout_s=10)
    finally:
        await desk.actions.set_global("CC_RATING_general", "")
    assert (given["Score"], given["Keys"]) == ("4", "94")


@pytest.mark.parametrize("how", WAYS)
async def test_agents_number_cannot_be_played_the_two_are_joined_all_the_same(desk: Desk, how: str) -> None:
    agent = await desk.agent("8101", answers(0.1))
    with spoilt(desk, "agent-1001", how):
        call = await desk.arrive_in_hold()
        await desk.actions.ask("Setvar", Channel=call.uid, Variable="CC_JOB", Value="1001")
        await desk.offer(call, "8101")
        leg = await agent.next_call()
        await desk.bridged(call)
        await asyncio.sleep(0.3)
        assert not call.leg.is_ended.is_set()
    agent.hang_up(leg)
    assert (await desk.events.user("CcOfferEnd", Uniqueid=call.uid))["Status"] == "ANSWER"


@pytest.mark.parametrize("how", WAYS)
async def test_refusals_word_cannot_be_played_the_caller_hears_a_busy_tone(desk: Desk, how: str) -> None:
    with spoilt(desk, "reject-closed", how):

        async def refused_s() -> float:
            call = await desk.arrive_in_hold()
            began = asyncio.get_running_loop().time()
            await desk.offer(call, "closed", 0, "reject")
            await asyncio.wait_for(call.leg.is_ended.wait(), 20)
            return asyncio.get_running_loop().time() - began

        assert 2.5 < await least(refused_s, 4.5) < 4.5


@pytest.mark.parametrize("how", WAYS)
async def test_notice_on_the_way_to_another_line_cannot_be_played_it_is_a_tone(desk: Desk, how: str) -> None:
    with spoilt(desk, "notice-recorded", how):
        call = await desk.arrive_in_hold()
        await desk.actions.ask("Setvar", Channel=call.uid, Variable="CC_PROMPT", Value="callcenter/notice-recorded")

        async def tone_s() -> float:
            since, began = desk.mark(), asyncio.get_running_loop().time()
            await desk.offer(call, "0", 0, "say")
            await desk.events.user("CcHolding", since=since, Uniqueid=call.uid)
            return asyncio.get_running_loop().time() - began

        assert 1.0 < await least(tone_s, 2.2) < 2.2
    await desk.assert_waits(call)

"""The service is away: callers reach Asterisk's own queue and come back, in their order; nobody is dropped."""

import asyncio
import time

import pytest

from callcenter.lab.sip_phone import Leg, Phone, answers, header
from tests.integration.dialplan.desk import Call, Desk
from tests.integration.raw_ami import Message
from tests.integration.stalls import stalls

pytestmark = pytest.mark.pbx


async def entered(desk: Desk, call: Call, since: int = 0, timeout_s: float = 20.0) -> Message:
    """Wait until a caller is in Queue()."""
    return await desk.events.user("CcFallback", timeout_s, since, Uniqueid=call.uid, State="entered")


async def test_service_dies_callers_reach_the_queue_in_time_keep_their_order_and_come_back(desk: Desk) -> None:
    calls = [await desk.arrive_in_hold() for _ in range(6)]
    other_line = await desk.arrive_in_hold("777")
    desk.is_alive = False
    async with stalls() as late_s:
        came = {call.uid: await entered(desk, call, timeout_s=40) for call in (*calls, other_line)}
    for call in (*calls, other_line):
        told = came[call.uid]
        assert told["Queue"] == ("callcenter-default" if call is other_line else "callcenter-general")
        assert 12.0 < float(told["Timestamp"]) - desk.beat_s <= 15.0 + sum(late_s)

    late = await desk.arrive()
    await entered(desk, late)
    assert desk.story(late) == ["CcArrived", "CcFallback"]

    agent = await desk.agent("8101", answers(0.02))
    member = {"Queue": "callcenter-general", "Interface": "PJSIP/8101"}
    assert len({await desk.actions.get(call.uid, "QUEUE_PRIO") for call in calls}) == len(calls)
    await desk.actions.ask("QueueAdd", **member, MemberName="1001", Paused="false")
    for call in calls[:3]:  # in the order of arrival, whoever left his rest first
        leg = await agent.next_call()
        await desk.bridged(call)
        if call is calls[2]:
            await desk.actions.ask("QueueRemove", **member)
        agent.hang_up(leg)
        ended = await desk.events.user("CcEnd", Uniqueid=call.uid)
        assert (ended["Who"], ended["Place"]) == ("agent", "fallback")

    desk.is_alive = True
    await desk.beat()
    took = []
    for call in (*calls[3:], late, other_line):
        since, began = desk.mark(), time.monotonic()
        await desk.actions.wake(call.uid)
        await desk.events.user("CcFallback", since=since, Uniqueid=call.uid, State="left", Status="WOKEN")
        await desk.events.user("CcHolding", since=since, Uniqueid=call.uid)
        took.append(time.monotonic() - began)
        assert await desk.actions.get(call.uid, "CC_ARRIVED") == call.arrived["Arrived"]
    assert sorted(took)[2] < 1.0, took
    await desk.assert_waits(calls[-1])


async def talks_from_the_queue(desk: Desk) -> tuple[Call, Phone, Leg]:
    """A caller whom the PBX's own queue joined with 8102; the service is back."""
    desk.is_alive = False
    await desk.actions.set_global("CC_BEAT", "")
    agent = await desk.agent("8102", answers(0.02))
    member = {"Queue": "callcenter-general", "Interface": "PJSIP/8102"}
    await desk.actions.ask("QueueAdd", **member, MemberName="1002", Paused="false")
    call = await desk.arrive()
    leg = await agent.next_call()
    await desk.actions.ask("QueueRemove", **member)
    await desk.bridged(call)
    await desk.beat()
    return call, agent, leg


async def test_agent_of_the_queue_sees_the_caller_and_the_hand_over_by_wish_works_there_too(desk: Desk) -> None:
    second = await desk.agent("8103", answers(0.02))
    call, agent, leg = await talks_from_the_queue(desk)
    assert "13800138000" in header(leg.request, "From")
    target = desk.target("endpoint", "8103")
    await desk.actions.ask("Setvar", Channel=call.uid, Variable="CC_AFTER", Value="1")
    await desk.actions.ask("Setvar", Channel=call.uid, Variable="CC_GO", Value=target)
    agent.hang_up(leg)
    await second.next_call()
    assert await desk.actions.get(call.uid, "CC_TARGET") == target


async def test_wish_for_a_waiting_caller_comes_when_the_queue_had_joined_him_and_his_call_ends_with_the_talk(
    desk: Desk,
) -> None:
    call, agent, leg = await talks_from_the_queue(desk)
    await desk.offer(call, "8103")
    agent.hang_up(leg)
    await asyncio.wait_for(call.leg.is_ended.wait(), 10)
    assert call.leg.ended_by == "peer"
    assert desk.story(call).count("CcConnecting") == 0


async def test_heartbeat_missing_old_or_from_the_far_future_is_stale_and_a_fresh_one_is_not(desk: Desk) -> None:
    desk.is_alive = False
    beats: dict[str | int, int] = {"": 1, "x*y*z*": 1, "a*1*1*abc": 1, -30: 1, 3600: 1, 0: 0, -5: 0, 5: 0}
    for beat, is_stale in beats.items():
        told = beat if isinstance(beat, str) else f"a*1*1*{int(time.time()) + beat}"
        await desk.actions.set_global("CC_BEAT", told)
        call = await desk.arrive()
        if is_stale:
            await entered(desk, call)
        else:
            await asyncio.sleep(0.2)
        assert desk.story(call).count("CcFallback") == is_stale, beat


async def test_queue_application_missing_callers_stay_in_hold(desk: Desk) -> None:
    desk.is_alive = False
    await desk.actions.set_global("CC_BEAT", "")
    asterisk = desk.pbx.asterisk
    await asyncio.to_thread(asterisk.rx, "module unload app_queue.so")
    try:
        call = await desk.arrive()
        left = await desk.events.user("CcFallback", Uniqueid=call.uid, State="left")
        assert left["Status"] == ""
        await desk.events.user("CcHolding", Uniqueid=call.uid)
        assert await desk.quiet(
            "CcFallback", 1.0, desk.mark()
        )  # no spinning between hold and a queue that is not there
        await desk.assert_waits(call)
    finally:
        await asyncio.to_thread(asterisk.rx, "module load app_queue.so")

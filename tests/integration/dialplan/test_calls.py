"""A caller's way through the dialplan: arrive, rest, hold, talk, exits, end."""

import asyncio
import time

import pytest

from callcenter.lab.sip_phone import RINGS_ONLY, answers, header, says
from tests.integration.dialplan.desk import Desk
from tests.integration.early_rest import unanswered_rest
from tests.integration.stalls import least

pytestmark = pytest.mark.pbx


@pytest.mark.usefixtures("unanswered")
async def test_caller_arrives_agent_idle_hears_ringback_and_pays_nothing_before_the_agents_answer(desk: Desk) -> None:
    agent = await desk.agent("8101", answers(0.4))
    took = []
    for _ in range(3):
        call = await desk.arrive()
        since, began = desk.mark(), time.monotonic()
        await desk.offer(call, "8101", label="群众诉求 13800138000")
        ringing = await agent.next_call()
        took.append(ringing.heard[0][0] - began)
        rung_at = await call.leg.wait_for(180)
        answered_at = await call.leg.wait_for(200)
        assert call.leg.statuses() == [100, 180, 200]
        assert answered_at - rung_at > 0.3
        shown = header(ringing.request, "From").encode("latin-1").decode()
        assert shown.startswith('"群众诉求 13800138000" <sip:12345@')
        assert call.arrived["Did"] == "12345"
        assert call.arrived["Line"] == "general"
        assert call.arrived["Menu"] == call.arrived["Test"] == "0"
        assert await desk.actions.get(call.uid, "CC_QUEUED") == call.arrived["Arrived"]
        assert desk.story(call) == ["CcArrived", "CcConnecting"]
        await desk.bridged(call, since)
        agent.hang_up(ringing)
        await desk.events.user("CcEnd", since=since, Uniqueid=call.uid)
    assert min(took) < 0.2, took  # the wake was taken, not the end of the rest


async def test_caller_nobody_idle_is_answered_into_hold_and_a_wish_rings_the_agent_at_once(desk: Desk) -> None:
    agent = await desk.agent("8101", answers(0.1))
    call = await desk.arrive_in_hold()
    assert call.leg.statuses() == [100, 200]
    took = []
    for _ in range(5):
        agent.script = says(486)
        since, began = desk.mark(), time.monotonic()
        await desk.offer(call, "8101")
        leg = await agent.next_call()
        took.append(leg.heard[0][0] - began)
        await desk.events.user("CcHolding", since=since, Uniqueid=call.uid)
    assert sorted(took)[2] < 0.25, took  # a lost wake would wait for the end of the rest, up to 5 s


async def test_caller_presses_keys_in_hold_stays_and_the_next_wish_does_not_wait(desk: Desk) -> None:
    agent = await desk.agent("8101", answers(0.1))
    phone = await desk.caller()

    async def waited_s() -> float:
        call = await desk.arrive(phone=phone)
        await desk.events.user("CcHolding", Uniqueid=call.uid)
        await phone.keys(call.leg, "0129*#AD")
        began = time.monotonic()
        await desk.offer(call, "8101")
        leg = await agent.next_call()
        await desk.events.user("CcConnecting", Uniqueid=call.uid)
        assert desk.story(call).count("CcConnecting") == 1
        return leg.heard[0][0] - began

    assert await least(waited_s, 1.0) < 1.0


async def test_caller_woken_twice_without_a_wish_goes_on_resting(desk: Desk) -> None:
    call = await desk.arrive()
    for _ in range(3):
        await desk.actions.wake(call.uid)
    await desk.events.user("CcHolding", Uniqueid=call.uid)
    for _ in range(3):
        await desk.actions.wake(call.uid)
    await desk.assert_waits(call)
    assert desk.story(call)[:2] == ["CcArrived", "CcHolding"]


async def test_operator_reloads_the_dialplan_while_callers_wait_ring_and_talk_and_nobody_notices(desk: Desk) -> None:
    agent = await desk.agent("8101", answers(0.02))
    ringer = await desk.agent("8102", answers(1.0))
    talking, ringing, waiting = [await desk.arrive() for _ in range(3)]
    await desk.offer(talking, "8101")
    await agent.next_call()
    await desk.bridged(talking)
    await desk.offer(ringing, "8102")
    await ringer.next_call()
    await desk.events.user("CcHolding", Uniqueid=waiting.uid)
    await desk.actions.set_global("CC_REVOKED_5", "1")
    await asyncio.to_thread(desk.pbx.asterisk.rx, "dialplan reload")
    await desk.bridged(ringing)
    await desk.assert_waits(waiting)
    assert not talking.leg.is_ended.is_set()
    assert (await desk.actions.ask("Getvar", Variable="CC_REVOKED_5"))["Value"] == "1"
    assert desk.story(waiting).count("CcFallback") == 0


async def test_line_with_greeting_queues_the_call_when_it_is_over_and_takes_a_wish_written_meanwhile(
    desk: Desk,
) -> None:
    agent = await desk.agent("8101", answers(0.1))
    await desk.actions.set_global("CC_GREETING_general", "callcenter/no-such-greeting")

    async def greeted_s() -> float:
        call = await desk.arrive()
        await desk.events.user("CcMenu", Uniqueid=call.uid)
        await desk.actions.ask("Setvar", Channel=call.uid, Variable="CC_GO", Value=desk.target("endpoint", "8101"))
        await agent.next_call()
        assert call.arrived["Menu"] == "1"
        await desk.events.user("CcConnecting", Uniqueid=call.uid)
        assert desk.story(call) == ["CcArrived", "CcMenu", "CcQueued", "CcHolding", "CcConnecting"]
        return float(await desk.actions.get(call.uid, "CC_QUEUED")) - float(call.arrived["Arrived"])

    try:
        assert 1.0 < await least(greeted_s, 3.0) < 3.0  # a missing file is played as a tone
    finally:
        await desk.actions.set_global("CC_GREETING_general", "")


async def test_line_that_answers_first_has_no_unanswered_rest_and_does_not_wait_for_media(desk: Desk) -> None:
    unanswered, deaf = [], []
    await desk.actions.set_global("CC_ANSWERFIRST_general", "1")
    for _ in range(3):
        call = await desk.arrive_in_hold()
        holding_at = time.monotonic()
        answered_at = await call.leg.wait_for(200)
        unanswered.append(answered_at - call.leg.heard[0][0])
        deaf.append(holding_at - answered_at)
    await desk.actions.set_global("CC_ANSWERFIRST_general", "0")
    assert min(unanswered) < 0.25, unanswered
    assert min(deaf) < 0.25, deaf  # a plain Answer() waits up to 0.5 s for the caller's first sound


@pytest.mark.parametrize("did", ["99999", "+8612345", "*99", "hotline", "1" * 60, "12345;x=1", "12345$x", "12345,1"])
async def test_caller_dials_an_unknown_number_and_reaches_the_default_line(desk: Desk, did: str) -> None:
    call = await desk.arrive_in_hold(did)
    dialled = call.arrived["Did"]
    assert set(dialled) <= set("0123456789*#+")
    assert len(dialled) <= 32
    assert call.arrived["Line"] == ("general" if dialled == "12345" else "default")
    await desk.assert_waits(call)


HOSTILE = [
    b'"\xe5\xbc\xa0\xe4\xb8\x89"',
    b'"${EPOCH}${SHELL(id)}"',
    b'"a,b;c|d^e&f"',
    b'"x\\" UserEvent(CcEnd"',
    b'"%0d%0aEvent: UserEvent%0d%0a"',
    b'"' + b"N" * 4000 + b'"',
    b'"$[1/0] \\\\ )(" ',
    b'"\xff\xfe\x80"',
]


@pytest.mark.usefixtures("unanswered")
@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
async def test_caller_with_a_hostile_name_changes_nothing(desk: Desk, name: bytes) -> None:
    agent = await desk.agent("8101", answers(0.05))
    call = await desk.arrive(name=name)
    await desk.offer(call, "8101", label="general 1")
    leg = await agent.next_call()
    assert header(leg.request, "From").startswith('"general 1" <sip:12345@')
    await desk.bridged(call)
    agent.hang_up(leg)
    ended = await desk.events.user("CcEnd", Uniqueid=call.uid)
    assert ended["Who"] == "agent"
    assert desk.story(call) == ["CcArrived", "CcConnecting", "CcOfferEnd", "CcEnd"]


async def test_caller_hangs_up_waiting_ringing_and_talking_and_each_end_says_so(desk: Desk) -> None:
    agent = await desk.agent("8101", RINGS_ONLY)
    phone = await desk.caller()
    waiting = await desk.arrive(phone=phone)
    await desk.events.user("CcHolding", Uniqueid=waiting.uid)
    phone.hang_up(waiting.leg)
    async with unanswered_rest(desk.pbx.asterisk):
        ringing = await desk.arrive(phone=phone)
        await desk.offer(ringing, "8101")
        await ringing.leg.wait_for(180)
    phone.hang_up(ringing.leg)
    ended = await desk.events.user("CcEnd", Uniqueid=ringing.uid)
    assert (ended["Who"], ended["Status"], ended["Place"]) == ("caller", "CANCEL", "offer")
    agent.script = answers(0.02)
    talking = await desk.arrive(phone=phone)
    await desk.offer(talking, "8101")
    await desk.bridged(talking)
    phone.hang_up(talking.leg)
    ended = await desk.events.user("CcEnd", Uniqueid=talking.uid)
    assert (ended["Who"], ended["Status"], ended["Place"]) == ("caller", "ANSWER", "offer")
    ended = await desk.events.user("CcEnd", Uniqueid=waiting.uid)
    assert (ended["Who"], ended["Place"]) == ("caller", "hold")


async def test_caller_hung_up_inside_the_pbx_is_told_as_ended_by_the_system(desk: Desk) -> None:
    call = await desk.arrive_in_hold()
    await desk.actions.ask("Hangup", Channel=call.uid)
    assert (await desk.events.user("CcEnd", Uniqueid=call.uid))["Who"] == "system"


@pytest.mark.usefixtures("unanswered")
async def test_caller_rejected_is_told_why_without_being_charged(desk: Desk) -> None:
    call = await desk.arrive()
    await desk.actions.wish(call.uid, desk.target("reject", "busy"))
    ended = await desk.events.user("CcEnd", Uniqueid=call.uid)
    assert (ended["Who"], ended["Place"]) == ("system", "exit")
    await asyncio.wait_for(call.leg.is_ended.wait(), 20)
    assert call.leg.statuses() == [100, 183, 486]


@pytest.mark.usefixtures("unanswered")
async def test_caller_hangs_up_during_the_prompt_of_a_refusal_is_told_as_the_callers_end(desk: Desk) -> None:
    phone = await desk.caller()
    call = await desk.arrive(phone=phone)
    await desk.actions.wish(call.uid, desk.target("reject", "max_wait"))
    await call.leg.wait_for(183)
    await asyncio.sleep(0.3)
    phone.hang_up(call.leg)
    ended = await desk.events.user("CcEnd", Uniqueid=call.uid)
    assert (ended["Who"], ended["Place"]) == ("caller", "exit")


async def test_caller_overflowed_to_an_outside_number_talks_there_or_is_back_in_hold(desk: Desk) -> None:
    outside = await desk.outside(says(486))
    call = await desk.arrive_in_hold()
    since = desk.mark()
    await desk.offer(call, "02510086", 5, "out")
    assert (await outside.next_call()).request.startswith("INVITE sip:02510086@")
    end = await desk.events.user("CcOfferEnd", since=since, Uniqueid=call.uid)
    assert end["Status"] == "BUSY"
    await desk.events.user("CcHolding", since=since, Uniqueid=call.uid)
    outside.script = answers(0.02)
    await desk.offer(call, "02510086", 5, "out")
    leg = await outside.next_call()
    await desk.bridged(call)
    outside.hang_up(leg)
    assert (await desk.events.user("CcEnd", Uniqueid=call.uid))["Who"] == "other"

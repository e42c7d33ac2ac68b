"""How offers end: every answer that a phone can give, the fence, unreadable wishes, legs outside."""

import asyncio

import pytest

from acd.names import OfferResult
from callcenter.asterisk.offer_end import offer_result
from callcenter.lab.sip_phone import RINGS_ONLY, answers, says
from tests.integration.dialplan.conftest import NOBODY
from tests.integration.dialplan.desk import Call, Desk
from tests.integration.raw_ami import Message
from tests.integration.stalls import least

pytestmark = pytest.mark.pbx

R = OfferResult
TABLE = [
    (486, "BUSY", "17", R.BUSY),
    (600, "BUSY", "17", R.BUSY),
    (480, "NOANSWER", "19", R.BUSY),
    (603, "CHANUNAVAIL", "21", R.REFUSED),
    (403, "CHANUNAVAIL", "21", R.REFUSED),
    (404, "CHANUNAVAIL", "1", R.UNREACHABLE),
    (408, "CHANUNAVAIL", "18", R.UNREACHABLE),
    (488, "CHANUNAVAIL", "58", R.UNREACHABLE),
    (500, "CHANUNAVAIL", "38", R.UNREACHABLE),
    (503, "CONGESTION", "34", R.UNREACHABLE),
]


async def offered(desk: Desk, call: Call, number: str, ring_s: int, kind: str = "endpoint") -> Message:
    """Offer the call and return its CcOfferEnd, once the caller is back in hold."""
    since = desk.mark()
    target = await desk.offer(call, number, ring_s, kind)
    end = await desk.events.user("CcOfferEnd", since=since, Uniqueid=call.uid, timeout_s=ring_s + 20)
    assert end["Target"] == target
    await desk.events.user("CcHolding", since=since, Uniqueid=call.uid)
    return end


def result(end: Message, ring_s: int) -> OfferResult:
    """Judge a CcOfferEnd by the project's own table."""
    return offer_result(end["Status"], int(end["Cause"]), int(end["ElapsedMs"]) / 1000, ring_s)


async def test_phone_gives_each_answer_and_each_is_told_apart_and_the_caller_stays(desk: Desk) -> None:
    agent = await desk.agent("8101")
    call = await desk.arrive_in_hold()
    for status, dialstatus, cause, expected in TABLE:
        agent.script = says(status)
        wanted = (dialstatus, cause, expected)

        async def elapsed_ms(status: int = status, wanted: tuple[str, str, R] = wanted) -> int:
            end = await offered(desk, call, "8101", 5)
            assert (end["Status"], end["Cause"], result(end, 5)) == wanted, status
            assert end["AnsweredS"] == "0"
            return int(end["ElapsedMs"])

        assert await least(elapsed_ms, 1000) < 1000, status
    await desk.assert_waits(call)
    assert call.leg.statuses() == [100, 200]


async def test_phone_rings_out_after_a_refusal_is_a_miss_with_no_old_cause(desk: Desk) -> None:
    agent = await desk.agent("8101", says(603))
    call = await desk.arrive_in_hold()

    async def elapsed_ms() -> int:
        agent.script = says(603)
        await offered(desk, call, "8101", 5)
        agent.script = RINGS_ONLY
        end = await offered(desk, call, "8101", 1)
        assert (end["Status"], end["Cause"]) == ("NOANSWER", "0")
        assert result(end, 1) is R.NOT_ANSWERED
        return int(end["ElapsedMs"])

    assert 990 <= await least(elapsed_ms, 1501) <= 1500


async def test_phone_not_registered_or_unknown_is_unreachable_at_once(desk: Desk) -> None:
    call = await desk.arrive_in_hold()
    for number in (NOBODY, "nosuchphone"):

        async def elapsed_ms(number: str = number) -> int:
            end = await offered(desk, call, number, 5)
            assert end["Status"] == "CHANUNAVAIL"
            assert result(end, 5) is R.UNREACHABLE
            return int(end["ElapsedMs"])

        assert await least(elapsed_ms, 500) < 500


@pytest.mark.usefixtures("unanswered")
async def test_offer_in_the_unanswered_rest_that_is_refused_leads_to_hold(desk: Desk) -> None:
    await desk.agent("8101", says(486))
    call = await desk.arrive()
    await offered(desk, call, "8101", 5)
    assert desk.story(call) == ["CcArrived", "CcConnecting", "CcOfferEnd", "CcHolding"]
    await desk.assert_waits(call)


async def test_phone_that_forwards_its_calls_is_not_followed(desk: Desk) -> None:
    agent = await desk.agent("8101", says(302))
    other = await desk.agent("8102", answers())
    outside = await desk.outside(answers())
    agent.forwards_to = "sip:8102@127.0.0.1"
    call = await desk.arrive_in_hold()
    end = await offered(desk, call, "8101", 2)
    assert (end["Status"], result(end, 2)) == ("BUSY", R.BUSY)
    assert other.incoming.empty()
    assert outside.incoming.empty()
    await desk.assert_waits(call)


async def test_leg_hung_up_by_its_own_uniqueid_leaves_the_caller_in_hold(desk: Desk) -> None:
    await desk.agent("8101")  # says nothing at all: a dead phone
    call = await desk.arrive_in_hold()
    since = desk.mark()
    await desk.offer(call, "8101", 10)
    await desk.actions.ask("Hangup", Channel=await desk.leg_uid(call, since))
    await desk.events.user("CcOfferEnd", since=since, Uniqueid=call.uid)
    await desk.events.user("CcHolding", since=since, Uniqueid=call.uid)
    await desk.assert_waits(call)


async def test_wish_of_a_revoked_epoch_rings_nobody_and_the_caller_stays(desk: Desk) -> None:
    agent = await desk.agent("8101", answers())
    await desk.actions.set_global("CC_REVOKED_6", "1")
    call = await desk.arrive_in_hold()
    since = desk.mark()
    target = desk.target("endpoint", "8101", epoch=6)
    await desk.actions.wish(call.uid, target)
    fenced = await desk.events.user("CcFenced", since=since, Uniqueid=call.uid)
    assert fenced["Target"] == target
    await desk.events.user("CcHolding", since=since, Uniqueid=call.uid)
    await desk.assert_waits(call)
    dialled = [event for _, event in desk.events.events if event.get("Event") == "DialBegin"]
    assert not [event for event in dialled if event.get("Uniqueid") == call.uid]
    await desk.offer(call, "8101")
    await agent.next_call()
    await desk.events.user("CcConnecting", since=since, Uniqueid=call.uid)


@pytest.mark.parametrize(
    "wish",
    [
        "garbage",
        "*****",
        "endpoint**7-1*7*5",
        "nokind*8101*7-1*7*5",
        "${EPOCH}*1*1*7*5",
        "8101",
        "endpoint*8101",
        "h",
        "i*1*1*7*5",
    ],
)
async def test_wish_that_cannot_be_read_is_told_and_the_caller_stays(desk: Desk, wish: str) -> None:
    call = await desk.arrive_in_hold()
    since = desk.mark()
    await desk.actions.wish(call.uid, wish)
    end = await desk.events.user("CcOfferEnd", since=since, Uniqueid=call.uid)
    assert result(end, 5) is R.FAILED
    await desk.events.user("CcHolding", since=since, Uniqueid=call.uid)
    await desk.assert_waits(call)


@pytest.mark.usefixtures("unanswered")
async def test_leg_outside_is_a_talk_only_after_a_one_was_pressed(desk: Desk) -> None:
    outside = await desk.outside(answers(0.02))
    call = await desk.arrive()
    await desk.offer(call, "13912345678", 12, "trunk")
    leg = await outside.next_call()
    assert leg.request.startswith("INVITE sip:13912345678@")
    await asyncio.sleep(1.2)  # he hears the question
    assert 200 not in call.leg.statuses()
    await desk.presses_1(outside, leg, call)
    await call.leg.wait_for(200)
    assert call.leg.statuses()[-1] == 200
    outside.hang_up(leg)
    assert (await desk.events.user("CcOfferEnd", Uniqueid=call.uid))["Status"] == "ANSWER"


async def test_leg_outside_that_a_voicemail_answers_is_not_answered_within_the_ring_time(desk: Desk) -> None:
    await desk.outside(answers(0.02))
    call = await desk.arrive()

    async def elapsed_ms() -> int:
        end = await offered(desk, call, "13912345678", 5, "trunk")
        assert end["Status"] == "NOCONFIRM"
        assert result(end, 5) is R.NOT_ANSWERED
        return int(end["ElapsedMs"])

    assert await least(elapsed_ms, 8000) < 8000
    await desk.assert_waits(call)


async def test_leg_outside_hangs_up_at_the_question_and_the_caller_is_back_in_hold(desk: Desk) -> None:
    outside = await desk.outside(answers(0.02))
    call = await desk.arrive_in_hold()
    since = desk.mark()
    await desk.offer(call, "13912345678", 12, "trunk")
    leg = await outside.next_call()
    await asyncio.sleep(0.5)
    outside.hang_up(leg)
    end = await desk.events.user("CcOfferEnd", since=since, Uniqueid=call.uid)
    assert result(end, 12) is R.NOT_ANSWERED
    await desk.events.user("CcHolding", since=since, Uniqueid=call.uid)
    await desk.assert_waits(call)


async def test_caller_hangs_up_at_the_question_and_the_leg_outside_is_released(desk: Desk) -> None:
    outside = await desk.outside(answers(0.02))
    phone = await desk.caller()
    call = await desk.arrive(phone=phone)
    await desk.offer(call, "13912345678", 12, "trunk")
    leg = await outside.next_call()
    await asyncio.sleep(0.5)
    phone.hang_up(call.leg)
    ended = await desk.events.user("CcEnd", Uniqueid=call.uid)
    assert ended["Who"] == "caller"
    await asyncio.wait_for(leg.is_ended.wait(), 20)

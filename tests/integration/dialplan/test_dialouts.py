"""Phones that dial out: they ask, wait for a word, and reach numbers of the trunk and nothing else."""

import asyncio
import time

import pytest

from callcenter.lab.sip_phone import Leg, Phone, answers
from tests.integration.called_party import shown
from tests.integration.dialplan.desk import Desk
from tests.integration.raw_ami import Message
from tests.integration.stalls import least

pytestmark = pytest.mark.pbx

OWN = "02586001234"


async def asked(desk: Desk, phone: Phone, number: str) -> tuple[Leg, Message]:
    """Dial a number; return the phone's leg and what the PBX asks."""
    since = desk.mark()
    leg = phone.call(number)
    said = await desk.events.user("CcOutbound", since=since, State="asked")
    return leg, said


async def answer(desk: Desk, said: Message, word: str, **variables: str) -> None:
    """Give the service's word."""
    writes = [
        ("Setvar", {"Channel": said["Uniqueid"], "Variable": name, "Value": value})
        for name, value in {**variables, "CC_REPLY": word}.items()
    ]
    await desk.actions.ask_all(*writes, ("PlayDTMF", {"Channel": said["Uniqueid"], "Digit": "D", "Receive": "true"}))


@pytest.mark.parametrize(
    "number, reached", [("9010123", "010123"), ("02584001234", "02584001234"), ("13912345678", "13912345678")]
)
async def test_agent_dials_a_number_it_is_asked_for_then_dialled_and_told(
    desk: Desk, number: str, reached: str
) -> None:
    seat = await desk.agent("8101")
    outside = await desk.outside(answers(0.02))
    leg, said = await asked(desk, seat, number)
    assert (said["Endpoint"], said["Number"], said["Code"]) == ("8101", reached, "")
    assert outside.incoming.empty()
    await answer(desk, said, "ok", CC_LINE="general", CC_OUTBOUND_NUMBER=OWN)
    away = await outside.next_call()
    assert away.request.startswith(f"INVITE sip:{reached}@")
    assert shown(away.request) == [OWN]
    await leg.wait_for(200)
    begun = await desk.events.user("CcOutbound", State="started")
    assert (begun["Endpoint"], begun["Number"], begun["Line"]) == ("8101", reached, "general")
    seat.refer(leg, "755")  # nobody of ours is there to hand over: refused, the talk goes on
    await asyncio.sleep(0.1)
    assert await desk.quiet("CcTransfer", 0.1, 0)
    outside.hang_up(away)
    ended = await desk.events.user("CcOutbound", State="ended")
    assert (ended["Status"], ended["Uniqueid"]) == ("ANSWER", begun["Uniqueid"])
    assert "trunk" in ended["By"]


async def test_agent_without_own_number_shows_the_trunks_never_his_own(desk: Desk) -> None:
    seat = await desk.agent("8101")
    outside = await desk.outside(answers(0.02))
    _, said = await asked(desk, seat, "02584001234")
    await answer(desk, said, "ok", CC_LINE="general")
    away = await outside.next_call()
    assert shown(away.request) == ["Anonymous", "anonymous"]  # a trunk without from_user, and no CC_OUTBOUND_NUMBER


async def test_agent_calls_back_the_number_is_the_services(desk: Desk) -> None:
    seat = await desk.agent("8101")
    outside = await desk.outside(answers(0.02))
    _, said = await asked(desk, seat, "*17")
    assert (said["Number"], said["Code"]) == ("", "call_back")
    await answer(desk, said, "ok", CC_OUT="+8613912345678", CC_LINE="general", CC_FOLLOWS="lab-1.1")
    away = await outside.next_call()
    assert away.request.startswith("INVITE sip:+8613912345678@")
    begun = await desk.events.user("CcOutbound", State="started")
    assert (begun["Number"], begun["Follows"]) == ("+8613912345678", "lab-1.1")


async def test_agent_is_refused_he_hears_why_and_it_is_no_call(desk: Desk) -> None:
    seat = await desk.agent("8101")
    outside = await desk.outside(answers(0.02))
    leg, said = await asked(desk, seat, "9001234567")
    await answer(desk, said, "outbound")
    await asyncio.wait_for(leg.is_ended.wait(), 10)
    assert leg.statuses()[-2:] == [183, 403]  # the prompt as early media, then no
    assert outside.incoming.empty()
    assert await desk.quiet("CcOutbound", 0.2, desk.mark())
    states = [event["State"] for event in desk.events.of(said["Uniqueid"], "CcOutbound")]
    assert states == ["asked"]


async def test_agent_hangs_up_while_it_is_asked_and_nothing_is_left(desk: Desk) -> None:
    seat = await desk.agent("8101")
    leg, said = await asked(desk, seat, "02584001234")
    seat.hang_up(leg)
    await desk.events.until(lambda e: e["Event"] == "Hangup" and e["Uniqueid"] == said["Uniqueid"])
    states = [event["State"] for event in desk.events.of(said["Uniqueid"], "CcOutbound")]
    assert states == ["asked"]


@pytest.mark.parametrize("number", ["913900000001", "9001234567", "*17"])
async def test_service_is_away_nothing_is_dialled_and_the_agent_hears_so(desk: Desk, number: str) -> None:
    seat = await desk.agent("8101")
    outside = await desk.outside(answers(0.02))
    began = time.monotonic()
    leg, _ = await asked(desk, seat, number)
    await asyncio.wait_for(leg.is_ended.wait(), 10)
    assert leg.statuses()[-2:] == [183, 503]
    assert time.monotonic() - began >= 2
    assert outside.incoming.empty()


async def test_service_is_away_and_the_operator_allows_it_but_not_abroad(desk: Desk) -> None:
    seat = await desk.agent("8101")
    outside = await desk.outside(answers(0.02))
    await desk.actions.set_global("CC_OUTBOUND_AWAY", "allow")
    try:
        leg, said = await asked(desk, seat, "913900000001")
        away = await outside.next_call()
        await leg.wait_for(200)
        assert away.request.startswith("INVITE sip:13900000001@")
        assert shown(away.request) == ["Anonymous", "anonymous"]
        outside.hang_up(away)
        await desk.events.user("CcOutbound", State="ended", Uniqueid=said["Uniqueid"])
        for number in ("9001234567", "*17", "91*2"):
            leg, _ = await asked(desk, seat, number)
            await asyncio.wait_for(leg.is_ended.wait(), 10)
            assert outside.incoming.empty(), number
    finally:
        await desk.actions.set_global("CC_OUTBOUND_AWAY", "")


@pytest.mark.parametrize("number", ["110", "9120"])
async def test_emergency_number_is_dialled_at_once_whoever_dials_it(desk: Desk, number: str) -> None:
    desk.is_alive = False
    seat = await desk.agent("8101")
    outside = await desk.outside(answers(0.02))

    async def dialled_s() -> float:
        since, began = desk.mark(), time.monotonic()
        leg = seat.call(number)
        away = await outside.next_call()
        took_s = time.monotonic() - began
        assert away.request.startswith(f"INVITE sip:{number[-3:]}@")
        begun = await desk.events.user("CcOutbound", since=since, State="started")
        assert begun["Number"] == number[-3:]
        await leg.wait_for(200)
        return took_s

    assert await least(dialled_s, 1) < 1


async def test_agent_dials_what_is_no_number_of_ours_and_is_refused(desk: Desk) -> None:
    seat = await desk.agent("8101")
    for number in (
        "555",
        "callcenter-hold",
        "s",
        "h",
        "i",
        "t",
        "D",
        "*99",
        "*17*",
        "8102",
        "12345",
        "801",
        "+8613900000001",
        "9",
    ):
        leg = seat.call(number)
        await asyncio.wait_for(leg.is_ended.wait(), 10)
        assert leg.statuses()[-1] in {404, 484}, number


@pytest.mark.parametrize(
    "number",
    [
        "9" + "1" * 60,
        "91a2b3",
        "9123%2C456",
        "9123&PJSIP%2F8102",
        "9123%24%7BCC_BEAT%7D",
        "0123)(4",
        "9123;4",
        "91*72",
        "0123%0d%0aX",
    ],
)
async def test_hostile_number_is_never_dialled_in_part(desk: Desk, number: str) -> None:
    seat, other = await desk.agent("8101"), await desk.agent("8102", answers(0.02))
    outside = await desk.outside(answers(0.02))
    since = desk.mark()
    leg = seat.call(number)
    await asyncio.wait_for(leg.is_ended.wait(), 10)  # nobody says yes
    told = [event for _, event in desk.events.events[since:] if event.get("UserEvent") == "CcOutbound"]
    assert told
    assert all(not event["Number"].lstrip("+").isdigit() for event in told)
    assert outside.incoming.empty()
    assert other.incoming.empty()

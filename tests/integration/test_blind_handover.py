"""Blind hand-overs on a real PBX: by key and by REFER, to the topics of the plan and nowhere else."""

import asyncio
from functools import partial

import pytest

from callcenter.lab.baresip import Baresip
from callcenter.lab.sip_phone import RINGS_ONLY, answers, says
from tests.integration.handover_office import (
    FIRST_701,
    NEXT_702,
    OUTSIDE,
    SEAT,
    SECOND,
    HandOverBuilding,
    HandOverOffice,
    brief,
    people,
)

pytestmark = pytest.mark.pbx
BUILDING = HandOverBuilding
OFFICE = HandOverOffice


async def test_blind_by_key_first_specialist_is_busy_the_next_one_answers(office: HandOverOffice) -> None:
    await office.specialist("701", says(486))
    second = await office.specialist("702", answers(0.1))
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*755")
    third = await second.next_call()
    await office.until_talks(talk.leg, "702")
    second.hang_up(third)

    row, talks, hand_overs = await office.story(talk.leg)
    assert (row["outcome"], row["agent"]) == ("agent_answered", "8001")
    assert people(talks) == [SEAT, NEXT_702]
    assert brief(hand_overs) == [("blind", "reached", "702")]


async def test_blind_nobody_is_reached_the_caller_is_back_in_the_line_with_his_wait(office: HandOverOffice) -> None:
    await office.specialist("702", says(480))
    talk = await office.talk()
    await office.leaves("1001")  # else he would be the next one who is ready, a second later
    await talk.seat.keys(talk.seat_leg, "*756")
    await office.until_handed_over(talk.leg, "no_specialist")
    other = await office.ready("1002")
    second = await other.next_call()
    await office.until_talks(talk.leg, "8002")
    other.hang_up(second)

    row, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, SECOND]
    assert brief(hand_overs) == [("blind", "no_specialist", None)]
    seconds = [one for one in await office.offers(row) if one["agent"] == "8002"]
    waited = (row["answered_ms"] - row["arrived_ms"]) + (seconds[0]["made_ms"] - talks[0]["closed_ms"])
    assert abs(seconds[0]["score_ms"] - waited) < 50, "what he had waited counts, what he talked does not"


async def test_blind_to_an_outside_number_he_must_press_1(office: HandOverOffice) -> None:
    outside = await office.outside(answers(0.1))
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*757")
    third = await outside.next_call()
    await office.presses_1(outside, third, partial(office.talk_is, talk.leg, OUTSIDE))
    outside.hang_up(third)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, (OUTSIDE, "specialist", "engine")]
    assert brief(hand_overs) == [("blind", "reached", OUTSIDE)]


async def test_blind_caller_hangs_up_while_the_specialist_rings(office: HandOverOffice) -> None:
    specialist = await office.specialist("701", RINGS_ONLY)
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*755")
    await specialist.next_call()
    await office.until_wrap_up(talk)
    talk.caller.hang_up(talk.leg)

    row, talks, hand_overs = await office.story(talk.leg)
    assert (row["outcome"], row["requeue_abandoned"]) == ("agent_answered", True)
    assert people(talks) == [SEAT]
    assert brief(hand_overs) == [("blind", "caller_gone", None)]


async def test_blind_by_refer_of_a_phone_the_specialist_gets_the_caller(office: HandOverOffice) -> None:
    specialist = await office.specialist("701", answers(0.1))
    talk = await office.talk()
    talk.seat.refer(talk.seat_leg, "755")
    third = await specialist.next_call()
    await office.until_talks(talk.leg, "701")
    await office.until_wrap_up(talk)
    specialist.hang_up(third)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, FIRST_701]
    assert brief(hand_overs) == [("blind", "reached", "701")]
    assert (hand_overs[0]["agent"], hand_overs[0]["topic"]) == ("8001", "55")


async def test_blind_by_refer_of_real_softphones(office: HandOverOffice) -> None:
    seat = Baresip(office.site.pbx, "2001", answer_after_s=0.1)
    specialist = Baresip(office.site.pbx, "703", role="specialist", answer_after_s=0.1)
    try:
        await asyncio.gather(seat.start(), specialist.start())
        await seat.log_in("8011", office.site.seats["8011"].pin)
        await office.until_presence("8011", "ready")
        caller = await office.caller()
        leg = caller.call("12347")
        await office.until_presence("8011", "talking")
        await seat.transfer("758")
        await office.until_talks(leg, "703")
        await specialist.hang_up()
        row, talks, hand_overs = await office.story(leg)
    finally:
        await asyncio.gather(seat.stop(), specialist.stop())

    assert (row["outcome"], row["agent"]) == ("agent_answered", "8011")
    assert people(talks) == [("8011", "seat", "engine"), ("703", "specialist", "engine")]
    assert brief(hand_overs) == [("blind", "reached", "703")]


async def test_specialist_is_not_registered_he_is_passed_over_at_once(office: HandOverOffice) -> None:
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*858")
    await office.until_handed_over(talk.leg, "no_specialist")
    talk.caller.hang_up(talk.leg)
    row, _, hand_overs = await office.story(talk.leg)
    assert [one["agent"] for one in await office.offers(row)] == ["8001"]
    assert brief(hand_overs) == [("three_way", "no_specialist", None)]


# who may transfer what -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["02512345678", "902512345678", "12345", "1002", "*12", "7555"])
async def test_seat_refers_elsewhere_and_the_talk_goes_on(office: HandOverOffice, number: str) -> None:
    talk = await office.talk()
    talk.seat.refer(talk.seat_leg, number)
    await asyncio.sleep(0.5)
    assert not talk.is_over
    assert (await office.agent("8001"))["presence"] == "talking"
    talk.caller.hang_up(talk.leg)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT]
    assert hand_overs == []


async def test_caller_can_transfer_nothing_and_has_no_keys(office: HandOverOffice) -> None:
    await office.specialist("701", answers(0.1))
    talk = await office.talk()
    talk.caller.refer(talk.leg, "755")
    await talk.caller.keys(talk.leg, "*855*755")
    await asyncio.sleep(1.0)
    assert talk.leg.statuses()[-1] >= 200
    assert (await office.agent("8001"))["presence"] == "talking"
    assert not talk.seat_leg.is_ended.is_set()
    talk.caller.hang_up(talk.leg)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT]
    assert hand_overs == []


async def test_blind_nobody_is_reached_and_the_plan_has_an_exit_the_caller_takes_it(office: HandOverOffice) -> None:
    await office.specialist("702", says(486))
    outside = await office.outside(answers(0.1))
    old = office.site.plan_text
    exit_ = 'handover_exit = { number = "02512345678" }\n'
    await office.put_in_force(old.replace("specialist_ring_s", exit_ + "specialist_ring_s"))
    try:
        talk = await office.talk()
        await talk.seat.keys(talk.seat_leg, "*756")
        there = await outside.next_call()
        assert there.request.startswith("INVITE sip:02512345678@")
        await asyncio.sleep(0.5)
        talk.caller.hang_up(talk.leg)
        row, talks, hand_overs = await office.story(talk.leg)
    finally:
        await office.put_in_force(old)

    assert (row["outcome"], row["agent"], row["left_ms"] > row["talk_ended_ms"]) == ("agent_answered", "8001", True)
    assert people(talks) == [SEAT]
    assert brief(hand_overs) == [("blind", "no_specialist", None)]


async def test_run_is_over_both_witnesses_know_the_same_calls_and_agree(office: HandOverOffice) -> None:
    await office.agrees_with_cel()

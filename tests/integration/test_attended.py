"""Attended hand-overs on a real PBX: the seat consults a specialist, then his phone joins the two (REFER with Replaces)."""

import asyncio

import pytest

from callcenter.lab.sip_phone import answers, says
from tests.integration.handover_office import (
    OUTSIDE,
    SEAT,
    HandOverBuilding,
    HandOverOffice,
    brief,
    people,
)
from tests.integration.office import until

pytestmark = pytest.mark.pbx
BUILDING = HandOverBuilding
OFFICE = HandOverOffice


async def test_attended_seat_consults_and_joins_the_two_by_refer_with_replaces(office: HandOverOffice) -> None:
    specialist = await office.specialist("701", answers(0.1))
    talk = await office.talk()
    talk.seat.hold(talk.seat_leg)
    await office.until_presence("8001", "hold")
    consult = talk.seat.call("755")
    third = await specialist.next_call()
    await consult.wait_for(200)
    assert (await office.agent("8001"))["presence"] == "hold"
    await office.joins(talk, consult)
    await office.until_talks(talk.leg, "701")
    await office.until_wrap_up(talk)
    assert not talk.is_over
    specialist.hang_up(third)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 20)

    row, talks, hand_overs = await office.story(talk.leg)
    assert (row["outcome"], row["agent"], row["ended_by"]) == ("agent_answered", "8001", "agent")
    assert people(talks) == [SEAT, ("701", "specialist", "joined")]
    assert brief(hand_overs) == [("attended", "reached", "701")]
    assert (hand_overs[0]["agent"], hand_overs[0]["topic"]) == ("8001", "55")
    assert row["hold_ms"] > 0


async def test_attended_consult_ends_without_transfer_there_was_no_hand_over(office: HandOverOffice) -> None:
    specialist = await office.specialist("701", answers(0.1))
    talk = await office.talk()
    talk.seat.hold(talk.seat_leg)
    consult = talk.seat.call("755")
    await specialist.next_call()
    await consult.wait_for(200)
    talk.seat.hang_up(consult)
    talk.seat.resume(talk.seat_leg)
    await until(lambda: office.noted("consult_ended"), "a note says that the seat only asked")
    assert not talk.is_over
    talk.seat.hang_up(talk.seat_leg)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT]
    assert hand_overs == []


async def test_attended_first_specialist_is_busy_the_phone_is_given_the_next(office: HandOverOffice) -> None:
    await office.specialist("701", says(486))
    second = await office.specialist("702", answers(0.1))
    talk = await office.talk()
    talk.seat.hold(talk.seat_leg)
    consult = talk.seat.call("755")
    third = await second.next_call()
    await consult.wait_for(200)
    await office.joins(talk, consult)
    await office.until_talks(talk.leg, "702")
    second.hang_up(third)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, ("702", "specialist", "joined")]
    assert brief(hand_overs) == [("attended", "reached", "702")]


async def test_attended_nobody_is_reached_the_seat_hears_it_and_keeps_his_caller(office: HandOverOffice) -> None:
    await office.specialist("702", says(486))
    talk = await office.talk()
    talk.seat.hold(talk.seat_leg)
    consult = talk.seat.call("756")
    await asyncio.wait_for(consult.is_ended.wait(), 20)
    assert consult.ended_by == "peer"
    talk.seat.resume(talk.seat_leg)
    await office.until_handed_over(talk.leg, "no_specialist")
    await office.until_presence("8001", "talking")
    talk.caller.hang_up(talk.leg)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT]
    assert brief(hand_overs) == [("attended", "no_specialist", None)]


async def test_attended_to_a_topic_nobody_has_the_seat_keeps_his_caller(office: HandOverOffice) -> None:
    talk = await office.talk()
    consult = talk.seat.call("799")
    await asyncio.wait_for(consult.is_ended.wait(), 20)
    await office.until_handed_over(talk.leg, "no_specialist")
    talk.caller.hang_up(talk.leg)

    _, _, hand_overs = await office.story(talk.leg)
    assert [(one["mode"], one["topic"], one["result"]) for one in hand_overs] == [("attended", "99", "no_specialist")]


async def test_phone_without_a_caller_asks_for_a_specialist_and_is_refused(office: HandOverOffice) -> None:
    await office.specialist("701", answers(0.1))
    seat = await office.ready("1001")
    consult = seat.call("755")
    await asyncio.wait_for(consult.is_ended.wait(), 20)
    assert consult.ended_by == "peer"
    assert (await office.phone("701")).incoming.empty()


async def test_attended_to_an_outside_number_he_presses_1_and_is_known_by_his_number(office: HandOverOffice) -> None:
    outside = await office.outside(answers(0.1))
    talk = await office.talk()
    talk.seat.hold(talk.seat_leg)
    consult = talk.seat.call("757")
    third = await outside.next_call()

    async def is_through() -> bool:
        return 200 in consult.statuses()

    await office.presses_1(outside, third, is_through)
    await office.joins(talk, consult)
    await office.until_talks(talk.leg, OUTSIDE)
    talk.caller.hang_up(talk.leg)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, (OUTSIDE, "specialist", "joined")]
    assert brief(hand_overs) == [("attended", "reached", OUTSIDE)]


async def test_attended_seat_joins_his_caller_with_whom_he_dialled_outside_and_it_is_on_record(
    office: HandOverOffice,
) -> None:
    outside = await office.outside(answers(0.1))
    talk = await office.talk()
    talk.seat.hold(talk.seat_leg)
    second = talk.seat.call("902512345678")
    there = await outside.next_call()
    await second.wait_for(200)
    await asyncio.sleep(0.3)
    await office.joins(talk, second)
    await office.until_talks(talk.leg, "trunk")
    await office.until_wrap_up(talk)
    outside.hang_up(there)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 20)

    row, talks, hand_overs = await office.story(talk.leg)
    assert (row["outcome"], row["agent"]) == ("agent_answered", "8001")
    assert people(talks) == [SEAT, ("trunk", "unknown", "joined")]
    assert hand_overs == []


# blind ---------------------------------------------------------------------------------------------------------------------


async def test_attended_service_is_killed_during_the_consult_the_joined_specialist_is_known(
    office: HandOverOffice,
) -> None:
    specialist = await office.specialist("701", answers(0.1))
    talk = await office.talk()
    talk.seat.hold(talk.seat_leg)
    consult = talk.seat.call("755")
    third = await specialist.next_call()
    await consult.wait_for(200)
    office.site.kill_service()
    await office.site.start_service()
    await office.joins(talk, consult)
    await office.until_talks(talk.leg, "701")
    office.site.kill_service()
    await office.site.start_service()
    specialist.hang_up(third)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 20)

    row, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, ("701", "specialist", "joined")]
    assert (row["specialist_answers"], row["outcome"]) == (1, "agent_answered")
    assert brief(hand_overs) == [("attended", "reached", "701")]


async def test_run_is_over_both_witnesses_know_the_same_calls_and_agree(office: HandOverOffice) -> None:
    await office.agrees_with_cel()

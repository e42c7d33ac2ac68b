"""Three-way over a service or a phone that dies meanwhile: nobody is lost and nobody counted twice, on a real PBX."""

import asyncio

import pytest

from callcenter.lab.sip_phone import RINGS_ONLY, answers
from tests.integration.handover_office import (
    FIRST_701,
    NEXT_702,
    SEAT,
    HandOverBuilding,
    HandOverOffice,
    brief,
    people,
)

pytestmark = pytest.mark.pbx
BUILDING = HandOverBuilding
OFFICE = HandOverOffice


@pytest.mark.usefixtures("patient")
async def test_three_way_agents_phone_dies_while_the_specialist_rings_the_caller_is_not_lost(
    office: HandOverOffice,
) -> None:
    specialist = await office.specialist("701", RINGS_ONLY)
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*855")
    await specialist.next_call()
    await office.until_offers(talk.leg, ("8001", "accepted"), ("701", None))
    specialist.script = answers(0.1)
    await office.hang_up_in_pbx("PJSIP/1001")
    again = await specialist.next_call()
    await office.until_talks(talk.leg, "701")
    specialist.hang_up(again)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, FIRST_701]
    assert brief(hand_overs) == [("three_way", "reached", "701")]


# the service is killed in the middle ------------------------------------------------------------------------------------------


async def test_three_together_service_is_killed_all_are_found_again_and_counted_once(office: HandOverOffice) -> None:
    specialist = await office.specialist("701", answers(0.1))
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*855")
    third = await specialist.next_call()
    await office.until_talks(talk.leg, "8001", "701")
    office.site.kill_service()
    await office.site.start_service()
    await office.until_presence("8001", "talking")
    talk.seat.hang_up(talk.seat_leg)
    await office.until_wrap_up(talk)
    await office.until_talks(talk.leg, "701")
    assert not talk.is_over
    specialist.hang_up(third)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 10)

    row, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, FIRST_701]
    assert (row["agent_answers"], row["specialist_answers"]) == (1, 1)
    assert row["talk_ms"] == row["talk_ended_ms"] - row["answered_ms"]
    assert brief(hand_overs) == [("three_way", "reached", "701")]


async def test_three_together_service_is_killed_seat_leaves_meanwhile_the_specialist_is_found_with_the_caller(
    office: HandOverOffice,
) -> None:
    specialist = await office.specialist("701", answers(0.1))
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*855")
    third = await specialist.next_call()
    await office.until_talks(talk.leg, "8001", "701")
    office.site.kill_service()
    talk.seat.hang_up(talk.seat_leg)
    await asyncio.sleep(0.2)
    await office.site.start_service()
    await office.until_wrap_up(talk)
    assert not talk.is_over
    specialist.hang_up(third)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 10)

    row, talks, hand_overs = await office.story_alone(talk.leg)
    assert (row["outcome"], row["agent"]) == ("agent_answered", "8001")
    assert people(talks) == [SEAT, FIRST_701]
    assert brief(hand_overs) == [("three_way", "reached", "701")]


@pytest.mark.usefixtures("patient")
async def test_three_way_service_is_killed_while_the_specialist_rings_he_comes_in_and_is_known_afterwards(
    office: HandOverOffice,
) -> None:
    specialist = await office.specialist("701", RINGS_ONLY)
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*855")
    third = await specialist.next_call()
    await office.until_offers(talk.leg, ("8001", "accepted"), ("701", None))
    office.site.kill_service()
    specialist.reply(third, 200)
    await asyncio.sleep(1.0)
    await office.site.start_service()
    await office.until_talks(talk.leg, "8001", "701")
    specialist.hang_up(third)
    await office.until_talks(talk.leg, "8001")
    talk.seat.hang_up(talk.seat_leg)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 10)  # the wish for hold was taken away at the restart

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, FIRST_701]
    assert brief(hand_overs) == [("three_way", "reached", "701")]


@pytest.mark.usefixtures("patient")
async def test_three_way_service_is_killed_and_back_while_the_specialist_rings_he_refuses_the_next_comes_in(
    office: HandOverOffice,
) -> None:
    first = await office.specialist("701", RINGS_ONLY)
    second = await office.specialist("702", answers(0.1))
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*855")
    ringing = await first.next_call()
    await office.until_offers(talk.leg, ("8001", "accepted"), ("701", None))
    office.site.kill_service()
    await office.site.start_service()
    await office.until_presence("8001", "talking")
    first.reply(ringing, 603)
    await second.next_call()
    await office.until_talks(talk.leg, "8001", "702")
    talk.caller.hang_up(talk.leg)

    row, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, NEXT_702]
    assert brief(hand_overs) == [("three_way", "reached", "702")]
    results = {one["agent"]: one["result"] for one in await office.offers(row)}
    assert results == {"8001": "accepted", "701": "refused", "702": "accepted"}


@pytest.mark.usefixtures("patient")
async def test_three_way_service_is_killed_and_the_specialist_refuses_meanwhile_seat_and_caller_talk_on(
    office: HandOverOffice,
) -> None:
    specialist = await office.specialist("702", RINGS_ONLY)
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*856")
    ringing = await specialist.next_call()
    await office.until_offers(talk.leg, ("8001", "accepted"), ("702", None))
    office.site.kill_service()
    specialist.reply(ringing, 603)
    await asyncio.sleep(0.3)
    await office.site.start_service()
    await office.until_presence("8001", "talking")
    await office.until_handed_over(talk.leg, "no_specialist")
    assert not talk.is_over
    talk.seat.hang_up(talk.seat_leg)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 10)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT]
    assert brief(hand_overs) == [("three_way", "no_specialist", None)]


async def test_run_is_over_both_witnesses_know_the_same_calls_and_agree(office: HandOverOffice) -> None:
    await office.agrees_with_cel()

"""Three-way with the real service on a real PBX: the specialist comes in, and whoever leaves first, the others go on.

What must come out stands in each test; the ledger is compared with it, and Asterisk's CEL with the ledger.
"""

import asyncio
from functools import partial

import pytest

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


async def test_three_way_reached_seat_leaves_first_the_other_two_go_on_and_the_end_ends_the_call(
    office: HandOverOffice,
) -> None:
    specialist = await office.specialist("701", answers(0.1))
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*855")
    third = await specialist.next_call()
    await office.until_talks(talk.leg, "8001", "701")
    talk.seat.hang_up(talk.seat_leg)
    await office.until_talks(talk.leg, "701")
    await office.until_wrap_up(talk)
    assert not talk.is_over
    specialist.hang_up(third)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 10)

    row, talks, hand_overs = await office.story(talk.leg)
    assert (row["outcome"], row["agent"], row["ended_by"]) == ("agent_answered", "8001", "agent")
    assert people(talks) == [SEAT, FIRST_701]
    assert brief(hand_overs) == [("three_way", "reached", "701")]
    assert row["talk_ms"] == row["talk_ended_ms"] - row["answered_ms"], "together counts once, and there was no gap"
    assert (row["agent_answers"], row["specialist_answers"]) == (1, 1)


async def test_three_way_specialist_leaves_first_seat_and_caller_talk_on(office: HandOverOffice) -> None:
    specialist = await office.specialist("701", answers(0.1))
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*855")
    third = await specialist.next_call()
    await office.until_talks(talk.leg, "8001", "701")
    specialist.hang_up(third)
    await office.until_talks(talk.leg, "8001")
    assert (await office.agent("8001"))["presence"] == "talking"
    assert not talk.is_over
    talk.seat.hang_up(talk.seat_leg)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 10)

    row, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, FIRST_701]
    assert talks[1]["closed_ms"] < talks[0]["closed_ms"] == row["talk_ended_ms"]
    assert brief(hand_overs) == [("three_way", "reached", "701")]


async def test_three_way_caller_leaves_first_the_other_two_are_hung_up_at_once(office: HandOverOffice) -> None:
    specialist = await office.specialist("701", answers(0.1))
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*855")
    third = await specialist.next_call()
    await office.until_talks(talk.leg, "8001", "701")
    talk.caller.hang_up(talk.leg)
    for leg in (talk.seat_leg, third):
        await asyncio.wait_for(leg.is_ended.wait(), 20)
        assert leg.ended_by == "peer"

    row, talks, hand_overs = await office.story(talk.leg)
    assert (row["outcome"], row["ended_by"]) == ("agent_answered", "caller")
    assert people(talks) == [SEAT, FIRST_701]
    assert row["talk_ms"] == row["talk_ended_ms"] - row["answered_ms"]
    assert brief(hand_overs) == [("three_way", "reached", "701")]
    await office.until_presence("8001", "ready")


async def test_three_way_first_specialist_is_busy_the_next_one_comes_in(office: HandOverOffice) -> None:
    await office.specialist("701", says(486))
    second = await office.specialist("702", answers(0.1))
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*855")
    await second.next_call()
    await office.until_talks(talk.leg, "8001", "702")
    await office.until_offers(talk.leg, ("8001", "accepted"), ("701", "busy"), ("702", "accepted"))
    talk.caller.hang_up(talk.leg)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, NEXT_702]
    assert brief(hand_overs) == [("three_way", "reached", "702")]


async def test_three_way_nobody_answers_the_talk_goes_on_and_its_end_is_the_end(office: HandOverOffice) -> None:
    await office.specialist("701", says(603))
    await office.specialist("702", RINGS_ONLY)
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*855")
    await office.until_offers(talk.leg, ("8001", "accepted"), ("701", "refused"), ("702", "not_answered"))
    await office.until_handed_over(talk.leg, "no_specialist")
    await asyncio.sleep(1.5)  # the seat hears that nobody was reached
    assert not talk.is_over
    assert not talk.seat_leg.is_ended.is_set()
    await office.until_presence("8001", "talking")
    talk.seat.hang_up(talk.seat_leg)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 10)  # no wish for hold was left on him

    row, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT]
    assert brief(hand_overs) == [("three_way", "no_specialist", None)]
    assert row["requeue_wait_ms"] == 0


@pytest.mark.usefixtures("patient")
async def test_three_way_seat_leaves_while_the_specialist_rings_and_he_is_rung_again_for_the_caller(
    office: HandOverOffice,
) -> None:
    specialist = await office.specialist("701", RINGS_ONLY)
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*855")
    first = await specialist.next_call()
    await office.until_offers(talk.leg, ("8001", "accepted"), ("701", None))
    specialist.script = answers(0.2)
    talk.seat.hang_up(talk.seat_leg)
    again = await specialist.next_call()
    await asyncio.wait_for(first.is_ended.wait(), 20)
    await office.until_talks(talk.leg, "701")
    await office.until_wrap_up(talk)
    specialist.hang_up(again)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 10)

    row, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, FIRST_701]
    assert brief(hand_overs) == [("three_way", "reached", "701")]
    assert 0 < row["requeue_wait_ms"] < 3000


@pytest.mark.usefixtures("patient")
async def test_three_way_seat_leaves_and_nobody_answers_the_caller_is_back_in_the_line_with_his_wait(
    office: HandOverOffice,
) -> None:
    specialist = await office.specialist("702", RINGS_ONLY)
    talk = await office.talk()
    await office.leaves("1001")  # else he would be the next one who is ready, a second later
    await talk.seat.keys(talk.seat_leg, "*856")
    await specialist.next_call()
    await office.until_offers(talk.leg, ("8001", "accepted"), ("702", None))
    specialist.script = says(486)
    talk.seat.hang_up(talk.seat_leg)
    await office.until_handed_over(talk.leg, "no_specialist")
    other = await office.ready("1002")
    second = await other.next_call()
    await office.until_talks(talk.leg, "8002")
    other.hang_up(second)

    row, talks, hand_overs = await office.story(talk.leg)
    assert (row["outcome"], row["agent"], row["agent_answers"]) == ("agent_answered", "8001", 2)
    assert people(talks) == [SEAT, SECOND]
    assert brief(hand_overs) == [("three_way", "no_specialist", None)]
    waits = [one for one in await office.children("placements", row) if one["kind"] == "queued"]
    assert [one["seq"] for one in sorted(waits, key=lambda one: int(one["seq"]))] == [1, 2]


@pytest.mark.usefixtures("patient")
async def test_three_way_caller_hangs_up_while_the_specialist_rings_everybody_is_let_go(
    office: HandOverOffice,
) -> None:
    specialist = await office.specialist("701", RINGS_ONLY)
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*855")
    ringing = await specialist.next_call()
    await office.until_offers(talk.leg, ("8001", "accepted"), ("701", None))
    talk.caller.hang_up(talk.leg)
    for leg in (ringing, talk.seat_leg):
        await asyncio.wait_for(leg.is_ended.wait(), 20)

    row, talks, hand_overs = await office.story(talk.leg)
    assert (row["outcome"], row["ended_by"]) == ("agent_answered", "caller")
    assert people(talks) == [SEAT]
    assert brief(hand_overs) == [("three_way", "caller_gone", None)]


async def test_three_way_with_an_outside_number_he_must_press_1(office: HandOverOffice) -> None:
    outside = await office.outside(answers(0.1))
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*857")
    third = await outside.next_call()
    assert third.request.startswith(f"INVITE sip:{OUTSIDE}@")
    await asyncio.sleep(1.2)  # the question
    await office.until_talks(talk.leg, "8001")
    await office.presses_1(outside, third, partial(office.talk_is, talk.leg, "8001", OUTSIDE))
    talk.seat.hang_up(talk.seat_leg)
    await office.until_talks(talk.leg, OUTSIDE)
    outside.hang_up(third)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, (OUTSIDE, "specialist", "engine")]
    assert brief(hand_overs) == [("three_way", "reached", OUTSIDE)]


async def test_three_way_with_an_outside_number_nobody_presses_1_the_talk_goes_on(office: HandOverOffice) -> None:
    await office.outside(answers(0.1))
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*857")
    await office.until_offers(talk.leg, ("8001", "accepted"), (OUTSIDE, "not_answered"))
    await office.until_handed_over(talk.leg, "no_specialist")
    assert not talk.is_over
    talk.caller.hang_up(talk.leg)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT]
    assert brief(hand_overs) == [("three_way", "no_specialist", None)]


async def test_three_way_to_a_topic_nobody_has_the_talk_goes_on(office: HandOverOffice) -> None:
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*899")
    await office.until_handed_over(talk.leg, "no_specialist")
    assert await office.noted("unknown_topic")
    await asyncio.sleep(1.2)
    assert not talk.is_over
    talk.seat.hang_up(talk.seat_leg)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT]
    assert [(one["topic"], one["result"]) for one in hand_overs] == [("99", "no_specialist")]


async def test_three_together_seat_asks_for_a_blind_hand_over_and_nobody_is_torn_apart(office: HandOverOffice) -> None:
    specialist = await office.specialist("701", answers(0.1))
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*855")
    third = await specialist.next_call()
    await office.until_talks(talk.leg, "8001", "701")
    await asyncio.sleep(0.3)
    await talk.seat.keys(talk.seat_leg, "*756")
    talk.seat.refer(talk.seat_leg, "02512345678")
    await asyncio.sleep(1.5)
    assert not talk.is_over
    assert not third.is_ended.is_set()
    talk.caller.hang_up(talk.leg)
    await asyncio.wait_for(third.is_ended.wait(), 5)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, FIRST_701]
    assert brief(hand_overs) == [("three_way", "reached", "701")]


async def test_run_is_over_both_witnesses_know_the_same_calls_and_agree(office: HandOverOffice) -> None:
    await office.agrees_with_cel()

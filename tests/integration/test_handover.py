"""Hand-overs with the real service on a real PBX: three-way, blind, by REFER and by REFER with Replaces.

What must come out stands in each test; the ledger is compared with it, and Asterisk's CEL with the ledger.
"""

import asyncio

import pytest

from acd.names import CallId
from callcenter.lab.baresip import Baresip
from callcenter.lab.sip_phone import RINGS_ONLY, answers, says
from tests.integration.handover_office import (
    OUTSIDE,
    HandOverBuilding,
    HandOverOffice,
    brief,
    people,
)
from tests.integration.office import until

pytestmark = pytest.mark.pbx
BUILDING = HandOverBuilding
OFFICE = HandOverOffice
SEAT, SECOND, FIRST_701, NEXT_702 = (
    ("8001", "seat", "engine"),
    ("8002", "seat", "engine"),
    ("701", "specialist", "engine"),
    ("702", "specialist", "engine"),
)


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
    await office.until_presence("8001", "acw")
    assert not talk.is_over
    specialist.hang_up(third)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 3)

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
    await asyncio.wait_for(talk.leg.is_ended.wait(), 3)

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
        await asyncio.wait_for(leg.is_ended.wait(), 2)
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
    await asyncio.wait_for(talk.leg.is_ended.wait(), 3)  # no wish for hold was left on him

    row, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT]
    assert brief(hand_overs) == [("three_way", "no_specialist", None)]
    assert row["requeue_wait_ms"] == 0


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
    assert first.is_ended.is_set()
    await office.until_talks(talk.leg, "701")
    await office.until_presence("8001", "acw")
    specialist.hang_up(again)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 3)

    row, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, FIRST_701]
    assert brief(hand_overs) == [("three_way", "reached", "701")]
    assert 0 < row["requeue_wait_ms"] < 3000


async def test_three_way_seat_leaves_and_nobody_answers_the_caller_is_back_in_the_line_with_his_wait(
    office: HandOverOffice,
) -> None:
    specialist = await office.specialist("702", RINGS_ONLY)
    talk = await office.talk()
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
        await asyncio.wait_for(leg.is_ended.wait(), 2)

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
    outside.press(third, "1")
    await office.until_talks(talk.leg, "8001", OUTSIDE)
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
    await office.until_presence("8001", "acw")
    assert not talk.is_over
    specialist.hang_up(third)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 3)

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
    await asyncio.wait_for(consult.is_ended.wait(), 6)
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
    await asyncio.wait_for(consult.is_ended.wait(), 6)
    await office.until_handed_over(talk.leg, "no_specialist")
    talk.caller.hang_up(talk.leg)

    _, _, hand_overs = await office.story(talk.leg)
    assert [(one["mode"], one["topic"], one["result"]) for one in hand_overs] == [("attended", "99", "no_specialist")]


async def test_phone_without_a_caller_asks_for_a_specialist_and_is_refused(office: HandOverOffice) -> None:
    await office.specialist("701", answers(0.1))
    seat = await office.ready("1001")
    consult = seat.call("755")
    await asyncio.wait_for(consult.is_ended.wait(), 6)
    assert consult.ended_by == "peer"
    assert (await office.phone("701")).incoming.empty()


async def test_attended_to_an_outside_number_he_presses_1_and_is_known_by_his_number(office: HandOverOffice) -> None:
    outside = await office.outside(answers(0.1))
    talk = await office.talk()
    talk.seat.hold(talk.seat_leg)
    consult = talk.seat.call("757")
    third = await outside.next_call()
    await asyncio.sleep(1.2)  # the question
    outside.press(third, "1")
    await asyncio.sleep(0.5)
    await consult.wait_for(200)
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
    await office.until_presence("8001", "acw")
    outside.hang_up(there)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 3)

    row, talks, hand_overs = await office.story(talk.leg)
    assert (row["outcome"], row["agent"]) == ("agent_answered", "8001")
    assert people(talks) == [SEAT, ("trunk", "unknown", "joined")]
    assert hand_overs == []


# blind ---------------------------------------------------------------------------------------------------------------------


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
    await asyncio.sleep(1.2)  # the question
    outside.press(third, "1")
    await office.until_talks(talk.leg, OUTSIDE)
    outside.hang_up(third)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, (OUTSIDE, "specialist", "engine")]
    assert brief(hand_overs) == [("blind", "reached", OUTSIDE)]


async def test_blind_caller_hangs_up_while_the_specialist_rings(office: HandOverOffice) -> None:
    specialist = await office.specialist("701", RINGS_ONLY)
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*755")
    await specialist.next_call()
    await office.until_presence("8001", "acw")
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
    await office.until_presence("8001", "acw")
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
    await asyncio.wait_for(third.is_ended.wait(), 2)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, FIRST_701]
    assert brief(hand_overs) == [("three_way", "reached", "701")]


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
    await office.until_presence("8001", "acw")
    await office.until_talks(talk.leg, "701")
    assert not talk.is_over
    specialist.hang_up(third)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 3)

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
    await office.until_presence("8001", "acw")
    assert not talk.is_over
    specialist.hang_up(third)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 3)

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
    await asyncio.wait_for(talk.leg.is_ended.wait(), 3)  # the wish for hold was taken away at the restart

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
    await asyncio.wait_for(talk.leg.is_ended.wait(), 3)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT]
    assert brief(hand_overs) == [("three_way", "no_specialist", None)]


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
    await asyncio.wait_for(talk.leg.is_ended.wait(), 3)

    row, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, ("701", "specialist", "joined")]
    assert (row["specialist_answers"], row["outcome"]) == (1, "agent_answered")
    assert brief(hand_overs) == [("attended", "reached", "701")]


async def test_run_is_over_both_witnesses_know_the_same_calls_and_agree(office: HandOverOffice) -> None:
    rows = [row for row in await office.rows() if row["direction"] == "inbound"]
    assert {CallId(row["pbx"], row["uniqueid"]) for row in rows} == office.known_to_cel()
    office.agree(rows)

"""How hand-overs end that do not go the straight way: each mode with each result, the plan's exit, and over a kill of the service.

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
    Talk,
    brief,
    people,
)
from tests.integration.office import until

pytestmark = pytest.mark.pbx
BUILDING = HandOverBuilding
OFFICE = HandOverOffice


async def second_seat_takes_him(office: HandOverOffice, talk: Talk) -> None:
    """The caller is back in his line: the next agent who becomes ready gets him. The first one has left (`office.leaves`)."""
    other = await office.ready("1002")
    taken = await other.next_call()
    await office.until_talks(talk.leg, "8002")
    other.hang_up(taken)


# next specialist -------------------------------------------------------------------------------------------------------


async def test_blind_first_specialist_is_silent_the_next_one_gets_the_caller(office: HandOverOffice) -> None:
    silent = await office.specialist("701", RINGS_ONLY)
    second = await office.specialist("702", answers(0.1))
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*755")
    await silent.next_call()
    third = await second.next_call(20)
    await office.until_talks(talk.leg, "702")
    await office.until_offers(talk.leg, ("8001", "accepted"), ("701", "not_answered"), ("702", "accepted"))
    second.hang_up(third)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, NEXT_702]
    assert brief(hand_overs) == [("blind", "reached", "702")]


@pytest.mark.parametrize("mode", ["blind", "refer", "three_way", "attended"])
async def test_first_specialist_is_away_the_next_one_is_reached(office: HandOverOffice, mode: str) -> None:
    second = await office.specialist("702", answers(0.1))
    talk = await office.talk()
    consult = None
    if mode == "refer":
        talk.seat.refer(talk.seat_leg, "759")
    elif mode == "attended":
        talk.seat.hold(talk.seat_leg)
        consult = talk.seat.call("759")
    else:
        await talk.seat.keys(talk.seat_leg, "*759" if mode == "blind" else "*859")
    third = await second.next_call()
    if consult is not None:
        await consult.wait_for(200)
        await office.joins(talk, consult)
    await office.until_talks(talk.leg, *(("8001", "702") if mode == "three_way" else ("702",)))
    talk.caller.hang_up(talk.leg)
    await asyncio.wait_for(third.is_ended.wait(), 20)

    _, talks, hand_overs = await office.story(talk.leg)
    assert [who for who, _, _ in people(talks)] == ["8001", "702"]
    assert brief(hand_overs) == [("blind" if mode == "refer" else mode, "reached", "702")]


async def test_blind_to_an_outside_number_nobody_presses_1_the_caller_is_back_in_the_line(
    office: HandOverOffice,
) -> None:
    await office.outside(answers(0.1))
    talk = await office.talk()
    await office.leaves("1001")
    await talk.seat.keys(talk.seat_leg, "*757")
    await office.until_offers(talk.leg, ("8001", "accepted"), (OUTSIDE, "not_answered"))
    await second_seat_takes_him(office, talk)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, SECOND]
    assert brief(hand_overs) == [("blind", "no_specialist", None)]


# a topic nobody has ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["key", "refer"])
async def test_blind_to_a_topic_nobody_has_it_is_noted_and_the_caller_reaches_the_next_seat(
    office: HandOverOffice, how: str
) -> None:
    talk = await office.talk()
    await office.leaves("1001")
    if how == "key":
        await talk.seat.keys(talk.seat_leg, "*799")
    else:
        talk.seat.refer(talk.seat_leg, "799")
    await office.until_handed_over(talk.leg, "no_specialist")
    await second_seat_takes_him(office, talk)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, SECOND]
    assert [(one["mode"], one["topic"], one["result"]) for one in hand_overs] == [("blind", "99", "no_specialist")]
    assert await office.noted("unknown_topic")


async def test_seat_presses_one_digit_of_a_topic_only_and_the_talk_goes_on(office: HandOverOffice) -> None:
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*75")
    await asyncio.sleep(7.0)  # the digits' own time, and the tone that says so
    assert not talk.is_over
    assert not talk.seat_leg.is_ended.is_set()
    talk.seat.hang_up(talk.seat_leg)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 20)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT]
    assert hand_overs == []


# the caller is gone ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("patient")
async def test_refer_caller_hangs_up_while_the_specialist_rings(office: HandOverOffice) -> None:
    specialist = await office.specialist("701", RINGS_ONLY)
    talk = await office.talk()
    talk.seat.refer(talk.seat_leg, "755")
    await specialist.next_call()
    await office.until_offers(talk.leg, ("8001", "accepted"), ("701", None))
    talk.caller.hang_up(talk.leg)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT]
    assert brief(hand_overs) == [("blind", "caller_gone", None)]


@pytest.mark.parametrize("when", ["rings", "speaks"])
async def test_attended_caller_hangs_up_during_the_consult_and_seat_and_specialist_may_talk_on(
    office: HandOverOffice, when: str
) -> None:
    specialist = await office.specialist("701", RINGS_ONLY if when == "rings" else answers(0.1))
    talk = await office.talk()
    talk.seat.hold(talk.seat_leg)
    consult = talk.seat.call("755")
    third = await specialist.next_call()
    if when == "speaks":
        await consult.wait_for(200)
        await asyncio.sleep(0.2)
    talk.caller.hang_up(talk.leg)
    await asyncio.wait_for(talk.seat_leg.is_ended.wait(), 20)
    await office.row(talk.leg)  # his seat's phone hears of it before the service does
    assert not third.is_ended.is_set()
    talk.seat.hang_up(consult)
    await asyncio.wait_for(third.is_ended.wait(), 20)

    row, talks, hand_overs = await office.story(talk.leg)
    assert (row["outcome"], row["ended_by"]) == ("agent_answered", "caller")
    assert people(talks) == [SEAT]
    assert brief(hand_overs) == [("attended", "caller_gone", None)]
    assert (hand_overs[0]["agent"], hand_overs[0]["topic"]) == ("8001", "55")


# the plan's exit -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["key", "refer", "three_way"])
async def test_nobody_is_reached_and_the_plans_exit_is_another_line_he_waits_there(
    office: HandOverOffice, how: str
) -> None:
    specialist = await office.specialist("702", RINGS_ONLY if how == "three_way" else says(486))
    old = office.site.plan_text
    exit_ = 'handover_exit = { line = "real" }\n'
    await office.put_in_force(old.replace("specialist_ring_s", exit_ + "specialist_ring_s"))
    try:
        talk = await office.talk()
        if how == "refer":
            talk.seat.refer(talk.seat_leg, "756")
        else:
            await talk.seat.keys(talk.seat_leg, "*756" if how == "key" else "*856")
        if how == "three_way":
            await specialist.next_call()
            await office.until_offers(talk.leg, ("8001", "accepted"), ("702", None))
            specialist.script = says(486)
            talk.seat.hang_up(talk.seat_leg)

        async def waits() -> bool:
            return bool((await office.status())["engine"]["waiting"]["real"] == 1)

        await until(waits, "he waits in the line of the exit")
        talk.caller.hang_up(talk.leg)
        row, talks, hand_overs = await office.story(talk.leg)
    finally:
        await office.put_in_force(old)

    assert (row["outcome"], row["agent"], row["requeue_abandoned"]) == ("agent_answered", "8001", True)
    assert people(talks) == [SEAT]
    assert brief(hand_overs) == [("three_way" if how == "three_way" else "blind", "no_specialist", None)]
    lines = [one["line"] for one in await office.children("placements", row) if one["kind"] == "queued"]
    assert lines == ["general", "real"]


async def test_nobody_is_reached_and_the_plans_exit_is_a_refusal_he_hears_it_and_stays_answered(
    office: HandOverOffice,
) -> None:
    await office.specialist("702", says(486))
    old = office.site.plan_text
    exit_ = "handover_exit = { reject = true }\n"
    await office.put_in_force(old.replace("specialist_ring_s", exit_ + "specialist_ring_s"))
    try:
        talk = await office.talk()
        await talk.seat.keys(talk.seat_leg, "*756")
        await asyncio.wait_for(talk.leg.is_ended.wait(), 20)
        row, talks, hand_overs = await office.story(talk.leg)
    finally:
        await office.put_in_force(old)

    assert talk.leg.ended_by == "peer"
    assert (row["outcome"], row["agent"]) == ("agent_answered", "8001")
    assert people(talks) == [SEAT]
    assert brief(hand_overs) == [("blind", "no_specialist", None)]
    assert row["ended_ms"] - row["talk_ended_ms"] > 1500, "the prompt or its tone was played"


# twice, and by whom ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["key", "refer"])
async def test_specialist_hands_the_caller_on_to_another_topic_both_hand_overs_are_on_record(
    office: HandOverOffice, how: str
) -> None:
    first = await office.specialist("701", answers(0.1))
    second = await office.specialist("702", answers(0.1))
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*755")
    leg = await first.next_call()
    await office.until_talks(talk.leg, "701")
    if how == "key":
        await first.keys(leg, "*756")
    else:
        first.refer(leg, "756")
    third = await second.next_call()
    await office.until_talks(talk.leg, "702")
    second.hang_up(third)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 20)

    row, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, FIRST_701, NEXT_702]
    assert [(one["agent"], one["result"], one["specialist"]) for one in hand_overs] == [
        ("8001", "reached", "701"),
        ("701", "reached", "702"),
    ]
    assert (row["agent"], row["agent_answers"], row["specialist_answers"]) == ("8001", 1, 2)


async def test_three_together_seat_refers_to_a_topic_and_nobody_is_torn_apart(office: HandOverOffice) -> None:
    specialist = await office.specialist("701", answers(0.1))
    other = await office.specialist("702", answers(0.1))
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*855")
    third = await specialist.next_call()
    await office.until_talks(talk.leg, "8001", "701")
    await asyncio.sleep(0.3)
    talk.seat.refer(talk.seat_leg, "756")
    await asyncio.sleep(1.5)
    assert not talk.is_over
    assert not third.is_ended.is_set()
    assert other.incoming.empty()
    talk.caller.hang_up(talk.leg)
    await asyncio.wait_for(third.is_ended.wait(), 20)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, FIRST_701]
    assert brief(hand_overs) == [("three_way", "reached", "701")]


async def test_attended_specialist_is_logged_in_as_a_seat_too_he_is_on_record_as_whom_he_was_asked_for(
    office: HandOverOffice,
) -> None:
    other = await office.phone("1003", answers(0.1))
    talk = await office.talk()
    talk.seat.hold(talk.seat_leg)
    consult = talk.seat.call("761")
    third = await other.next_call()
    await consult.wait_for(200)
    await office.joins(talk, consult)
    await office.until_talks(talk.leg, "1003")
    other.hang_up(third)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 20)

    row, talks, hand_overs = await office.story_alone(talk.leg)
    assert people(talks) == [SEAT, ("1003", "specialist", "joined")]
    assert brief(hand_overs) == [("attended", "reached", "1003")]
    assert (row["agent_answers"], row["specialist_answers"]) == (1, 1)


async def test_agent_takes_a_talk_over_from_another_phone_without_an_offer_and_it_is_on_record_as_such(
    office: HandOverOffice,
) -> None:
    other = await office.ready("1002")
    await office.not_ready("1002")
    talk = await office.talk()
    taken = other.take_over(talk.seat_leg)
    await taken.wait_for(200)
    await office.until_talks(talk.leg, "8002")
    await office.until_presence("8002", "talking")
    await office.until_wrap_up(talk)
    assert not talk.is_over
    other.hang_up(taken)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 20)
    await office.until_wrap_up(talk, "8002")

    row, talks, hand_overs = await office.story(talk.leg)
    assert (row["outcome"], row["agent"], row["ended_by"]) == ("agent_answered", "8001", "agent")
    assert people(talks) == [SEAT, ("8002", "seat", "joined")]
    assert hand_overs == []
    assert [one["agent"] for one in await office.offers(row)] == ["8001"]


# the service is killed in the middle of a blind hand-over --------------------------------------------------------------


async def killed_and_back(office: HandOverOffice) -> None:
    office.site.kill_service()
    await office.site.start_service()


async def is_reached(office: HandOverOffice, talk: Talk) -> bool:
    hand_overs = await office.children("hand_overs", await office.open_row(talk.leg))
    return [one["result"] for one in hand_overs] == ["reached"]


@pytest.mark.usefixtures("patient")
async def test_blind_service_is_killed_and_the_specialist_answers_meanwhile_he_was_reached(
    office: HandOverOffice,
) -> None:
    specialist = await office.specialist("701", RINGS_ONLY)
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*755")
    third = await specialist.next_call()
    await office.until_offers(talk.leg, ("8001", "accepted"), ("701", None))
    office.site.kill_service()
    specialist.reply(third, 200)
    await asyncio.sleep(0.5)
    await office.site.start_service()
    await office.until_talks(talk.leg, "701")
    await until(partial(is_reached, office, talk), "the hand-over has its result while they talk")
    specialist.hang_up(third)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 20)

    row, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, FIRST_701]
    assert brief(hand_overs) == [("blind", "reached", "701")]
    assert (hand_overs[0]["agent"], row["specialist_answers"]) == ("8001", 1)


@pytest.mark.parametrize("mode", ["blind", "three_way"])
@pytest.mark.usefixtures("patient")
async def test_service_is_killed_while_one_rings_who_then_refuses_the_next_one_of_the_same_topic_is_tried(
    office: HandOverOffice, mode: str
) -> None:
    other = await office.specialist("701", answers(0.1))  # of another topic of 702's
    specialist = await office.specialist("702", RINGS_ONLY)
    outside = await office.outside(answers(0.1))
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*760" if mode == "blind" else "*860")
    ringing = await specialist.next_call()
    await office.until_offers(talk.leg, ("8001", "accepted"), ("702", None))
    await killed_and_back(office)
    specialist.reply(ringing, 603)
    there = await outside.next_call()
    people_then = ("8001", OUTSIDE) if mode == "three_way" else (OUTSIDE,)
    await office.presses_1(outside, there, partial(office.talk_is, talk.leg, *people_then))
    talk.caller.hang_up(talk.leg)

    _, talks, hand_overs = await office.story(talk.leg)
    assert [who for who, _, _ in people(talks)] == ["8001", OUTSIDE]
    assert [(one["topic"], *brief([one])[0]) for one in hand_overs] == [("60", mode, "reached", OUTSIDE)]
    assert other.incoming.empty()


@pytest.mark.usefixtures("patient")
async def test_blind_service_is_killed_and_the_specialist_refuses_meanwhile_the_hand_over_goes_on(
    office: HandOverOffice,
) -> None:
    specialist = await office.specialist("702", RINGS_ONLY)
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*756")
    ringing = await specialist.next_call()
    await office.until_offers(talk.leg, ("8001", "accepted"), ("702", None))
    office.site.kill_service()
    specialist.script = answers(0.1)
    specialist.reply(ringing, 603)
    await asyncio.sleep(0.3)
    await office.site.start_service()
    again = await specialist.next_call()  # who was tried is forgotten: he is asked once more
    await office.until_talks(talk.leg, "702")
    specialist.hang_up(again)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 20)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, NEXT_702]
    assert brief(hand_overs) == [("blind", "reached", "702")]


@pytest.mark.usefixtures("patient")
async def test_second_hand_over_is_under_way_when_the_service_is_killed_and_each_keeps_its_own_result(
    office: HandOverOffice,
) -> None:
    await office.specialist("702", says(603))
    specialist = await office.specialist("701", RINGS_ONLY)
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*856")
    await office.until_handed_over(talk.leg, "no_specialist")
    await asyncio.sleep(1.5)  # the seat hears that nobody was reached
    await talk.seat.keys(talk.seat_leg, "*755")
    third = await specialist.next_call()
    await killed_and_back(office)
    specialist.reply(third, 200)
    await office.until_talks(talk.leg, "701")
    specialist.hang_up(third)
    await asyncio.wait_for(talk.leg.is_ended.wait(), 20)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT, FIRST_701]
    assert brief(hand_overs) == [("three_way", "no_specialist", None), ("blind", "reached", "701")]

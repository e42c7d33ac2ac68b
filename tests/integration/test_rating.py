"""The question behind the talk, with the running service on a real PBX: what the ledger keeps, and what it must not change."""

import asyncio

import pytest

from callcenter.lab.sip_phone import Leg, Phone, answers
from tests.integration.office import Office, Row, until
from tests.integration.recorded_office import RATED, children, recorded_building

pytestmark = pytest.mark.pbx
BUILDING = recorded_building
ASKED_S = 5.0
"""The dialplan waits for a key longer than this, and no longer than a slow machine may take to start the service."""


async def talking(office: Office, number: str = "13800000031") -> tuple[Phone, Leg, Phone, Leg]:
    """A caller of the rated line who talks with 8002; both phones and their legs."""
    agent = await office.ready("1002", answers(0.05))
    caller = await office.caller(number)
    leg = caller.call(RATED)
    agent_leg = await agent.next_call(10)
    await leg.wait_for(200, 20)
    await office.until_presence("8002", "talking")
    return caller, leg, agent, agent_leg


async def asked(office: Office) -> None:
    """Wait until the dialplan asks a caller: a key that is pressed before is heard by nobody."""

    async def is_asked() -> bool:
        shown = await asyncio.to_thread(office.site.pbx.rx, "core show channels concise")
        return "!callcenter-rating!" in shown

    await until(is_asked, "the question is asked")


async def the_rating(office: Office, row: Row) -> Row:
    """The one rating of a call."""

    async def told() -> list[Row]:
        return await children(office, "ratings", row)

    (rating,) = await until(told, "the rating is in the ledger")
    return rating


async def test_agent_hangs_up_caller_presses_4_it_is_his_score_of_that_talk_and_nothing_else_changes(
    office: Office,
) -> None:
    caller, leg, agent, agent_leg = await talking(office)
    await asyncio.sleep(0.5)
    agent.hang_up(agent_leg)
    await asked(office)
    await asyncio.sleep(2.5)
    assert not leg.is_ended.is_set(), "the agent's BYE cut the question"
    caller.press(leg, "4")
    row = await office.row(leg)
    rating = await the_rating(office, row)
    (offer,) = await office.offers(row)
    assert (rating["score"], rating["keys"], rating["offer"]) == (4, "4", offer["offer"])
    assert (row["outcome"], row["ended_by"]) == ("agent_answered", "agent")
    assert row["talk_ms"] == row["talk_ended_ms"] - row["answered_ms"]
    assert row["ended_ms"] - row["talk_ended_ms"] > 2400, "the question is no part of the talk"


@pytest.mark.parametrize(
    ("keys", "score", "kept"), [("73", 3, "73"), ("0*", None, "0*"), ("", None, "")], ids=["second", "none", "hangs-up"]
)
async def test_caller_presses_another_key_he_is_asked_once_more(
    office: Office, keys: str, score: int | None, kept: str
) -> None:
    caller, leg, agent, agent_leg = await talking(office)
    agent.hang_up(agent_leg)
    await asked(office)
    for key in keys:
        await asyncio.sleep(0.8)
        caller.press(leg, key)
    if not keys:
        await asyncio.sleep(0.8)
        caller.hang_up(leg)
    row = await office.row(leg)
    rating = await the_rating(office, row)
    assert (rating["score"], rating["keys"]) == (score, kept)
    assert (row["outcome"], row["ended_by"]) == ("agent_answered", "agent")


async def test_specialist_hangs_up_after_a_hand_over_it_is_he_who_is_rated(office: Office) -> None:
    specialist = await office.phone("1003", answers(0.2))
    caller, leg, agent, agent_leg = await talking(office)
    await agent.keys(agent_leg, "*701")
    reached_leg = await specialist.next_call(10)

    async def reached() -> bool:
        rows = [one for one in await office.rows() if one["sip_call_id"] == leg.call_id]
        return bool(rows) and any(one["result"] == "reached" for one in await children(office, "hand_overs", rows[0]))

    await until(reached, "the specialist talks")
    specialist.hang_up(reached_leg)
    await asked(office)
    caller.press(leg, "5")
    row = await office.row(leg)
    rating = await the_rating(office, row)
    offers = await office.offers(row)
    assert (rating["score"], rating["offer"]) == (5, offers[-1]["offer"])
    assert offers[-1]["agent"] == "1003"


async def test_caller_is_asked_his_agent_takes_the_next_call_meanwhile(office: Office) -> None:
    caller, leg, agent, agent_leg = await talking(office)
    second = await office.caller("13800000032")
    second_leg = second.call(RATED)
    await second_leg.wait_for(200, 20)
    agent.hang_up(agent_leg)
    next_leg = await agent.next_call(5)
    await office.until_presence("8002", "talking")
    assert not leg.is_ended.is_set()
    caller.press(leg, "2")
    row = await office.row(leg)
    assert (await the_rating(office, row))["score"] == 2
    second.hang_up(second_leg)
    await asyncio.wait_for(next_leg.is_ended.wait(), 5)


async def test_service_dies_in_the_talk_the_question_is_asked_and_the_score_is_rebuilt(office: Office) -> None:
    caller, leg, agent, agent_leg = await talking(office)
    office.site.kill_service()
    agent.hang_up(agent_leg)
    await asked(office)
    assert not leg.is_ended.is_set()
    caller.press(leg, "4")
    await asyncio.wait_for(leg.is_ended.wait(), 20)
    await office.site.start_service()
    row = await office.row(leg)
    rating = await the_rating(office, row)
    assert (row["outcome"], rating["score"], rating["keys"]) == ("agent_answered", 4, "4")


async def test_service_is_started_again_while_the_question_is_asked_the_score_counts_and_nobody_is_rung(
    office: Office,
) -> None:
    caller, leg, agent, agent_leg = await talking(office)
    agent.hang_up(agent_leg)
    await asked(office)
    office.site.kill_service()
    starts = asyncio.create_task(office.site.start_service())
    await asyncio.wait({starts}, timeout=ASKED_S)
    assert not leg.is_ended.is_set()
    caller.press(leg, "1")
    await starts
    row = await office.row(leg)
    assert (await the_rating(office, row))["score"] == 1
    assert len(await office.offers(row)) == 1
    assert row["outcome"] == "agent_answered"

"""What no phone can do with a transfer: calls dialled out, consults, specialists outside, callers; each keeps its talk.

The seat's blind transfers out of a talk with a caller are in test_blind_handover.py.
"""

import asyncio
import re
from functools import partial

import pytest

from callcenter.lab.sip_phone import Leg, answers, header, says
from tests.integration.handover_office import OUTSIDE, HandOverBuilding, HandOverOffice, brief, people
from tests.integration.office import until

pytestmark = pytest.mark.pbx
BUILDING = HandOverBuilding
OFFICE = HandOverOffice
ELSEWHERE = ("755", "902512345678", "0013900000001", "12345", "1002", "s")
SEAT = ("8001", "seat", "engine")


def ends(leg: Leg) -> list[int]:
    """What came of a phone's REFERs: refused at once, or accepted (202) and told by NOTIFY."""
    found: list[int] = []
    for text in leg.messages:
        status = re.match(r"SIP/2.0 (\d+)", text)
        told = re.search(r"\r\n\r\nSIP/2.0 (\d+)", text)
        if status is not None and header(text, "CSeq").endswith("REFER") and status.group(1) != "202":
            found.append(int(status.group(1)))
        elif text.startswith("NOTIFY") and told is not None and int(told.group(1)) >= 200:
            found.append(int(told.group(1)))
    return found


async def are_refused(leg: Leg, count: int) -> bool:
    """Whether so many REFERs were sent and none did anything, once all were told how they ended."""

    async def told() -> bool:
        return len(ends(leg)) >= count

    await until(told, f"{count} REFERs have ended")
    return len(ends(leg)) == count and all(status >= 400 for status in ends(leg))


async def test_agent_transfers_whom_he_dialled_and_the_two_talk_on(office: HandOverOffice) -> None:
    outside = await office.outside(answers(0.1))
    seat = await office.ready("1001")
    leg = seat.call("902512345678")
    there = await outside.next_call()
    await leg.wait_for(200)
    await office.until_presence("8001", "talking")
    for number in ELSEWHERE:
        seat.refer(leg, number)
        await asyncio.sleep(0.2)
    assert await are_refused(leg, len(ELSEWHERE)), ends(leg)
    assert not leg.is_ended.is_set()
    assert not there.is_ended.is_set()
    assert outside.incoming.empty()
    outside.hang_up(there)


async def test_called_party_outside_forwards_and_nobody_is_dialled_instead(office: HandOverOffice) -> None:
    outside = await office.outside(says(302))
    other = await office.phone("1002", answers(0.1))
    seat = await office.ready("1001")
    for user in ("1002", "s", "008613900000001"):
        outside.forwards_to = f"sip:{user}@127.0.0.1"
        leg = seat.call("902512345678")
        await outside.next_call()
        await asyncio.wait_for(leg.is_ended.wait(), 5)
        assert leg.statuses()[-1] >= 400
    assert outside.incoming.empty()
    assert other.incoming.empty()


async def test_seat_transfers_his_consult_and_nothing_changes(office: HandOverOffice) -> None:
    specialist = await office.specialist("701", answers(0.1))
    talk = await office.talk()
    talk.seat.hold(talk.seat_leg)
    consult = talk.seat.call("755")
    third = await specialist.next_call()
    await consult.wait_for(200)
    for number in ELSEWHERE:
        talk.seat.refer(consult, number)
        specialist.refer(third, number)
        await asyncio.sleep(0.2)
    assert await are_refused(consult, len(ELSEWHERE)), ends(consult)
    assert await are_refused(third, len(ELSEWHERE)), ends(third)
    assert not any(leg.is_ended.is_set() for leg in (consult, third, talk.leg, talk.seat_leg))
    talk.seat.hang_up(consult)
    await asyncio.wait_for(third.is_ended.wait(), 5)
    talk.seat.resume(talk.seat_leg)
    await office.until_talks(talk.leg, "8001")
    talk.seat.hang_up(talk.seat_leg)

    _, talks, hand_overs = await office.story(talk.leg)
    assert people(talks) == [SEAT]
    assert hand_overs == []


@pytest.mark.parametrize("mode", ["blind", "three_way"])
async def test_specialist_outside_can_transfer_nobody(office: HandOverOffice, mode: str) -> None:
    outside = await office.outside(answers(0.1))
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*757" if mode == "blind" else "*857")
    there = await outside.next_call()
    await asyncio.sleep(1.2)  # the question
    everybody = ("8001", OUTSIDE) if mode == "three_way" else (OUTSIDE,)
    await office.presses_1(outside, there, partial(office.talk_is, talk.leg, *everybody))
    for number in ELSEWHERE:
        outside.refer(there, number)
        await asyncio.sleep(0.2)
    await office.until_talks(talk.leg, *everybody)
    assert await are_refused(there, len(ELSEWHERE)), ends(there)
    assert not talk.is_over
    talk.caller.hang_up(talk.leg)

    _, talks, hand_overs = await office.story(talk.leg)
    assert [who for who, _, _ in people(talks)] == ["8001", OUTSIDE]
    assert brief(hand_overs) == [(mode, "reached", OUTSIDE)]


async def test_third_person_on_a_phone_of_ours_can_transfer_nobody(office: HandOverOffice) -> None:
    specialist = await office.specialist("701", answers(0.1))
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*855")
    third = await specialist.next_call()
    await office.until_talks(talk.leg, "8001", "701")
    for number in ELSEWHERE:
        specialist.refer(third, number)
        await asyncio.sleep(0.2)
    assert await are_refused(third, len(ELSEWHERE)), ends(third)
    await office.until_talks(talk.leg, "8001", "701")
    talk.caller.hang_up(talk.leg)

    _, _, hand_overs = await office.story(talk.leg)
    assert brief(hand_overs) == [("three_way", "reached", "701")]


async def test_caller_joins_two_calls_of_his_and_both_talk_on_as_they_were(office: HandOverOffice) -> None:
    second_seat = await office.ready("1002")
    await office.not_ready("1002")
    talk = await office.talk()
    await office.ready("1002")
    other = talk.caller.call("12345")
    await second_seat.next_call()
    await office.until_presence("8002", "talking")
    talk.caller.join(talk.leg, other)
    await asyncio.sleep(0.5)
    assert await are_refused(talk.leg, 1), ends(talk.leg)
    await office.until_talks(talk.leg, "8001")
    await office.until_talks(other, "8002")
    for leg in (talk.leg, other):
        talk.caller.hang_up(leg)

    for leg, agent in ((talk.leg, "8001"), (other, "8002")):
        _, talks, hand_overs = await office.story(leg)
        assert people(talks) == [(agent, "seat", "engine")]
        assert hand_overs == []

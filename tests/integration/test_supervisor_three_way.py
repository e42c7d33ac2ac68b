"""A supervisor moves a caller out of a three-way talk: not while three talk, but as soon as two are left, whoever they are."""

import asyncio

import pytest

from callcenter.lab.sip_phone import answers
from callcenter.service_client import ServiceClient, ServiceError
from config.settings import Settings
from tests.integration.handover_office import HandOverBuilding, HandOverOffice, people

pytestmark = pytest.mark.pbx
BUILDING = HandOverBuilding
OFFICE = HandOverOffice


async def move(office: HandOverOffice, call: str, to: str) -> None:
    settings = Settings(state_dir=office.site.state_dir, http_port=office.site.http_port)
    await asyncio.to_thread(ServiceClient(settings).order, "/hand/call", {"call": call, "to": to}, "li")


async def test_caller_in_a_three_way_is_moved_only_when_the_seat_has_left_and_goes_from_the_specialist_to_the_agent(
    office: HandOverOffice,
) -> None:
    specialist = await office.specialist("701", answers(0.1))
    other = await office.ready("1002")
    await office.not_ready("1002")
    talk = await office.talk()
    await talk.seat.keys(talk.seat_leg, "*855")
    third = await specialist.next_call()
    await office.until_talks(talk.leg, "8001", "701")
    await office.ready("1002")
    call = (await office.open_row(talk.leg))["uniqueid"]

    with pytest.raises(ServiceError, match="more than one person talks with this caller"):
        await move(office, call, "8002")
    talk.seat.hang_up(talk.seat_leg)
    await office.until_talks(talk.leg, "701")
    await move(office, call, "8002")

    taken = await other.next_call()
    await office.until_presence("8002", "talking")
    await asyncio.wait_for(third.is_ended.wait(), 20)
    assert not talk.is_over
    other.hang_up(taken)
    row, talks, _ = await office.story(talk.leg)
    assert (row["outcome"], row["agent"]) == ("agent_answered", "8001")
    assert [who for who, _, _ in people(talks)] == ["8001", "701", "8002"]

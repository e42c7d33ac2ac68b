"""What callers hear, with the whole service: the agent's number before the talk, and how the ledger tells it."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from callcenter.http.tokens import Audience, TokenStore
from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.sip_phone import answers
from callcenter.lab.tones import write_tune
from callcenter.sounds.maker import make, sounds_of
from callcenter.sounds.shelf import Shelf
from callcenter.sounds.wav import listen
from config.prompts import agent_prompts
from tests.integration.conftest import missing
from tests.integration.office import Building, Office, opened, until

pytestmark = pytest.mark.pbx
LONG_S = 60


@pytest.fixture(scope="module")
def building() -> Iterator[Building]:
    with opened(Building()) as building:
        try:
            Shelf(building.site.pbx.sounds).fill(make(sounds_of(agent_prompts(["8001"]))))
        except PeerUnavailableError as error:
            missing(error)
        yield building


@pytest.fixture
async def office(building: Building) -> AsyncIterator[Office]:
    """The office, its general line announcing its agents."""
    office = Office(building)
    if "announce_agent" not in office.site.plan_text:
        head = "[lines.general]\n"
        office.site.write_plan(office.site.plan_text.replace(head, head + "announce_agent = true\n"))
        _, token = TokenStore(office.site.state_dir).create(Audience.API, "2026-01-01T00:00:00+00:00")
        status, answer = await office.code_of("/plan/reload", "POST", token)
        assert status == 200, answer
    yield office
    await office.close()


@pytest.fixture
def long_words(building: Building) -> Iterator[None]:
    """The announcement takes so long that it runs whenever somebody hangs up."""
    file = building.site.pbx.sounds / "zh" / "callcenter" / "agent-8001.wav"
    short = file.read_bytes()
    write_tune(file, (440.0,), times=int(LONG_S / 0.4))
    yield
    file.write_bytes(short)


async def test_caller_hears_who_answers_and_his_wait_ends_only_then(office: Office) -> None:
    phone = await office.ready("1001", answers(0.1))
    caller = await office.caller("13800000031")
    leg = caller.call("12345")
    ringing = await phone.next_call()
    picked_up = await leg.wait_for(200)
    await office.until_presence("8001", "talking")
    phone.hang_up(ringing)
    row = await office.row(leg)
    said_s = listen(office.site.pbx.sounds / "zh" / "callcenter" / "agent-8001.wav").length_s
    assert row["outcome"] == "agent_answered"
    assert picked_up > 0
    assert row["answered_ms"] - row["arrived_ms"] >= said_s * 1000


@pytest.mark.usefixtures("long_words")
async def test_caller_hangs_up_while_the_agent_is_announced_is_abandoned_ringing(office: Office) -> None:
    phone = await office.ready("1001", answers(0.1))
    caller = await office.caller("13800000032")
    leg = caller.call("12345")
    await phone.next_call()
    await leg.wait_for(200)
    await asyncio.sleep(0.8)  # the announcement runs
    caller.hang_up(leg)
    row = await office.row(leg)
    assert (row["outcome"], row["answered_ms"]) == ("abandoned_ringing", None)
    assert [offer["result"] for offer in await office.offers(row)] == ["caller_gone"]


@pytest.mark.usefixtures("long_words")
async def test_agent_hangs_up_while_he_is_announced_has_refused_and_the_caller_waits(office: Office) -> None:
    phone = await office.ready("1001", answers(0.1))
    caller = await office.caller("13800000033")
    leg = caller.call("12345")
    ringing = await phone.next_call()
    await leg.wait_for(200)
    await asyncio.sleep(0.8)  # the announcement runs
    phone.hang_up(ringing)

    async def refused() -> bool:
        row = next((row for row in await office.rows() if row["sip_call_id"] == leg.call_id), None)
        return row is not None and [offer["result"] for offer in await office.offers(row)][:1] == ["refused"]

    await until(refused, "the agent has refused")
    assert not leg.is_ended.is_set()
    caller.hang_up(leg)
    row = await office.row(leg)
    assert row["answered_ms"] is None
    assert (await office.offers(row))[0]["result"] == "refused"

"""Asterisk's own queues show every agent as the engine has him: through log-ins, pauses, plans, kills and restarts."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest

from callcenter.http.tokens import read_local_token
from callcenter.lab.sip_phone import Phone
from tests.integration.conftest import own_office
from tests.integration.office import SEATS, SKILLS, Office, until

pytestmark = pytest.mark.pbx

LINES = {"general": "general", "special": "special", "real": "real", "tax": "tax"}
"""Line -> the skill that it needs."""
PAUSED = ("acw", "not_ready", "dialling", "case_work")
_QUEUE = re.compile(r"^callcenter-(\S+) has ")
_MEMBER = re.compile(r"^\s+(\S+) \(PJSIP/(\d+)\).*?\(dynamic\)(?P<rest>.*)$")
_PAUSE = re.compile(r"\(paused(?::(\S+))?")

Members = dict[tuple[str, str], tuple[str, str | None]]
"""(line, phone) -> (agent, reason of the pause; None: not paused)."""


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    """A whole office of the test's own."""
    async with own_office() as office:
        yield office


async def shown(office: Office) -> Members:
    """What `queue show` says."""
    text = await asyncio.to_thread(office.site.pbx.rx, "queue show")
    found: Members = {}
    line = ""
    for row in text.splitlines():
        if queue := _QUEUE.match(row):
            line = queue[1]
        elif (member := _MEMBER.match(row)) and line:
            pause = _PAUSE.search(member["rest"])
            found[line, member[2]] = (member[1], (pause[1] or "") if pause else None)
    return found


async def wanted(office: Office, skills: dict[str, dict[str, int]]) -> Members:
    """What the service says of its agents."""
    found: Members = {}
    for agent in (await office.status())["agents"]:
        if agent["device"] is None:
            continue
        is_paused = agent["presence"] in PAUSED
        reason = (agent.get("reason") or agent["presence"]) if is_paused else None
        lines = [line for line, skill in LINES.items() if skill in skills[agent["number"]]]
        for line in [*lines, "default"] if lines else []:
            found[line, agent["device"]] = (agent["number"], reason)
    return found


async def agree(office: Office, skills: dict[str, dict[str, int]] = SKILLS) -> Members:
    """Wait until both say the same."""
    seen: dict[str, Members] = {}

    async def is_so() -> bool:
        seen["pbx"], seen["service"] = await shown(office), await wanted(office, skills)
        return seen["pbx"] == seen["service"]

    try:
        await until(is_so, "the queues show what the service says", 15)
    except AssertionError:
        raise AssertionError(f"queues {seen['pbx']}\nservice {seen['service']}") from None
    return seen["pbx"]


async def kill_somewhen(office: Office, act: Callable[[], Awaitable[object]], after_s: float) -> None:
    """Begin something and kill the service in the middle of it; then bring it back."""
    task = asyncio.ensure_future(act())
    await asyncio.sleep(after_s)
    office.site.kill_service()
    await asyncio.gather(task, return_exceptions=True)
    await office.site.start_service()


async def test_members_follow_every_change_of_an_agent(office: Office) -> None:
    members = await agree(office)
    assert {phone for _, phone in members} == set(SEATS)
    assert set(members.values()) == {(agent, "break") for agent in SEATS.values()}

    await office.ready("1001")
    assert (await agree(office))["general", "1001"] == ("8001", None)

    caller = await office.caller()
    leg = caller.call("12345")
    await office.until_presence("8001", "talking")
    assert (await agree(office))["general", "1001"] == ("8001", None)  # Asterisk sees the device itself
    caller.hang_up(leg)
    await office.until_presence("8001", "ready")

    await office.code("1001", "*12", "logged_out")
    assert not [phone for _, phone in await agree(office) if phone == "1001"]

    await office.log_in("1001")
    plan = office.site.plan_text.replace("skills = { general = 1 }", "skills = { general = 1, tax = 1 }")
    assert plan != office.site.plan_text
    office.site.write_plan(plan)
    status, _ = await office.code_of("/plan/reload", "POST", read_local_token(office.site.state_dir) or "")
    assert status == 200
    members = await agree(office, SKILLS | {"8002": {"general": 1, "tax": 1}})
    assert ("tax", "1002") in members


async def test_members_are_right_again_after_kills_at_random_moments(office: Office) -> None:
    rng = random.Random(4)
    phone = await office.phone("1001")
    codes = ["*13", "*141", "*12", "*13", "*141", "*13"]
    for code in codes:
        await kill_somewhen(office, partial(_dial, phone, code), rng.uniform(0.0, 0.08))
        await agree(office)
        if (await office.agent("8001"))["device"] is None:
            await office.log_in("1001")
            await agree(office)


async def _dial(phone: Phone, code: str) -> None:
    leg = phone.call(code)
    await asyncio.wait_for(leg.is_ended.wait(), 20)


async def test_members_outlive_asterisk_and_are_pushed_again(office: Office) -> None:
    await office.ready("1001")
    before = await agree(office)
    await office.site.pbx.restart()
    assert await agree(office) == before

    office.site.kill_service()
    await office.site.pbx.kill()
    await office.site.pbx.resume()
    assert await shown(office) == before  # nobody but Asterisk's own database
    await office.site.start_service()
    assert await agree(office) == before

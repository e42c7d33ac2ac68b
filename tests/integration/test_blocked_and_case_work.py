"""On the real PBX with the real service: a caller whose number is put on the list while calls run, and an agent at case work by key."""

import asyncio
import json
import sys
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from callcenter.http.tokens import read_local_token
from tests.integration.early_rest import unanswered_rest
from tests.integration.office import SEATS, Building, Office, until

pytestmark = pytest.mark.pbx

LISTED = "13900001234"
ENTRY = f'\n[[blocked]]\nnumber = "+86{LISTED}"\nwhy = "骚扰"\n'
REASONS = '1 = "break"\n'


def BUILDING() -> Building:
    """An office with a reason that is case work."""
    building = Building()
    text = building.site.plan_text.replace(REASONS, f'{REASONS}5 = "write_up"\n')
    building.site.plan_text = f'case_work_reasons = ["write_up"]\n{text}'
    return building


async def reload(office: Office, text: str) -> str:
    """Put a plan in force; returns what the service says of it."""
    office.site.write_plan(text)
    status, told = await office.code_of("/plan/reload", "POST", read_local_token(office.site.state_dir) or "")
    assert status == 200, told
    return told


async def command(office: Office, *words: str) -> str:
    """Run `callcenter ...` beside the running service; returns what it prints."""
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    days = ("--from", str(today - timedelta(days=1)), "--to", str(today + timedelta(days=1)))  # a run may pass midnight
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "callcenter", *words, *days),
        env=office.site.environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, problem = await process.communicate()
    assert process.returncode == 0, (out + problem).decode()
    return out.decode()


async def test_number_is_listed_while_calls_run_its_caller_hears_a_busy_line_and_both_witnesses_agree(
    office: Office,
) -> None:
    plan = office.site.plan_text
    seat = await office.ready("1001")
    served = await office.caller(LISTED)
    before = served.call("12345")
    await office.until_presence("8001", "talking")
    assert "blocked +8613900001234 (骚扰) is added" in await reload(office, plan + ENTRY)
    assert (await office.agent("8001"))["presence"] == "talking"  # who talks goes on talking
    served.hang_up(before)
    await office.until_presence("8001", "ready")

    listed, other, unknown = (
        await office.caller(LISTED),
        await office.caller("13900001235"),
        await office.caller("anonymous"),
    )
    async with unanswered_rest(office.site.pbx):
        refused = listed.call("12345")
        await refused.wait_for(486)
    assert not [status for status in refused.statuses() if 200 <= status < 300], "it costs him nothing"
    row = await office.row(refused)
    assert (row["blocked"], row["excluded"], row["outcome"], row["ended_by"]) == (True, True, None, "system")
    assert (row["queued_ms"], row["offers"], row["end_detail"]) == (None, 0, "blocked +8613900001234: 骚扰")
    for phone in (other, unknown):
        call = phone.call("12345")
        await office.until_presence("8001", "talking")
        phone.hang_up(call)
        await office.until_presence("8001", "ready")
        assert (await office.row(call))["outcome"] == "agent_answered"

    assert (await office.samples())["callcenter_calls_blocked_total"]["general",] == 1
    assert "blocked +8613900001234 (骚扰) is removed" in await reload(office, plan)
    again = listed.call("12345")
    await office.until_presence("8001", "talking")
    listed.hang_up(again)
    assert (await office.row(again))["outcome"] == "agent_answered"
    assert len(seat.legs) >= 4

    told = json.loads(await command(office, "reconcile", "--json"))
    assert (told["mismatches"], told["unknown"], told["agreed"]) == (0, 0, told["calls"]), told
    report = await command(office, "report", "--lang", "en")
    assert "Besides, 1 calls of blocked numbers, not counted." in report
    found = json.loads(await command(office, "report", "--format", "json"))
    outcomes = {name: one["calls"] for name, one in found["outcomes"].items()}
    assert (outcomes["agent_answered"], outcomes["inbound_ended"]) == (4, 4)
    assert (found["overview"]["offered"]["value"], found["overview"]["blocked"]["value"]) == (4, 1)


async def test_agent_goes_to_case_work_by_key_is_offered_nothing_and_his_time_is_work_and_no_break(
    office: Office,
) -> None:
    await office.ready("1001")
    await office.code("1001", "*145", "case_work")
    agent = await office.agent("8001")
    assert (agent["presence"], agent["reason"]) == ("case_work", "write_up")
    queues = await asyncio.to_thread(office.site.pbx.rx, "queue show callcenter-general")
    (member,) = [line for line in queues.splitlines() if "8001" in line]
    assert "paused:write_up" in member

    caller = await office.caller()
    call = caller.call("12345")
    await until(lambda: is_waiting(office), "he waits")
    assert (await office.agent("8001"))["presence"] == "case_work"
    await office.code("1001", "*13", "ready", "ringing", "talking")
    await office.until_presence("8001", "talking")
    caller.hang_up(call)
    await office.row(call)
    await office.not_ready("1001")

    samples = await office.samples()
    assert samples["callcenter_agent_seconds_total"][("case_work",)] > 0
    phone, work = (samples[f"callcenter_{kind}_occupancy_ratio"][()] for kind in ("phone", "workload"))
    assert 0 < phone < work < 1
    found = json.loads(await command(office, "report", "--format", "json"))
    (row,) = [one for agent, one in found["agents"].items() if agent == SEATS["1001"]]
    shares = [float(row[name].rstrip("%")) for name in ("phone_occupancy", "workload_occupancy", "utilisation")]
    assert shares[0] < shares[1]


async def is_waiting(office: Office) -> bool:
    """Whether somebody waits in the general line."""
    return bool((await office.status())["engine"]["waiting"]["general"])

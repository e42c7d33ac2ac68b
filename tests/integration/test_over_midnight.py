"""Real calls over a local midnight, and over a restart of the service in it: each counts once, on the day on which it arrived.

The plan gets a time zone whose midnight is a few seconds away (tests/made_zone.py). Before it one caller talks, one waits who will
give up and one who will be answered; after it a fourth arrives. Report, gauges and both witnesses must have three calls of the
old day and one of the new.
"""

import asyncio
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from callcenter.http.tokens import read_local_token
from callcenter.lab.sip_phone import Leg
from tests.integration.office import NEAR_MS, Building, Office, Row, until
from tests.made_zone import make_zone

pytestmark = pytest.mark.pbx
AHEAD_S = 3
"""How far ahead a midnight is chosen: in force before it comes, however slow the machine, for else the next one is chosen."""
ZONES = Path(tempfile.gettempdir()) / f"cc-zones-{os.getpid()}"


def BUILDING() -> Building:
    """An office whose processes find the test's own zones."""
    return Building({"PYTHONTZPATH": os.pathsep.join((str(ZONES), *zoneinfo.TZPATH))})


@pytest.fixture(scope="module", autouse=True)
def zones() -> Iterator[None]:
    """The folder of the zones."""
    ZONES.mkdir(exist_ok=True)
    yield
    shutil.rmtree(ZONES)


@dataclass
class Midnight:
    """A midnight to come, in the plan of an office."""

    office: Office
    at_ms: int
    new_day: date
    told_before: int
    """Calls of the ledger that came before this test's."""

    async def comes(self) -> None:
        """Wait until it is over."""
        await asyncio.sleep(max(0.0, self.at_ms / 1000 - time.time()) + 0.2)

    async def typed(self, command: str, from_day: int, to_day: int, *words: str) -> dict[str, Any]:
        """What an operator gets who types a command for days around the new one (0), as JSON."""
        days = (str(self.new_day + timedelta(days=n)) for n in (from_day, to_day))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "callcenter", command, "--from", next(days), "--to", next(days), *words),
            env=self.office.site.environment(),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        assert process.returncode in (0, 1)
        found: dict[str, Any] = json.loads(out)
        return found


async def midnight_soon(office: Office, name: str, told_before: int) -> Midnight:
    """Put a plan in force in whose zone the day ends in a moment."""
    text = "".join(line for line in office.site.plan_text.splitlines(keepends=True) if not line.startswith("zone ="))
    for number in itertools.count():
        at_s = int(time.time()) + AHEAD_S + number
        new_day = make_zone(ZONES, f"{name}{number}", at_s)
        office.site.write_plan(f'zone = "{name}{number}"\n{text}')
        status, said = await office.code_of("/plan/reload", "POST", read_local_token(office.site.state_dir) or "")
        assert status == 200, said
        if time.time() < at_s:
            break
    return Midnight(office, at_s * 1000, new_day, told_before)


async def waits(office: Office, number: str, *, count: int) -> tuple[Any, Leg]:
    """A caller of the line whose only ready agent is taken; returns when so many calls are open."""
    caller = await office.caller(number)
    leg = caller.call("12345")

    async def is_there() -> bool:
        return bool((await office.status())["engine"]["calls"] == count)

    await until(is_there, f"{count} calls are open")
    return caller, leg


async def play(office: Office, name: str, *, is_killed: bool) -> tuple[Midnight, list[Row]]:
    """Play the four calls; returns the midnight, and their rows, the new day's last. The midnight is chosen when what comes before it
    has come: that may take any time."""
    told_before = len(await office.rows())
    seat = await office.ready("1001")
    talker = await office.caller("13800000001")
    talks = talker.call("12345")
    await office.until_presence("8001", "talking")
    leaver, gives_up = await waits(office, "13800000002", count=2)
    patient, is_answered = await waits(office, "13800000003", count=3)
    midnight = await midnight_soon(office, name, told_before)
    if is_killed:
        office.site.kill_service()
    await midnight.comes()
    if is_killed:
        await office.site.start_service()
        await office.until_presence("8001", "talking")
    leaver.hang_up(gives_up)
    rows = [await office.row(gives_up)]
    talker.hang_up(talks)
    rows.append(await office.row(talks))
    await office.until_presence("8001", "talking")
    patient.hang_up(is_answered)
    rows.append(await office.row(is_answered))
    newcomer = await office.caller("13800000004")
    arrives = newcomer.call("12345")
    await office.until_presence("8001", "talking")
    newcomer.hang_up(arrives)
    rows.append(await office.row(arrives))
    assert len(seat.legs) >= 3
    return midnight, rows


@pytest.mark.parametrize("is_killed", [False, True], ids=["lives", "restarts"])
async def test_calls_last_over_midnight_each_counts_once_on_the_day_on_which_it_arrived(
    office: Office, *, is_killed: bool
) -> None:
    midnight, rows = await play(office, "Restarts" if is_killed else "Lives", is_killed=is_killed)

    assert [row["arrived_ms"] < midnight.at_ms for row in rows] == [True, True, True, False]
    assert all(row["ended_ms"] > midnight.at_ms for row in rows)
    assert [row["outcome"] for row in rows] == ["abandoned_queue", "agent_answered", "agent_answered", "agent_answered"]
    assert [row["answered_ms"] and row["answered_ms"] < midnight.at_ms for row in rows] == [None, True, False, False]

    old, new, both = [await midnight.typed("report", *days, "--format", "json") for days in ((-1, 0), (0, 1), (-1, 1))]
    offered = [one["overview"]["offered"]["value"] for one in (old, new, both)]
    answered = [one["call_service"]["inbound"]["call_volume"] for one in (old, new, both)]
    assert offered == [midnight.told_before + 3, 1, midnight.told_before + 4]
    assert answered == [both["call_service"]["inbound"]["call_volume"] - 1, 1, sum(answered[:2])]
    if not midnight.told_before:
        wait_ms = sum((row["answered_ms"] or row["ended_ms"]) - row["arrived_ms"] for row in rows[:3])
        assert old["call_service"]["inbound"]["exact"]["connect_rate"] == "2/3"
        assert old["call_service"]["inbound"]["avg_wait_s"] == (2 * wait_ms + 3000) // 6000
        assert old["call_service"]["inbound"]["max_talk_s"] == (2 * rows[1]["talk_ms"] + 1000) // 2000

    for first, last, count in ((-1, 0, midnight.told_before + 3), (0, 1, 1)):
        told = await midnight.typed("reconcile", first, last, "--json")
        assert (told["calls"], told["unknown"], told["open"]) == (count, 0, 0)
        assert [one for one in told["differences"] if not is_near(one)] == []

    async def is_shown() -> bool:
        shown = (await office.samples())["callcenter_report_offered"]
        return any(value == 1 for labels, value in shown.items() if set(labels) == {"today", "all"})

    await until(is_shown, "today's gauge has the new day's call alone")


def is_near(difference: dict[str, Any]) -> bool:
    """An instant that a busy machine's dialplan was late with."""
    return difference["what"].endswith("_ms") and abs(difference["ledger"] - difference["cel"]) <= NEAR_MS

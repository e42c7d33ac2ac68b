"""The service dies; nobody on the phone notices. On the real PBX, with real phones, with the real service as a process."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.loader import end, spawn
from callcenter.lab.ports import free_port
from callcenter.proof.hall import ANSWER_S, DIDS, Hall
from callcenter.proof.kills import SHORT, is_right, run
from callcenter.proof.watch import Seen
from tests.integration.conftest import missing
from tests.integration.office import STALE_S
from tests.integration.office import until as until_told

pytestmark = pytest.mark.pbx

EXIT_HELD = 4


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    """Asterisk, service and three softphone agents who answer after a second; nobody calls yet."""
    try:
        async with Hall(3, random.Random(1), wait=6) as hall:
            yield hall
    except PeerUnavailableError as error:
        missing(error)


async def until(is_so: Callable[[], bool], within_s: float = 20.0) -> None:
    """Wait for something that the PBX or the service does in its own time."""
    async with asyncio.timeout(within_s):
        while not await asyncio.to_thread(is_so):  # noqa: ASYNC110 -- another process is asked, it sets no event
            await asyncio.sleep(0.05)


def second_service(hall: Hall, state: Path, **more: str) -> "subprocess.Popen[bytes]":
    """Start another `callcenter serve` on the same PBX; it never outlives us."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("CALLCENTER_")}
    settings: Mapping[str, str] = {
        **hall.site.settings(),
        "CALLCENTER_STATE_DIR": str(state),
        "CALLCENTER_HTTP_PORT": str(free_port()),
        **more,
    }
    command = [sys.executable, "-m", "callcenter", "serve"]
    log = state.parent / "second.log"
    return spawn(command, folder=state.parent, environment={**own, **settings}, log=log, as_ourselves=True)


async def exit_code(process: "subprocess.Popen[bytes]", within_s: float) -> int | None:
    """Return the exit code of a service that ends by itself; None (and it is ended) when it does not in time."""
    try:
        return await asyncio.to_thread(process.wait, within_s)
    except subprocess.TimeoutExpired:
        await asyncio.to_thread(end, process, patience_s=0)
        return None


async def outcomes(hall: Hall) -> list[tuple[str | None, str | None]]:
    """Return (outcome, via) of every call of the ledger that is over."""
    async with hall.site.ledger() as ledger:
        rows = await ledger.calls(0, 10**14)
    return [(row["outcome"], row["via"]) for row in rows if row["ended_ms"] is not None]


async def first_talk(hall: Hall, seen: Callable[[Seen], bool] = lambda one: one.talked_at is not None) -> None:
    assert await hall.watch.wait_for(lambda: any(seen(one) for one in hall.watch.calls.values()), 20), hall.census()


async def test_service_killed_in_four_states_no_caller_notices() -> None:
    try:
        result = await run(SHORT)
    except PeerUnavailableError as error:
        missing(error)
    assert is_right(result), result
    assert result["kills"] == 4
    assert result["fell_back"] >= 20  # the fourth kill was left without a restart


async def test_agents_after_a_crash_are_ready_in_the_order_in_which_they_were(hall: Hall) -> None:
    first, second, third = hall.agents
    for phone in (second, first, third):  # each talks once: who ends first is idle longest
        phone.talk_s = 0.3
    for phone in (first, third):
        await phone.dial("*141")
        await phone.wait_for("closed")
    await hall.call(DIDS[0])  # only the second is ready
    await second.wait_for("closed", within_s=15)
    await until(lambda: presences(hall).get(second.number) == "ready")
    for phone in (third, first):
        await phone.dial("*13")
        await phone.wait_for("closed")
    hall.site.kill_service()
    await hall.site.start_service()
    for phone in hall.agents:
        phone.forget()
        phone.answer_after_s = None
    in_order: list[str] = []
    for known in range(3):  # one after the other: whose phone rings first of two would be whose we read first
        await hall.call(DIDS[1])
        await until(lambda known=known: len(rung(hall)) > known)
        in_order += rung(hall) - set(in_order)
    assert in_order == [second.number, third.number, first.number]


def presences(hall: Hall) -> dict[str, str]:
    """What the agent at each phone does."""
    return {agent["device"]: agent["presence"] for agent in hall.site.status()["agents"]}


def rung(hall: Hall) -> set[str]:
    """The phones that ring."""
    return {phone.number for phone in hall.agents if phone.call is not None and phone.call.direction == "in"}


async def test_caller_answered_by_the_fallback_is_a_call_on_record_as_such(hall: Hall) -> None:
    for phone in hall.agents:
        phone.talk_s = 12.0  # longer than a start takes on a busy machine
    killed = time.time()
    hall.site.kill_service()
    await asyncio.sleep(STALE_S)
    caller = await hall.call(DIDS[0])  # the beat is stale: straight to the PBX's own queue
    await first_talk(hall)
    (seen,) = hall.watch.calls.values()
    assert seen.fallbacks[0] - seen.arrived < 1.0
    assert seen.fallbacks[0] - killed > 12
    await hall.site.start_service()
    await caller.phone.ended(25)
    await until(lambda: hall.site.status()["engine"]["calls"] == 0)
    told = await until_told(lambda: outcomes(hall), "the ledger has the end of the call")
    assert told == [("agent_answered", "fallback")]
    async with hall.site.ledger() as ledger:
        states = [row["presence"] for seat in hall.site.seats for row in await ledger.presence(seat)]
    assert states.count("acw") == 1  # his talk is followed by wrap-up, as any


async def test_second_service_on_the_same_pbx_names_the_holder_and_ends(hall: Hall, tmp_path: Path) -> None:
    process = second_service(hall, tmp_path / "state")
    assert await exit_code(process, 40) == EXIT_HELD
    said = (tmp_path / "second.log").read_text(encoding="utf-8")
    assert f"held by instance {hall.site.status()['instance']}" in said
    assert hall.site.status()["leader"]


async def test_second_service_on_the_same_state_folder_ends_at_once(hall: Hall) -> None:
    process = second_service(hall, hall.site.state_dir)
    assert await exit_code(process, 40) == EXIT_HELD
    assert "process" in (hall.site.state_dir.parent / "second.log").read_text(encoding="utf-8")


async def test_leader_frozen_and_thawed_after_a_takeover_dials_nobody_and_ends(hall: Hall, tmp_path: Path) -> None:
    old = hall.site.process
    assert old is not None
    for phone in hall.agents:
        await phone.dial("*141")
        await phone.wait_for("closed")
    for did in (*DIDS, *DIDS):
        await hall.call(did)
    old.send_signal(signal.SIGSTOP)
    new = second_service(hall, tmp_path / "state")
    try:
        beat = await hall.watch.get_global("CC_BEAT")
        deadline = time.monotonic() + 30
        while await hall.watch.get_global("CC_BEAT") == beat:
            assert time.monotonic() < deadline, "nobody took over"
            await asyncio.sleep(0.2)
        old.send_signal(signal.SIGCONT)
        assert await exit_code(old, 40) == EXIT_HELD
        await asyncio.sleep(0.5)
        assert not any(one.turn_at for one in hall.watch.calls.values())
        assert all(caller.call.is_open for caller in hall.callers)
        assert "held by instance" in hall.site.log_tail()
    finally:
        await asyncio.to_thread(end, new, patience_s=5.0)


async def test_pbx_crashed_and_back_the_service_begins_anew_and_closes_what_it_knew(hall: Hall) -> None:
    talked = await hall.call(DIDS[0])
    for phone in hall.agents:
        phone.talk_s = None
    await first_talk(hall)
    for phone in hall.agents[0:3]:
        if phone.call is None:
            await phone.dial("*141")
            await phone.wait_for("closed")
    await hall.call(DIDS[1])
    assert await hall.watch.wait_for(lambda: len(hall.watch.waiting()) == 1, 5)
    await asyncio.sleep(ANSWER_S)
    await hall.site.pbx.kill()
    talked.phone.kill()
    for phone in hall.agents:
        await phone.hang_up()
    await hall.site.pbx.resume()
    await until(lambda: bool(hall.site.status()["synced"]), 20)
    deadline = time.monotonic() + 15
    while sorted(await outcomes(hall), key=str) != [("agent_answered", "engine"), ("failed", None)]:
        assert time.monotonic() < deadline, await outcomes(hall)  # CEL has no end of them: the PBX dropped both
        await asyncio.sleep(0.2)
    assert await asyncio.to_thread(hall.site.pbx.rx, "dialplan show globals")
    for name in ("CC_BEAT", "CC_DID_12345"):
        assert name in await asyncio.to_thread(hall.site.pbx.rx, "dialplan show globals")

    def are_members() -> bool:
        members = hall.site.pbx.rx("queue show callcenter-enterprise")
        return all(f"PJSIP/{phone.number}" in members for phone in hall.agents)

    await until(are_members)

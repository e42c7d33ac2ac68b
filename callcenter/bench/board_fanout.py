"""`board_fanout`: from a PBX event to 200 open boards, with 3,115 agents and 100 calls a second, while 20 more have stopped reading.

`callcenter serve` is a process of its own; a stand-in for the PBX tells it calls as a real Asterisk was recorded telling them
(`replayed_pbx`), at real pace, and obeys its wishes. Timed is a line of probes: a caller arrives there alone four times a second,
and each board says since when he waits, which is the PBX's own instant. Right means: every board got every message in order and
the same bytes, whole states equal what the differences made, boards that had stalled for half of the time are up to date when they
read again (`resynced`: how many had fallen so far behind that they got the whole state anew), those that stalled for all of it
are cut off, and at the end the day's figures are the number of calls that were told.

Beside it the same path from a real Asterisk with real SIP calls, 20 a second: there each change of an agent's state is timed.
"""

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.login import proof_of
from callcenter.bench.arrive import one_call
from callcenter.bench.errors import BenchWrong
from callcenter.bench.floor import Floor, percentile
from callcenter.bench.memory import Served, event_text, served
from callcenter.bench.replayed_pbx import ReplayedPbx
from callcenter.bench.screens import Screen, Story, figures_of, is_cut, open_screen, open_stalled, read_on
from callcenter.http.tokens import Audience, TokenStore
from callcenter.lab.sip_phone import Phone, answers
from callcenter.lab.site import Seat

AGENTS, CALLS_PER_S = 3115, 100.0
BOARDS, STALLED = 200, 20
SECONDS, WARM_S = 30.0, 12.0
TALK_S, WRAPUP_S = 15.0, 5
PROBE_EVERY_S, PROBE_STAYS_S = 0.25, 0.15
LOG_INS_PER_S = 400
REAL_CALLS, REAL_PER_S, REAL_BOARDS, REAL_SEATS, REAL_TALK_S = 400, 20.0, 20, 20, 0.4
LOWEST_SHARE = 0.9
"""Of the calls that should have been told in the time: less would be another load than is claimed."""
PROBE_LINE, PROBE_DID = "probe", "12399"
_LINES = "\n".join(
    f'[lines.l{n}]\nname = "线路{n}"\nname_en = "Line {n}"\ndids = ["1230{n}"]\nneed = "s{n} >= 1"\nwrapup_s = {WRAPUP_S}\n'
    for n in range(10)
)
_PROBE = f'[lines.{PROBE_LINE}]\nname = "测时"\nname_en = "Probe"\ndids = ["{PROBE_DID}"]\nneed = "nobody >= 1"\n'


@dataclass
class Hall:
    """A running service with its stand-in PBX."""

    pbx: ReplayedPbx
    service: Served
    token: str
    seats: list[Seat]

    def cpu_s(self) -> float:
        """CPU time that the service has used so far, seconds."""
        fields = Path(f"/proc/{self.service.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def log_tail(self) -> str:
        """The end of the service's log."""
        return (self.service.folder / "log").read_text(encoding="utf-8", errors="replace")[-1500:]


@asynccontextmanager
async def hall(agents: int) -> AsyncIterator[Hall]:
    """Run the service with so many agents, all logged in."""
    seats = [Seat(str(10000 + n), f"座席{n}", {f"s{n % 10}": 1 + n % 4}) for n in range(agents)]
    nobody = Seat("99999", "无人", {"nobody": 1})
    plan = f'default_line = "l0"\n{_LINES}\n{_PROBE}\n' + "\n".join(seat.toml() for seat in (*seats, nobody))
    pbx = ReplayedPbx(TALK_S)
    async with served(pbx, plan) as service:
        _, token = TokenStore(service.folder / "state").create(Audience.BOARD, "bench")
        running = Hall(pbx, service, token, seats)
        await _log_in(running)
        yield running


async def _log_in(running: Hall) -> None:
    for n, seat in enumerate(running.seats):
        proof = proof_of(f"bench-2.{n}", seat.pin_sha1)
        login = {"Code": "login", "Endpoint": str(20000 + n), "Agent": seat.number, "Proof": proof}
        running.pbx.write(event_text("CcFeature", f"bench-2.{n}", **login))
        if n % 40 == 39:
            await asyncio.sleep(40 / LOG_INS_PER_S)


async def let_come(pbx: ReplayedPbx, per_s: float) -> None:
    """Let callers come at this pace, and a probe now and then, until cancelled."""
    loop = asyncio.get_running_loop()
    began, sent, probed = loop.time(), 0, 0
    lines = itertools.cycle(range(10))
    while True:
        now = loop.time() - began
        while sent < now * per_s:
            line = next(lines)
            pbx.arrive(f"1230{line}", f"l{line}")
            sent += 1
        if probed * PROBE_EVERY_S < now:
            pbx.arrive(PROBE_DID, PROBE_LINE, PROBE_STAYS_S)
            probed += 1
        await asyncio.sleep(0.01)


async def measure(agents: int, per_s: float, boards: int, stalled: int, seconds: float) -> dict[str, Any]:
    """Run it."""
    story = Story("lines", "from_ms", [PROBE_LINE])
    async with hall(agents) as running:
        pbx = running.pbx
        calls = asyncio.create_task(let_come(pbx, per_s))
        await asyncio.sleep(WARM_S)
        screens = [await open_screen(running.service.http_port, running.token, story) for _ in range(boards)]
        stuck = [await open_stalled(running.service.http_port, running.token) for _ in range(stalled)]
        await asyncio.sleep(1.0)
        story.is_timed = True
        cpu_s, began, told, done = running.cpu_s(), time.monotonic(), pbx.told, pbx.ended
        await asyncio.sleep(seconds / 2)
        later = [await open_stalled(running.service.http_port, running.token) for _ in range(stalled)]
        await asyncio.sleep(seconds / 2)
        took_s = time.monotonic() - began
        cpu = (running.cpu_s() - cpu_s) / took_s
        story.is_timed = False
        events, ended = pbx.told - told, pbx.ended - done
        again = await asyncio.gather(*(read_on(one, story, 10.0) for one in later[: stalled // 2]))
        calls.cancel()
        await asyncio.gather(calls, return_exceptions=True)
        await until_over(running, story)
        _check(screens, story, running)
        if any(screen.error for screen in again):
            raise BenchWrong(f"a board that reads again got {next(screen.error for screen in again if screen.error)}")
        if not all(is_cut(one) for one in stuck):
            raise BenchWrong("a board that stopped reading still has its connection")
        for screen in screens:
            if screen.transport is not None:
                screen.transport.abort()
        for one in (*stuck, *later):
            one.close()
    if ended < LOWEST_SHARE * per_s * took_s:
        raise BenchWrong(f"only {ended / took_s:.0f} calls a second came to their end, not {per_s:.0f}")
    return {
        "name": "board_fanout",
        "p99_ms": round(percentile(story.took_ms, 0.99), 1),
        "boards": boards,
        "cpu_percent": round(100 * cpu, 1),
        "stalled": stalled,
        "resynced": sum(screen.wholes > 1 for screen in again),
        "p50_ms": round(percentile(story.took_ms, 0.5), 1),
        "samples": len(story.took_ms),
        "calls_per_s": round(ended / took_s, 1),
        "events_per_s": round(events / took_s),
        "messages_per_s": round(story.messages / took_s),
    }


async def until_over(running: Hall, story: Story) -> None:
    """Wait until no call goes on and the boards say so of every call that was told."""
    told: dict[str, Any] = {}
    with suppress(TimeoutError):
        async with asyncio.timeout(90):
            while True:
                if story.states and not running.pbx.open:
                    told = dict(figures_of(story.states[max(story.states)]))
                    if told["offered"] == str(running.pbx.ended) and told["waiting"] == told["talking"] == "0":
                        return
                await asyncio.sleep(0.2)
    raise BenchWrong(
        f"{running.pbx.ended} calls were told, {running.pbx.open} go on, the boards say {told}: {running.log_tail()}"
    )


async def _until_told(story: Story, calls: int) -> None:
    """Wait until the boards say that so many calls have ended. Raises BenchWrong."""
    told = ""
    for _ in range(100):
        told = figures_of(story.states[max(story.states)])["offered"]
        if told == str(calls):
            return
        await asyncio.sleep(0.1)
    raise BenchWrong(f"{calls} calls have ended, the boards say {told}")


def _check(screens: list[Screen], story: Story, running: Hall) -> None:
    """Every screen was told everything. Raises BenchWrong."""
    for screen in screens:
        if screen.error is not None:
            raise screen.error
    newest = max(story.states)
    lost = sum(screen.is_lost for screen in screens)
    if lost:
        raise BenchWrong(f"{lost} boards that read lost their connection: {running.log_tail()}")
    late = [screen.number for screen in screens if (screen.number or 0) < newest - 1]
    if late:
        raise BenchWrong(f"{len(late)} boards that read are behind the others")
    if not story.took_ms:
        raise BenchWrong("no board showed a probe")


async def measure_real(calls: int, per_s: float, boards: int) -> dict[str, Any]:
    """The same with a real Asterisk and real calls."""
    floor, story = Floor(REAL_SEATS), Story("agents", "since_ms")
    async with floor.open(answers(0.05)), floor.link() as link:
        await link.wait_up(5)
        await floor.log_in_everybody(link)
        await asyncio.sleep(0.5)
        _, token = TokenStore(floor.site.state_dir).create(Audience.BOARD, "bench")
        screens = [await open_screen(floor.site.http_port, token, story) for _ in range(boards)]
        await asyncio.sleep(1.5)
        story.is_timed = True
        phone = await Phone.open("13900000001", ("127.0.0.2", 0), floor.sip)
        loop = asyncio.get_running_loop()
        began, tasks = loop.time(), []
        for n in range(calls):
            await asyncio.sleep(max(0.0, began + n / per_s - loop.time()))
            tasks.append(asyncio.create_task(one_call(phone, REAL_TALK_S)))
        lost = sum(await asyncio.gather(*tasks))
        await phone.close()
        await _until_told(story, calls)
        error = next((screen.error for screen in screens if screen.error is not None), None)
        for screen in screens:
            if screen.transport is not None:
                screen.transport.abort()
    if lost or error is not None or not story.took_ms:
        raise BenchWrong(f"{lost} of {calls} real calls were lost, {len(story.took_ms)} changes seen: {error}")
    return {"real_calls": calls, "real_p99_ms": round(percentile(story.took_ms, 0.99), 1)}


def run() -> dict[str, Any]:
    """Measure the full size."""
    real = asyncio.run(measure_real(REAL_CALLS, REAL_PER_S, REAL_BOARDS))
    return asyncio.run(measure(AGENTS, CALLS_PER_S, BOARDS, STALLED, SECONDS)) | real

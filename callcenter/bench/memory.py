"""`memory`: what the service holds in memory with a province at work: 3,115 agents logged in, 5,000 callers waiting.

`callcenter serve` runs as a process of its own against a stream of AMI messages replayed over a socket: a peer that answers
log-in, pings, globals and snapshots as Asterisk does, and tells log-ins and arrivals in Asterisk's format. Right means that
the service itself counts 5,000 waiting and 3,115 agents at the end; resident memory is the kernel's figure.
"""

import asyncio
import contextlib
import re
import shutil
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.login import proof_of
from callcenter.bench.errors import BenchWrong
from callcenter.lab.loader import end, spawn
from callcenter.lab.ports import free_port
from callcenter.lab.site import SERVE, Seat

AGENTS = 3115
WAITING = 5000
BATCH = 50
_LINES = "\n".join(
    f'[lines.l{n}]\nname = "线路{n}"\nname_en = "Line {n}"\ndids = ["1234{n}"]\nneed = "s{n} >= 5"\n' for n in range(10)
)


class ScriptedPbx:
    """Speaks AMI as far as the service needs it; tells what it is told to."""

    def __init__(self) -> None:
        self.port = 0
        self.ready = asyncio.Event()
        """The service asked for the channels and was answered: it is in step."""
        self._events: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on a free loopback port."""
        self._server = await asyncio.start_server(self._session, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()

    async def tell(self, blocks: list[str]) -> None:
        """Send events to the session that reads them."""
        assert self._events is not None
        self._events.write("".join(blocks).encode())
        await self._events.drain()

    def write(self, text: str) -> None:
        """Send events without waiting for the reader."""
        assert self._events is not None
        self._events.write(text.encode())

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                block = (await reader.readuntil(b"\r\n\r\n")).decode()
                action = dict(line.split(": ", 1) for line in block.split("\r\n") if ": " in line)
                if action.get("Action") == "Login" and action.get("Events") != "off":
                    self._events = writer
                writer.write(self._answer(action).encode())

    def _answer(self, action: dict[str, str]) -> str:
        """Return the answer to one action, in Asterisk's words."""
        head = f"Response: Success\r\nActionID: {action.get('ActionID', '')}\r\n"
        match action.get("Action"):
            case "Ping":
                return f"{head}Ping: Pong\r\nTimestamp: {time.time():.6f}\r\n\r\n"
            case "Getvar":
                return f"{head}Variable: {action['Variable']}\r\nValue: \r\n\r\n"
            case "CoreSettings":
                return f"{head}SystemName: bench\r\n\r\n"
            case "DeviceStateList":
                return self._list(head, action, "DeviceStateListComplete")
            case "QueueStatus":
                return self._list(head, action, "QueueStatusComplete")
            case "Status":
                asyncio.get_running_loop().call_later(0.3, self.ready.set)
                return self._list(head, action, "StatusComplete")
        return f"{head}Message: done\r\n\r\n"

    @staticmethod
    def _list(head: str, action: dict[str, str], last: str) -> str:
        end_of_list = f"Event: {last}\r\nActionID: {action['ActionID']}\r\nEventList: Complete\r\nListItems: 0\r\n\r\n"
        return f"{head}EventList: start\r\n\r\n{end_of_list}"


def event_text(name: str, uniqueid: str, **headers: str) -> str:
    """One UserEvent with the channel snapshot that Asterisk puts before it."""
    text = (
        f"Event: UserEvent\r\nPrivilege: user,all\r\nTimestamp: {time.time():.6f}\r\nChannel: PJSIP/trunk-{uniqueid}\r\n"
        "ChannelState: 4\r\nChannelStateDesc: Ring\r\nCallerIDNum: 13800000000\r\nCallerIDName: 市民\r\n"
        "ConnectedLineNum: <unknown>\r\nConnectedLineName: <unknown>\r\nLanguage: zh\r\nAccountCode: \r\n"
        f"Context: callcenter-inbound\r\nExten: 12345\r\nPriority: 4\r\nUniqueid: {uniqueid}\r\nLinkedid: {uniqueid}\r\n"
        f"UserEvent: {name}\r\n"
    )
    return text + "".join(f"{key}: {value}\r\n" for key, value in headers.items()) + "\r\n"


@dataclass(frozen=True, slots=True)
class Served:
    """A running service."""

    folder: Path
    """Its plan, state and `log`."""
    pid: int
    http_port: int


@contextlib.asynccontextmanager
async def served(pbx: ScriptedPbx, plan: str) -> AsyncIterator[Served]:
    """Run the service with a scripted PBX, from when it is in step; everything is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="cc-scripted-"))
    await asyncio.to_thread((folder / "plan.toml").write_text, plan, encoding="utf-8")
    http_port = free_port()
    await pbx.start()
    environment = {
        "CALLCENTER_AMI_PORT": str(pbx.port),
        "CALLCENTER_AMI_SECRET": "scripted",
        "CALLCENTER_PLAN": str(folder / "plan.toml"),
        "CALLCENTER_STATE_DIR": str(folder / "state"),
        "CALLCENTER_HTTP_PORT": str(http_port),
    }
    process = spawn(SERVE, folder=folder, environment=environment, log=folder / "log", as_ourselves=True)
    try:
        async with asyncio.timeout(60):
            await pbx.ready.wait()
        yield Served(folder, process.pid, http_port)
    finally:
        await asyncio.to_thread(end, process)
        await pbx.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def measure(agents: int, waiting: int) -> dict[str, Any]:
    """Feed the service and read its memory."""
    seats = [Seat(str(10000 + n), f"座席{n}", {f"s{n % 10}": 1 + n % 4}) for n in range(agents)]
    best = [Seat(str(90000 + n), f"专家{n}", {f"s{n}": 5}) for n in range(10)]
    plan = f'default_line = "l0"\n{_LINES}\n' + "\n".join(seat.toml() for seat in (*seats, *best))
    pbx = ScriptedPbx()
    async with served(pbx, plan) as service:
        await _feed(pbx, seats, waiting)
        counted = await _until_counted(service.http_port, agents, waiting, service.folder)
        rss_mb = await asyncio.to_thread(_resident_mb, service.pid)
    return {"name": "memory", "rss_mb": round(rss_mb, 1), **counted}


async def _feed(pbx: ScriptedPbx, seats: list[Seat], waiting: int) -> None:
    """Tell log-ins, then arrivals; none of these callers can be taken by who is logged in, so all of them wait."""
    blocks = []
    for n, seat in enumerate(seats):
        uniqueid = f"bench-1.{n}"
        proof = proof_of(uniqueid, seat.pin_sha1)
        login = {"Code": "login", "Endpoint": str(1000 + n), "Agent": seat.number, "Proof": proof}
        blocks.append(event_text("CcFeature", uniqueid, **login))
    for n in range(waiting):
        arrived = {"Did": f"1234{n % 10}", "Line": f"l{n % 10}", "SipCallId": f"{n}@bench", "Menu": "0", "Test": "0"}
        blocks.append(event_text("CcArrived", f"bench-2.{n}", **arrived))
    for start in range(0, len(blocks), BATCH):
        await pbx.tell(blocks[start : start + BATCH])
        await asyncio.sleep(0.01)


async def _until_counted(port: int, agents: int, waiting: int, folder: Path) -> dict[str, int]:
    """Wait until the service itself counts everybody."""
    seen: dict[str, int] = {}
    for _ in range(300):
        text = await asyncio.to_thread(_metrics, port)
        ready = re.search(r'callcenter_agents\{presence="ready"\} (\d+)', text)
        queued = re.findall(r"^callcenter_calls_waiting\{[^}]*\} (\d+)", text, re.MULTILINE)
        seen = {"agents": int(ready[1]) if ready else 0, "waiting": sum(map(int, queued))}
        if seen == {"agents": agents, "waiting": waiting}:
            return seen
        await asyncio.sleep(0.2)
    log = (folder / "log").read_text(encoding="utf-8", errors="replace")[-1500:]
    raise BenchWrong(f"the service counts {seen}, not {agents} agents and {waiting} waiting: {log}")


def _resident_mb(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    if found is None:
        raise BenchWrong("the service ended before its memory was read")
    return int(found[1]) / 1024


def _metrics(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def run() -> dict[str, Any]:
    """Measure the full size."""
    return asyncio.run(measure(AGENTS, WAITING))

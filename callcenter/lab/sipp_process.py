"""One SIPp process, steered from Python.

SIPp only reacts (`callcenter/lab/sipp/*.xml`); WHEN something happens is decided by its owner, who sends the scenario a
small INFO of the call's own Call-ID over loopback (`nudge`). Its message log is a pipe, so everything it sends and
receives is known at once, with SIPp's own instants.
"""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from callcenter.lab.apt import PBX, peer_root
from callcenter.lab.errors import PhoneError
from callcenter.lab.loader import (
    Program,
    end,
    hand_over,
    private_folder,
    program_in,
    remove_folder,
    running,
    spawn,
    wait,
)
from callcenter.lab.ports import is_listening_udp
from callcenter.lab.sip_trace import SipMessage, TraceReader

SCENARIOS = Path(__file__).resolve().parent / "sipp"
_BOUND_S = 15.0


class SippProcess:
    """SIPp on one address and port with one scenario; `on_message` gets every message it sent or received."""

    def __init__(self, scenario: str, host: str, port: int, on_message: Callable[[SipMessage], None]) -> None:
        self.host = host
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None
        self.is_ended = asyncio.Event()
        """Set when the process is gone and its log was read to the end."""
        self._scenario = scenario
        self._folder = private_folder("cc-sipp-")
        self._reader = TraceReader(on_message)
        self._pipe = -1
        self._waiting: asyncio.Task[None] | None = None

    async def start(self, *arguments: str, keys: Mapping[str, str]) -> None:
        """Start it with further command line words and the scenario's `[keys]`."""
        program = await asyncio.to_thread(_find_sipp)
        shutil.copyfile(SCENARIOS / self._scenario, self._folder / "scenario.xml")
        trace = self._folder / "trace"
        os.mkfifo(trace)
        hand_over(self._folder)
        # Open for both ways, so that it never reports an end while SIPp has not opened it yet.
        self._pipe = os.open(trace, os.O_RDWR | os.O_NONBLOCK)
        asyncio.get_running_loop().add_reader(self._pipe, self._read)
        words = program.command(
            *("-sf", str(self._folder / "scenario.xml"), "-i", self.host, "-p", str(self.port), "-nostdin"),
            *("-default_behaviors", "none", "-trace_msg", "-message_file", str(trace)),
            *("-trace_err", "-error_file", str(self._folder / "errors")),
            *(word for key, value in keys.items() for word in ("-key", key, value)),
            *arguments,
        )
        self.process = spawn(words, folder=self._folder, log=self._folder / "log")
        self._waiting = asyncio.create_task(self._until_ended(self.process))

    async def until_bound(self) -> None:
        """Wait until it listens. Raises PhoneError when it ends or takes too long."""
        try:
            async with asyncio.timeout(_BOUND_S):
                while not self.is_ended.is_set():
                    if is_listening_udp(self.port, self.host):
                        return
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pass
        raise PhoneError(f"SIPp does not listen on {self.host}:{self.port}: {self.errors()}")

    def nudge(self, call_id: str, header: str = "", number: int = 1) -> None:
        """Give the call of that Call-ID its cue; `header` is one more line (`X-Say: 486 Busy Here`). A cue that is the same as the
        last one that SIPp followed is such a one sent again, to SIPp; with another `number` it is a new one."""
        text = (
            f"INFO sip:cue@{self.host}:{self.port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKcue\r\n"
            f"From: <sip:owner@127.0.0.1>;tag=cue\r\nTo: <sip:cue@{self.host}>\r\nCall-ID: {call_id}\r\n"
            f"CSeq: {number} INFO\r\n{header}{chr(13) + chr(10) if header else ''}Content-Length: 0\r\n\r\n"
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as owner:
            owner.sendto(text.encode(), (self.host, self.port))

    def errors(self) -> str:
        """Return what it complained about."""
        texts = []
        for name in ("errors", "log"):
            with contextlib.suppress(OSError):
                texts.append((self._folder / name).read_text(encoding="utf-8", errors="replace").strip())
        return "\n".join(texts)[-800:]

    async def stop(self) -> None:
        """End it at once; harmless when it has ended."""
        if self.process is not None and self._waiting is not None:
            if self.process.pid in running():
                await asyncio.to_thread(end, self.process, patience_s=0)
            await self._waiting
        self._close()
        await asyncio.to_thread(remove_folder, self._folder)

    async def _until_ended(self, process: "subprocess.Popen[bytes]") -> None:
        await wait(process)
        self._read()
        self.is_ended.set()

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            while self._pipe >= 0 and (data := os.read(self._pipe, 65536)):
                self._reader.feed(data)

    def _close(self) -> None:
        if self._pipe >= 0:
            asyncio.get_running_loop().remove_reader(self._pipe)
            os.close(self._pipe)
            self._pipe = -1


def _find_sipp() -> Program:
    own = shutil.which("sipp")
    if own is not None:
        return Program(Path(own))
    return program_in(peer_root(PBX), "usr/bin/sipp")

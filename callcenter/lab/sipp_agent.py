"""A called phone that says exactly what a test asks for: any refusal, ringing for ever, or nothing at all.

Softphones cannot send every code; this one can. It registers at the lab's Asterisk (or stands for the outside world at
127.0.0.3), answers Asterisk's OPTIONS, and takes each INVITE through its `script`: steps of (seconds after the INVITE,
status). It notes its calls as every phone does.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Coroutine, Mapping
from typing import Self

from callcenter.lab.errors import PhoneError
from callcenter.lab.pbx import Asterisk
from callcenter.lab.phone_log import PhoneCall, Role
from callcenter.lab.ports import DEAF, free_port
from callcenter.lab.sip_trace import SipMessage, address
from callcenter.lab.sipp_process import SippProcess

Script = tuple[tuple[float, int], ...]
SILENT: Script = ()
RINGS_ONLY: Script = ((0.0, 180),)
CUE_EVERY_S = 0.5
STATUSES = (180, 183, 200, 403, 404, 408, 480, 486, 488, 500, 503, 600, 603)
"""What it can say (`callcenter/lab/sipp/callee.xml`)."""


def answers(after_s: float = 0.1) -> Script:
    """Ring at once and answer after `after_s` seconds."""
    return ((0.0, 180), (after_s, 200))


def refuses(status: int, after_s: float = 0.0) -> Script:
    """Refuse with that status, without ringing where `after_s` is 0."""
    return ((0.0, 180), (after_s, status)) if after_s > 0 else ((0.0, status),)


def dialled(call: PhoneCall) -> str:
    """Return the number of the outside world that a call was made to; empty for a phone with a number of its own."""
    return call.notes[0].removeprefix("sip:").partition("@")[0] if call.notes else ""


class SippAgent:
    """One phone with a number of its own, or (number None) everything outside that the trunk can dial."""

    def __init__(
        self,
        pbx: Asterisk,
        number: str | None,
        script: Script = RINGS_ONLY,
        *,
        role: Role = "agent",
        talk_s: float | None = None,
        on_change: Callable[["SippAgent"], None] | None = None,
    ) -> None:
        """script: what it does with an INVITE; may be changed at any time. talk_s: hangs up that long after its answer
        (None: waits for the other side's BYE)."""
        host, port = ("127.0.0.3", pbx.outside_port) if number is None else ("127.0.0.1", free_port(socket.SOCK_DGRAM))
        self.number = number or "outside"
        self.role: Role = "outside" if number is None else role
        self.script = script
        self.scripts: Mapping[str, Script] = {}
        """Dialled number -> what it does with such an INVITE instead (only where it stands for many numbers)."""
        self.talk_s = talk_s
        self.calls: list[PhoneCall] = []
        """Every call so far, oldest first."""
        self._pbx = pbx
        self._is_registered = False
        self._on_change = on_change
        self._news = asyncio.Event()
        self._acts: set[asyncio.Task[None]] = set()
        self._out: set[tuple[str, int]] = set()
        """(Call-ID, status) of all that was sent for an INVITE."""
        self._sipp = SippProcess("callee.xml", host, port, self._noted)

    async def start(self) -> Self:
        """Start it, and register where it has a number. Raises PeerUnavailableError or PhoneError."""
        keys = {"own_number": self.number, "own_name": self.number, "rtp_port_of_ours": str(DEAF)}
        for tries_left in (2, 1, 0):
            await self._sipp.start(keys=keys)
            try:
                await self._sipp.until_bound()
                break
            except PhoneError:
                if not tries_left or self.role == "outside":
                    raise
                await self._sipp.stop()  # its port was taken between the moment it was found free and its start
                port = free_port(socket.SOCK_DGRAM)
                self._sipp = SippProcess("callee.xml", self._sipp.host, port, self._noted)
        if self.role != "outside":
            await self.register()
        return self

    async def register(self, expires_s: int = 3600) -> None:
        """Register (0: unregister). Raises PhoneError when the PBX refuses."""
        heard: list[SipMessage] = []
        sipp = SippProcess("register.xml", "127.0.0.1", free_port(socket.SOCK_DGRAM), heard.append)
        await sipp.start(
            f"127.0.0.1:{self._pbx.sip_port}",
            *("-m", "1", "-timeout", "5s"),
            keys={
                "own_number": self.number,
                "own_secret": self._pbx.phones[self.number],
                "contact_port": str(self._sipp.port),
                "expires_s": str(expires_s),
            },
        )
        try:
            async with asyncio.timeout(6):
                await sipp.is_ended.wait()
        except TimeoutError:
            pass
        finally:
            errors = sipp.errors()
            await sipp.stop()
        if not any(message.status == 200 for message in heard):
            raise PhoneError(f"phone {self.number} could not register: {errors}")
        self._is_registered = expires_s > 0

    async def stop(self) -> None:
        """Unregister and end; calls that go on end with it."""
        for act in list(self._acts):
            act.cancel()
        if self._is_registered and self._pbx.pid is not None:
            await self.register(0)
        await self._sipp.stop()

    def kill(self) -> None:
        """End it with SIGKILL; it stays registered."""
        self._is_registered = False
        if self._sipp.process is not None:
            self._sipp.process.kill()

    def say(self, call: PhoneCall, status: int) -> None:
        """Send that status, one of STATUSES, for the call's INVITE now."""
        if status not in STATUSES:
            raise PhoneError(f"a SippAgent cannot say {status}: add it to callee.xml")
        self._sipp.nudge(call.sip_call_id, f"X-Say: {status}")

    async def until_said(self, call: PhoneCall, status: int, *, within_s: float = 20.0) -> None:
        """Send that status for the call's INVITE and wait until it is out: SIPp may miss a cue that meets it between
        two waits, so the cue is repeated. Raises PhoneError."""
        deadline = asyncio.get_running_loop().time() + within_s
        while (call.sip_call_id, status) not in self._out:
            if asyncio.get_running_loop().time() > deadline or not call.is_open:
                raise PhoneError(f"phone {self.number} could not say {status}: {call}")
            self.say(call, status)
            with contextlib.suppress(PhoneError):
                await self.until(lambda _: (call.sip_call_id, status) in self._out, within_s=CUE_EVERY_S)

    def hang_up(self, call: PhoneCall) -> None:
        """Send BYE in an answered call; SIPp may miss the cue as any other, or have no ACK yet, so it is repeated."""
        self._sipp.nudge(call.sip_call_id, "X-Say: BYE")
        self._later(self._leave(call))

    async def ended(self, *, within_s: float = 20.0) -> PhoneCall:
        """Wait until its newest call is over, by its own word: what another phone says of the end may be known before.
        Raises PhoneError."""
        await self.until(lambda _: bool(self.calls) and not self.calls[-1].is_open, within_s=within_s)
        return self.calls[-1]

    async def until(self, is_so: Callable[["SippAgent"], bool], *, within_s: float = 20.0) -> None:
        """Wait until something is true of this phone (`lambda phone: phone.calls`). Raises PhoneError."""
        try:
            async with asyncio.timeout(within_s):
                while not is_so(self):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError as error:
            raise PhoneError(f"phone {self.number}: not within {within_s} s: {self.calls[-2:]}") from error

    def _noted(self, message: SipMessage) -> None:
        call = next((call for call in self.calls if call.sip_call_id == message.call_id), None)
        if call is None:
            if message.is_sent or message.status is not None or message.method != "INVITE":
                return
            call = self._rings(message)
        elif message.method == "INVITE" and message.is_sent and message.status is not None:
            self._out.add((call.sip_call_id, message.status))
            self._said(call, message.status, message)
        elif message.method == "BYE" and message.status is None and call.is_open:
            call.ended_at, call.ended_by = message.at, "self" if message.is_sent else "peer"
        elif message.method == "CANCEL" and not message.is_sent and call.is_open:
            call.ended_at, call.ended_by, call.status = message.at, "peer", 487
        self._news.set()
        if self._on_change is not None:
            self._on_change(self)

    def _rings(self, message: SipMessage) -> PhoneCall:
        number, name = address(message.headers.get("from", ""))
        call = PhoneCall(self.role, self.number, "in", message.call_id, number, name, started_at=message.at)
        if self.role == "outside":
            call.notes.append(message.first_line.split()[1])
        self.calls.append(call)
        self._later(self._play(call))
        return call

    def _said(self, call: PhoneCall, status: int, message: SipMessage) -> None:
        if status == 200 and call.answered_at is None:
            call.answered_at, call.status = message.at, 200
            if self.talk_s is not None:
                self._later(self._hang_up_after(call, self.talk_s))
        elif status >= 300 and call.is_open:
            call.ended_at, call.ended_by, call.status = message.at, "self", status

    async def _play(self, call: PhoneCall) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for after_s, status in self.scripts.get(dialled(call), self.script):
            await asyncio.sleep(max(0.0, began + after_s - loop.time()))
            with contextlib.suppress(PhoneError):  # the call is over
                await self.until_said(call, status)

    async def _leave(self, call: PhoneCall) -> None:
        while call.is_open and not self._sipp.is_ended.is_set():
            await asyncio.sleep(CUE_EVERY_S)
            if call.is_open:
                self._sipp.nudge(call.sip_call_id, "X-Say: BYE")

    async def _hang_up_after(self, call: PhoneCall, talk_s: float) -> None:
        await asyncio.sleep(talk_s)
        if call.is_open:
            self.hang_up(call)

    def _later(self, act: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(act)
        self._acts.add(task)
        task.add_done_callback(self._acts.discard)

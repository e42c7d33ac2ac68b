"""A caller: one SIPp process that dials a number from the trunk's side and stays until it, or the other side, hangs up."""

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Self

from callcenter.lab.errors import PhoneError
from callcenter.lab.pbx import Asterisk
from callcenter.lab.phone_log import PhoneCall
from callcenter.lab.ports import DEAF, free_port
from callcenter.lab.sip_trace import SipMessage
from callcenter.lab.sipp_process import SippProcess

CALLERS_HOST = "127.0.0.2"
"""Another address than the agents' phones: the trunk is known by it."""
CUE_EVERY_S = 1.0
KEYS_APART_S = 0.2
"""A key sounds for 0.1 s, and Asterisk drops one that begins within another."""


def _process(noted: Callable[[SipMessage], None]) -> SippProcess:
    return SippProcess("caller.xml", CALLERS_HOST, free_port(socket.SOCK_DGRAM, CALLERS_HOST), noted)


class SippCaller:
    """One call of one caller. The 200 it gets is no person: the dialplan answers before it plays music."""

    def __init__(
        self,
        pbx: Asterisk,
        number: str,
        dialled: str = "12345",
        *,
        name: str = "",
        stay_s: float | None = None,
        rtp_port: int | None = None,
        on_change: Callable[["SippCaller"], None] | None = None,
    ) -> None:
        """number, name: who calls. stay_s: hangs up that long after the INVITE, whatever happened (None: waits for the
        other side, or for `hang_up`). rtp_port: UDP port on 127.0.0.2 where the PBX shall send the sound (None: nobody
        listens). on_change: called after each message that changed `call`."""
        self.number = number
        self.stay_s = stay_s
        self.rtp_port = rtp_port
        self.call = PhoneCall("caller", number, "out", "", dialled)
        """This call as the phone saw it."""
        self.statuses: list[int] = []
        """Every status its INVITE got, in order (100, 180, 200)."""
        self._pbx = pbx
        self._name = name
        self._on_change = on_change
        self._news = asyncio.Event()
        self._cancelled_at: float | None = None
        self._keys: deque[str] = deque()
        """Pressed and not yet sent."""
        self._keys_sent: set[str] = set()
        self._keys_taken: set[str] = set()
        """CSeq of each key that was sent, and of each that the PBX has."""
        self._acts: dict[str, asyncio.Task[None]] = {}
        self._sipp = _process(self._noted)

    def __repr__(self) -> str:
        return f"<SippCaller {self.number} {self.statuses} ended_by {self.call.ended_by}>"

    async def start(self) -> Self:
        """Dial, and return when the INVITE was sent. Raises PeerUnavailableError or PhoneError."""
        for tries_left in (2, 1, 0):
            try:
                await self._dial()
                break
            except PhoneError:
                if not tries_left or not self._sipp.is_ended.is_set():
                    raise
                await self._sipp.stop()  # its port was taken between the moment it was found free and its start
                self._sipp = _process(self._noted)
        if self.stay_s is not None:
            self._do("stay", self._leave_after(self.stay_s))
        return self

    async def _dial(self) -> None:
        self.call.sip_call_id = f"caller-{self.number}-{self._sipp.port}-{id(self):x}"
        await self._sipp.start(
            f"127.0.0.1:{self._pbx.sip_port}",
            *("-s", self.call.peer_number, "-m", "1", "-cid_str", self.call.sip_call_id),
            keys={
                "own_number": self.number,
                "own_name": self._name or self.number,
                "rtp_port_of_ours": str(self.rtp_port or DEAF),
            },
        )
        await self._until(lambda: self.call.started_at > 0, 10, "no INVITE was sent")

    def hang_up(self) -> None:
        """Hang up now: CANCEL before the answer, BYE after it. Harmless when the call has ended."""
        if self.call.is_open:
            self._sipp.nudge(self.call.sip_call_id, "X-Say: BYE")
            self._do("leave", self._leave())

    def press(self, key: str) -> None:
        """Press a key (SIP INFO): one of 0-9, *, #; behind another one as soon as the PBX has that. Raises PhoneError before
        the answer, when no key can be heard."""
        if self.call.answered_at is None or not self.call.is_open:
            raise PhoneError(f"caller {self.number} can press no key: {self!r}")
        self._keys.append(key)
        self._do("press", self._press())

    async def answered(self, within_s: float = 20.0) -> PhoneCall:
        """Wait for the 200 (music or a person). Raises PhoneError when none comes or the call ends before it."""
        await self._until(lambda: self.call.answered_at is not None or not self.call.is_open, within_s, "not answered")
        if self.call.answered_at is None:
            raise PhoneError(f"caller {self.number}: ended unanswered: {self.call.row()}")
        return self.call

    async def ended(self, within_s: float = 30.0) -> PhoneCall:
        """Wait for the end of the call and return what the phone saw. Raises PhoneError."""
        await self._until(lambda: not self.call.is_open, within_s, "still in the call")
        return self.call

    async def stop(self) -> None:
        """Hang up if the call still goes on, and end the process. Harmless when it has ended."""
        if self._sipp.process is not None and not self._sipp.is_ended.is_set():
            self.hang_up()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await self._sipp.is_ended.wait()
        for act in self._acts.values():
            act.cancel()
        await asyncio.gather(*self._acts.values(), return_exceptions=True)
        await self._sipp.stop()

    def kill(self) -> None:
        """End it with SIGKILL: it says nothing to anybody, as a gateway that dies."""
        if self._sipp.process is not None:
            self._sipp.process.kill()

    async def _leave_after(self, stay_s: float) -> None:
        await asyncio.sleep(stay_s)
        self.hang_up()

    async def _leave(self) -> None:
        """Repeat the cue until he has hung up: SIPp may miss one that meets it between two waits."""
        while self.call.is_open and not self._sipp.is_ended.is_set():
            await asyncio.sleep(CUE_EVERY_S)
            if self.call.is_open:
                self._sipp.nudge(self.call.sip_call_id, "X-Say: BYE")

    async def _press(self) -> None:
        """Send the keys one after the other: SIPp hears no cue for one while it waits for the 200 of another."""
        while self._keys and self.call.is_open:
            await self._send_key(self._keys[0])
            self._keys.popleft()
            await self._news_until(lambda: self._keys_taken >= self._keys_sent or not self.call.is_open)
            await asyncio.sleep(KEYS_APART_S)

    async def _send_key(self, key: str) -> None:
        """Repeat the cue until the key is out; SIPp knows one again that it has."""
        sent = len(self._keys_sent) + 1
        while len(self._keys_sent) < sent and self.call.is_open:
            self._sipp.nudge(self.call.sip_call_id, f"X-Press: {key}", number=sent)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CUE_EVERY_S):
                    await self._news_until(lambda: len(self._keys_sent) >= sent or not self.call.is_open)

    async def _news_until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            self._news.clear()
            await self._news.wait()

    def _do(self, name: str, act: Coroutine[None, None, None]) -> None:
        """Let him do that beside all else, once at a time."""
        if name in self._acts and not self._acts[name].done():
            act.close()
        else:
            self._acts[name] = asyncio.create_task(act)

    async def _until(self, is_so: Callable[[], bool], within_s: float, otherwise: str) -> None:
        try:
            async with asyncio.timeout(within_s):
                while not is_so():
                    if self._sipp.is_ended.is_set():
                        raise PhoneError(f"caller {self.number}: SIPp ended: {otherwise}: {self._sipp.errors()}")
                    self._news.clear()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(CUE_EVERY_S):
                            await self._news.wait()
        except TimeoutError as error:
            raise PhoneError(f"caller {self.number}: {otherwise} within {within_s} s ({self.statuses})") from error

    def _noted(self, message: SipMessage) -> None:
        call = self.call
        if message.is_sent and message.status is None:
            if message.method == "INVITE" and not call.started_at:
                call.started_at = message.at
            elif message.method == "CANCEL":
                self._cancelled_at = self._cancelled_at or message.at
            elif message.method == "BYE" and call.is_open:
                call.ended_at, call.ended_by = message.at, "self"
            elif message.method == "INFO":
                self._keys_sent.add(message.headers["cseq"])
        elif not message.is_sent and message.status is not None and message.method == "INFO":
            self._keys_taken.add(message.headers["cseq"])
        elif not message.is_sent and message.status is not None and message.method == "INVITE":
            self._answer_came(message.status, message)
        elif not message.is_sent and message.status is None and message.method == "BYE" and call.is_open:
            call.ended_at, call.ended_by = message.at, "peer"
            call.reason = message.headers.get("reason", "")
        self._news.set()
        if self._on_change is not None:
            self._on_change(self)

    def _answer_came(self, status: int, message: SipMessage) -> None:
        call = self.call
        self.statuses.append(status)
        if status >= 200:
            call.status = status
        if status == 200 and call.answered_at is None:
            call.answered_at = message.at
        elif status >= 300 and call.is_open:
            call.ended_at, call.reason = self._cancelled_at or message.at, message.first_line
            call.ended_by = "self" if self._cancelled_at is not None else "peer"

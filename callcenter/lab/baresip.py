"""A real softphone, headless: one baresip process that registers at a lab's Asterisk and does what it is told.

It answers by itself `answer_after_s` after it began to ring and hangs up `talk_s` after it answered (None: a test
does it by hand). Both may be changed at any time. What it saw stands in `calls`; `wait_for` waits for its next event.
"""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from callcenter.lab.apt import SOFTPHONE, peer_root
from callcenter.lab.cache import cache_folder
from callcenter.lab.errors import PhoneError
from callcenter.lab.loader import Program, end, hand_over, private_folder, program_in, remove_folder, spawn
from callcenter.lab.login_keys import AGENT, PIN, until_asked
from callcenter.lab.netstring import ControlLink, Message
from callcenter.lab.pbx import Asterisk
from callcenter.lab.phone_log import PhoneCall, Role
from callcenter.lab.ports import SOFTPHONE_MEDIA, free_port
from callcenter.lab.tones import talk_file

REGISTER_S = 20.0
_KINDS = {
    "REGISTER_OK": "registered",
    "REGISTER_FAIL": "register_failed",
    "UNREGISTERING": "unregistering",
    "CALL_INCOMING": "incoming",
    "CALL_RINGING": "ringing",
    "CALL_PROGRESS": "progress",
    "CALL_ESTABLISHED": "established",
    "CALL_CLOSED": "closed",
    "CALL_TRANSFER": "transfer",
    "CALL_TRANSFER_FAILED": "transfer_failed",
    "CALL_DTMF_START": "digit",
}
_CONFIG = """\
poll_method epoll
sip_listen 127.0.0.1:0
net_interface 127.0.0.1
rtp_ports {first_port}-{last_port}
call_local_timeout 3600
call_max_calls 4
statmode_default off
audio_path {folder}
audio_source aufile,{talk}
audio_player aubridge,sink
audio_alert aubridge,alert
audio_level no
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
jitter_buffer_type off
rtcp_mux no
{module_path}
module g711.so
module aufile.so
module aubridge.so
module uuid.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control_port}
"""


@dataclass(frozen=True, slots=True)
class PhoneEvent:
    """Something that happened at a phone."""

    kind: str
    """registered, register_failed, unregistering, incoming, ringing, progress, established, closed, digit, transfer."""
    at: float
    """Wall clock, seconds since the epoch."""
    call: PhoneCall | None
    """The call it belongs to; None for registrations."""
    text: str = ""
    """The phone's own words: reason of a close, the digit."""


class Baresip:
    """One softphone with a number (endpoint) of its own."""

    def __init__(
        self,
        pbx: Asterisk,
        number: str,
        *,
        role: Role = "agent",
        answer_after_s: float | None = None,
        talk_s: float | None = None,
        register_every_s: int | None = 60,
        on_event: Callable[["Baresip", PhoneEvent], None] | None = None,
    ) -> None:
        """number: one of the PBX's `phones`. register_every_s: None: it never registers and can only dial, beside another
        phone of that number. on_event: called for each event, at once and in order."""
        self.number = number
        self.role: Role = role
        self.answer_after_s = answer_after_s
        """Seconds from the first ring to its answer; None: it lets it ring."""
        self.talk_s = talk_s
        """Seconds from the answer of an incoming call to its own BYE; None: it waits for the other side's."""
        self.calls: list[PhoneCall] = []
        """Every call so far, oldest first."""
        self.events: list[PhoneEvent] = []
        self.process: subprocess.Popen[bytes] | None = None
        self._pbx = pbx
        self._every_s = register_every_s
        self._on_event = on_event
        self._folder = private_folder("cc-phone-")
        self._news = asyncio.Event()
        self._seen = 0
        self._hanging_up = False
        self._link = ControlLink(self._heard)
        self._timers: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<Baresip {self.number} {self.role} calls {len(self.calls)} open {bool(self.call)}>"

    @property
    def call(self) -> PhoneCall | None:
        """The newest call that still goes on; None without one."""
        return next((call for call in reversed(self.calls) if call.is_open), None)

    async def start(self) -> Self:
        """Start it and wait until it is registered, where it registers. Raises PeerUnavailableError or PhoneError."""
        program, module_path = await asyncio.to_thread(_find_baresip)
        talk = await asyncio.to_thread(lambda: talk_file(cache_folder() / "sounds"))
        control_port = free_port()
        config = _CONFIG.format(
            folder=self._folder,
            talk=talk,
            module_path=module_path,
            control_port=control_port,
            first_port=SOFTPHONE_MEDIA[0],
            last_port=SOFTPHONE_MEDIA[-1],
        )
        (self._folder / "config").write_text(config, encoding="utf-8")
        # The account comes over the control link: an event before the link is open would be missed.
        (self._folder / "accounts").touch()
        (self._folder / "contacts").touch()
        hand_over(self._folder)
        command = program.command("-f", str(self._folder))
        self.process = spawn(command, folder=self._folder, log=self._folder / "log", pipe=True)
        await self._link.open(control_port, REGISTER_S)
        if self._every_s is None:
            await self._add_account()
        else:
            await self.register()
        return self

    async def stop(self) -> None:
        """End it in good order: it hangs up, unregisters, ends. Harmless when it does not run."""
        for timer in list(self._timers):
            timer.cancel()
        if self.process is not None:
            self._hanging_up = True
            await asyncio.to_thread(end, self.process, patience_s=3.0)
            self.process = None
        await self._link.close()
        self._close_open_calls("stopped")
        await asyncio.to_thread(remove_folder, self._folder)

    def kill(self) -> None:
        """End it with SIGKILL, as a power cut does: it says nothing to anybody."""
        if self.process is not None:
            end(self.process, patience_s=0)
            self.process = None
            self._close_open_calls("killed")

    async def dial(self, number: str) -> PhoneCall:
        """Call a number (also a feature code, `*11`); returns at once, the call is not answered yet."""
        call = PhoneCall(self.role, self.number, "out", "", number, started_at=time.time())
        self.calls.append(call)
        self._hanging_up = False
        self.forget()
        await self._link.ask("dial", f"sip:{number.replace('#', '%23')}@127.0.0.1:{self._pbx.sip_port}")
        return call

    async def accept(self) -> None:
        """Answer the incoming call."""
        await self._link.ask("accept")

    async def hang_up(self) -> None:
        """Hang up the current call (or refuse it: baresip says 486)."""
        self._hanging_up = True
        await self._link.ask("hangup")

    async def send_digits(self, digits: str) -> None:
        """Send DTMF digits (RFC 4733) in the current call; about 0.1 s each."""
        await self._link.ask("sndcode", digits)

    async def hold(self) -> None:
        """Put the current call on hold (re-INVITE)."""
        await self._link.ask("hold")

    async def resume(self) -> None:
        """Take the current call off hold."""
        await self._link.ask("resume")

    async def transfer(self, number: str) -> None:
        """Hand the current call on with REFER (blind)."""
        await self._link.ask("transfer", f"sip:{number}@127.0.0.1:{self._pbx.sip_port}")

    async def register(self) -> None:
        """Register, and wait for the 200."""
        self.forget()
        await self._add_account()
        await self._until_registered()

    async def log_in(self, agent: str, pin: str, *, prompt_s: float = 0.6) -> PhoneCall:
        """Log an agent in by `*11`: his number, `#`, his PIN. Returns the ended call; what came of it is the service's
        word. prompt_s: how long each prompt of the dialplan plays (digits within it are lost); if it is longer, it is waited for."""
        has_prompt = any(self._pbx.sounds.glob("*/callcenter/ask-agent.*"))
        call = await self.dial("*11")
        await self.wait_for("established")
        await asyncio.sleep(prompt_s)
        await until_asked(self._pbx.rx, self.number, AGENT, has_prompt=has_prompt)
        await self.send_digits(agent + "#")
        await asyncio.sleep(0.15 * (len(agent) + 1) + prompt_s)
        await until_asked(self._pbx.rx, self.number, PIN)
        await self.send_digits(pin)
        await self.wait_for("closed", within_s=20)
        return call

    async def wait_for(self, kind: str, *, within_s: float = 20.0) -> PhoneEvent:
        """Return the next event of that kind that no earlier `wait_for` has passed, so that none is missed between two
        steps of a test; `dial` and `forget` start afresh. Raises PhoneError when none comes within `within_s`.
        """
        try:
            async with asyncio.timeout(within_s):
                while True:
                    while self._seen < len(self.events):
                        event = self.events[self._seen]
                        self._seen += 1
                        if event.kind == kind:
                            return event
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError as error:
            heard = ", ".join(event.kind for event in self.events[-8:])
            raise PhoneError(f"phone {self.number}: no {kind!r} within {within_s} s (heard {heard})") from error

    def forget(self) -> None:
        """Let `wait_for` look only at what comes from now on."""
        self._seen = len(self.events)

    async def _add_account(self) -> None:
        try:
            await self._link.ask("uanew", self._account())
        except PhoneError as error:
            raise PhoneError(f"phone {self.number}: {error}; {self._state()}") from error

    async def _until_registered(self) -> None:
        try:
            await self.wait_for("registered", within_s=REGISTER_S)
        except PhoneError as error:
            raise PhoneError(f"phone {self.number} could not register: {self._state()}") from error

    def _state(self) -> str:
        """Say whether it runs and what it wrote last, for an error."""
        code = self.process.poll() if self.process is not None else None
        said = (self._folder / "log").read_text(encoding="utf-8", errors="replace")[-800:]
        return f"{'it runs' if code is None else f'it ended with {code}'}; its log ends: {said}"

    def _account(self) -> str:
        secret = self._pbx.phones[self.number]
        return (
            f"<sip:{self.number}@127.0.0.1:{self._pbx.sip_port};transport=udp>;auth_user={self.number};"
            f"auth_pass={secret};regint={self._every_s or 0};answermode=manual;audio_codecs=PCMA,PCMU"
        )

    def _heard(self, message: Message) -> None:
        kind = _KINDS.get(str(message.get("type")))
        if kind is None:
            return
        now, text = time.time(), str(message.get("param", ""))
        call = self._call_of(message, now) if str(message.get("type")).startswith("CALL_") else None
        if call is not None:
            self._noted(call, kind, now, text)
        event = PhoneEvent(kind, now, call, text)
        self.events.append(event)
        self._news.set()
        if self._on_event is not None:
            self._on_event(self, event)

    def _call_of(self, message: Message, now: float) -> PhoneCall:
        call_id = str(message.get("id", ""))
        for call in reversed(self.calls):
            if call.sip_call_id == call_id or (not call.sip_call_id and call.direction == "out"):
                call.sip_call_id = call_id
                return call
        number = str(message.get("peeruri", "")).removeprefix("sip:").partition("@")[0]
        name = str(message.get("peerdisplayname", ""))
        call = PhoneCall(self.role, self.number, "in", call_id, number, name, started_at=now)
        self.calls.append(call)
        self._hanging_up = False
        return call

    def _noted(self, call: PhoneCall, kind: str, now: float, text: str) -> None:
        if kind == "incoming" and self.answer_after_s is not None:
            self._later(self.answer_after_s, call, self.accept)
        elif kind == "established":
            call.answered_at, call.status = now, 200
            if call.direction == "in" and self.talk_s is not None:
                self._later(self.talk_s, call, self.hang_up)
        elif kind == "digit":
            call.digits += text
        elif kind == "closed":
            call.ended_at, call.reason = now, text
            call.ended_by = "self" if self._hanging_up else "peer"
            if call.status is None and text[:3].isdigit():
                call.status = int(text[:3])

    def _later(self, delay_s: float, call: PhoneCall, act: Callable[[], Awaitable[None]]) -> None:
        async def wait_and_act() -> None:
            await asyncio.sleep(delay_s)
            if call.is_open and self.process is not None:
                try:
                    await act()
                except PhoneError as error:
                    call.notes.append(str(error))

        timer = asyncio.get_running_loop().create_task(wait_and_act())
        self._timers.add(timer)
        timer.add_done_callback(self._timers.discard)

    def _close_open_calls(self, reason: str) -> None:
        for call in self.calls:
            if call.is_open:
                call.ended_at, call.ended_by, call.reason = time.time(), "self", reason


def _find_baresip() -> tuple[Program, str]:
    """Return the program and its `module_path` line (empty: as built)."""
    own = shutil.which("baresip")
    if own is not None:
        return Program(Path(own)), ""
    root = peer_root(SOFTPHONE)
    return program_in(root, "usr/bin/baresip"), f"module_path {root}/usr/lib/baresip/modules"

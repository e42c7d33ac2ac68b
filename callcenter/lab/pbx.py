"""A private Asterisk: real, on loopback, with its own folders, ports and secrets, gone when we are.

`Asterisk(...)` decides everything (ports, secrets, files), `start()` writes the tree and waits until AMI answers and
every module is up, `stop()` ends it and removes the tree. An Asterisk >= 22.6 on PATH is used where there is one (its
program and modules, never its configuration or its running instance), else one is fetched.
"""

import asyncio
import contextlib
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn, Self

from callcenter.lab.cache import Report, say
from callcenter.lab.errors import LabError, StartError
from callcenter.lab.installation import find_asterisk
from callcenter.lab.loader import Program, end, hand_over, keep_folder, private_folder, remove_folder, spawn, wrapped
from callcenter.lab.pbx_files import PbxPlan, write_tree
from callcenter.lab.ports import PortRange, free_port
from callcenter.lab.shifted_clock import ShiftedClock
from callcenter.sounds.maker import make, sounds_of
from callcenter.sounds.shelf import Shelf
from config.prompts import Prompt

START_S = 30.0
ACTIONS_USER = "callcenter"
EVENTS_USER = "callcenter-events"
# Where the machine's DNS does not answer, a look-up must not hold a thread for long.
_ENVIRONMENT = {"RES_OPTIONS": "timeout:1 attempts:1"}


class Asterisk:
    """One private Asterisk. Its attributes are settled at construction and never change, restarts included."""

    def __init__(
        self,
        phones: Sequence[str] = (),
        *,
        lines: Sequence[str] = ("default",),
        mailboxes: Sequence[str] = ("100",),
        dialplan: str = "",
        extra: Mapping[str, str] | None = None,
        inbound_context: str = "callcenter-inbound",
        phone_context: str = "callcenter-phones",
        folder: Path | None = None,
        report: Report = say,
        speaks: Iterable[Prompt] = (),
    ) -> None:
        """phones: endpoint numbers that may register. lines: codes that get a fallback queue. mailboxes: voicemail boxes. dialplan: appended to extensions.conf. extra: file name -> text
        appended to it. folder: private folder to use (made; default: a temporary one). speaks: prompts that it has files of, where the
        synthesiser can be had; for all others tones are heard, which are shorter. Fetches nothing yet."""
        self.folder = folder or private_folder("cc-pbx-")
        """Private tree: etc, log, lib, run, spool."""
        self.systemname = f"lab-{secrets.token_hex(3)}"
        self.sip_port = free_port(socket.SOCK_DGRAM)
        self.ami_host = "127.0.0.1"
        self.ami_port = free_port()
        self.outside_port = free_port(socket.SOCK_DGRAM, "127.0.0.3")
        """Where numbers dialled out through the trunk arrive: UDP port on 127.0.0.3 (see `SippAgent`)."""
        self.phones = {number: secrets.token_urlsafe(12) for number in phones}
        """Number -> SIP secret."""
        self.mailboxes = {box: f"{secrets.randbelow(10**8):08d}" for box in mailboxes}
        """Voicemail box -> PIN, made anew for each lab."""
        self.managers = {user: secrets.token_urlsafe(18) for user in (ACTIONS_USER, EVENTS_USER, "lab")}
        """AMI user -> secret: the service's two, and `lab` (all privileges, for tests)."""
        self.clock: ShiftedClock | None = None
        """A clock of its own, set before the start; None: this machine's."""
        self.process: subprocess.Popen[bytes] | None = None
        """The running program; None before the start and after the end."""
        self._report = report
        self._dialplan = dialplan
        self._extra = dict(extra or {})
        self._lines = tuple(lines)
        self._speaks = tuple(speaks)
        self._contexts = (inbound_context, phone_context)
        self._program: Program | None = None
        self._media: PortRange | None = None

    def __repr__(self) -> str:
        state = f"pid {self.process.pid}" if self.process and self.process.poll() is None else "not running"
        return f"<Asterisk {self.systemname} {state} sip {self.sip_port} ami {self.ami_port}>"

    @property
    def log_file(self) -> Path:
        """Asterisk's messages."""
        return self.folder / "log" / "messages.log"

    @property
    def cel_file(self) -> Path:
        """CEL rows (CSV without a header line; the columns stand in `cel_custom_callcenter.conf`)."""
        return self.folder / "log" / "cel-custom" / "callcenter.csv"

    @property
    def sounds(self) -> Path:
        """Its folder of sounds (`<language>/callcenter/<name>.wav` below it)."""
        return self.folder / "data" / "sounds"

    @property
    def recordings(self) -> Path:
        """Folder below which MixMonitor writes."""
        return self.folder / "spool" / "monitor"

    @property
    def pid(self) -> int | None:
        """Process id; None while it does not run."""
        return self.process.pid if self.process and self.process.poll() is None else None

    def settings(self) -> dict[str, str]:
        """Return the `CALLCENTER_*` variables that point the service at this Asterisk. Holds secrets."""
        return {
            "CALLCENTER_AMI_HOST": self.ami_host,
            "CALLCENTER_AMI_PORT": str(self.ami_port),
            "CALLCENTER_AMI_USERNAME": ACTIONS_USER,
            "CALLCENTER_AMI_SECRET": self.managers[ACTIONS_USER],
            "CALLCENTER_AMI_EVENTS_USERNAME": EVENTS_USER,
            "CALLCENTER_AMI_EVENTS_SECRET": self.managers[EVENTS_USER],
            "CALLCENTER_CEL": str(self.cel_file),
            "CALLCENTER_RECORDINGS": str(self.recordings),
        }

    async def start(self, *, outlives: bool = False) -> Self:
        """Start it and wait until it is ready. Raises PeerUnavailableError or StartError (with the end of its log)."""
        await asyncio.to_thread(self.start_now, outlives=outlives)
        return self

    async def stop(self, *, keep: bool = False) -> None:
        """End it and remove its folder, unless `keep`. Harmless when it does not run."""
        await asyncio.to_thread(self.stop_now, keep=keep)

    async def restart(self) -> None:
        """End it (all calls drop) and start it again with the same tree, ports and secrets."""
        await asyncio.to_thread(self._end, 5.0)
        await asyncio.to_thread(self._run, False)

    async def kill(self) -> None:
        """End it with SIGKILL, as a crash does; `resume()` brings it back."""
        await asyncio.to_thread(self._end, 0.0)

    async def resume(self) -> None:
        """Start it again after `kill()`."""
        await asyncio.to_thread(self._run, False)

    def freeze(self) -> None:
        """Stop its process without ending it (a hung host); `thaw()` lets it go on."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen Asterisk go on."""
        self._signal(signal.SIGCONT)

    def start_now(self, *, outlives: bool = False) -> Self:
        """`start()` for code without a loop; blocks."""
        installation = find_asterisk(self._report)
        self._program = installation.program
        self._media = PortRange()
        write_tree(
            PbxPlan(
                folder=self.folder,
                installation=installation,
                systemname=self.systemname,
                sip_port=self.sip_port,
                ami_port=self.ami_port,
                outside_port=self.outside_port,
                rtp_first=self._media.first,
                rtp_last=self._media.last,
                inbound_context=self._contexts[0],
                phone_context=self._contexts[1],
                phones=self.phones,
                managers=self.managers,
                lines=self._lines,
                mailboxes=self.mailboxes,
                dialplan=self._dialplan,
                extra=self._extra,
            )
        )
        if self._speaks:
            Shelf(self.sounds).fill(make(sounds_of(self._speaks), self._report))
        hand_over(self.folder)
        if outlives:
            keep_folder(self.folder)
        self._run(outlives)
        return self

    def stop_now(self, *, keep: bool = False) -> None:
        """`stop()` for code without a loop; blocks."""
        self._end(5.0)
        self._let_go()
        if keep:
            keep_folder(self.folder)
        else:
            remove_folder(self.folder)

    def rx(self, command: str) -> str:
        """Run a console command over its control socket and return what it prints; blocks some 50 ms."""
        program = self._need_program()
        words = program.command("-C", str(self.folder / "etc" / "asterisk.conf"), "-rx", command)
        done = subprocess.run(wrapped(words, outlives=True), capture_output=True, text=True, timeout=10, check=False)
        if done.returncode != 0:
            raise LabError(f"Asterisk refused the command {command!r}: {(done.stdout + done.stderr).strip()}")
        return done.stdout

    def log_tail(self, lines: int = 30) -> str:
        """Return the last lines of its log."""
        texts = []
        for path in (self.folder / "log" / "console.log", self.log_file):
            with contextlib.suppress(OSError):
                texts += path.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(texts[-lines:])

    def _run(self, outlives: bool) -> None:
        program = self._need_program()
        environment = dict(_ENVIRONMENT)
        if self.clock is not None:
            program, environment = self.clock.worn_by(program), {**environment, **self.clock.environment}
        command = program.command("-f", "-C", str(self.folder / "etc" / "asterisk.conf"))
        log = self.folder / "log" / "console.log"
        self.process = spawn(command, folder=self.folder, environment=environment, log=log, outlives=outlives)
        deadline = time.monotonic() + START_S
        while not is_booted(self.ami_host, self.ami_port, self.managers["lab"]):
            code = self.process.poll()
            if code is not None or time.monotonic() > deadline:
                self._fail(f"ended with code {code}" if code is not None else f"was not ready after {START_S:.0f} s")
            time.sleep(0.05)
        if f":{self.sip_port}\n" not in self.rx("pjsip show transports"):
            self._fail(f"has no SIP: UDP port {self.sip_port} is taken, or its pjsip.conf is wrong")

    def _fail(self, happened: str) -> NoReturn:
        self._end(0.0)
        self._let_go()
        keep_folder(self.folder)
        raise StartError(f"Asterisk {happened}; its files are in {self.folder}", self.log_tail())

    def _end(self, patience_s: float) -> None:
        if self.process is not None:
            end(self.process, patience_s=patience_s)
            self.process = None

    def _let_go(self) -> None:
        if self._media is not None:
            self._media.close()
            self._media = None

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)

    def _need_program(self) -> Program:
        if self._program is None:
            raise LabError("this Asterisk was never started: call start() first")
        return self._program


def is_booted(host: str, port: int, secret: str) -> bool:
    """Say whether AMI takes the lab's log-in, reports FullyBooted, and the console knows its own commands.

    False when nobody listens yet. Asterisk reports FullyBooted a moment before it registers `core show version`,
    `core stop now` and their like: who asks in between is told "No such command".
    """
    login = f"Action: Login\r\nUsername: lab\r\nSecret: {secret}\r\n\r\n"
    try:
        with socket.create_connection((host, port), timeout=2) as link:
            link.settimeout(1)
            link.sendall(login.encode())
            if "Response: Error" in _read_until(link, "FullyBooted", "Response: Error"):
                return False
            link.sendall(b"Action: Command\r\nCommand: core show version\r\n\r\n")
            return "Output: Asterisk " in _read_until(link, "Output: Asterisk ", "No such command", "Response: Error")
    except OSError:
        return False


def _read_until(link: socket.socket, *ends: str) -> str:
    """Return what the link says up to one of the ends, or until it closes."""
    heard = ""
    while not any(end in heard for end in ends):
        chunk = link.recv(4096)
        if not chunk:
            break
        heard += chunk.decode(errors="replace")
    return heard

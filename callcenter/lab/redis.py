"""A private Redis for tests and trials: on loopback, with a password of its own, gone when we are.

The server comes from PATH, or is fetched from the machine's own Debian suite and run by its root's own loader. It keeps what
it has in an append-only file, so that `resume_now()` after `kill_now()` finds it again; `empty=True` leaves that out.
"""

import asyncio
import os
import re
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Self

from callcenter.lab.apt import REDIS, peer_root
from callcenter.lab.cache import Report, say
from callcenter.lab.errors import PeerUnavailableError, StartError
from callcenter.lab.loader import Program, end, hand_over, private_folder, program_in, remove_folder, spawn
from callcenter.lab.ports import free_port

OLDEST = 6
START_S = 20.0
_VERSION = re.compile(r"v=(\d+)\.")
_CONFIG = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {folder}
save ""
appendonly yes
appendfsync always
"""


class Redis:
    """One private server. `freeze()` makes it hang without closing a connection."""

    def __init__(self, *, report: Report = say) -> None:
        """Starts nothing."""
        self.port = free_port()
        self.password = secrets.token_urlsafe(18)
        self.folder = private_folder("cc-redis-")
        """Configuration, data and log."""
        self.process: subprocess.Popen[bytes] | None = None
        """None while it does not run."""
        self._report = report

    def __repr__(self) -> str:
        return f"<Redis {self.folder} port {self.port} pid {self.process.pid if self.process else None}>"

    @property
    def url(self) -> str:
        """Its URL, with the password."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    async def start(self) -> Self:
        """Start it (about 0.1 s). Raises PeerUnavailableError or StartError."""
        return await asyncio.to_thread(self.start_now)

    async def stop(self) -> None:
        """End it and remove its folder. Harmless when it does not run."""
        await asyncio.to_thread(self.stop_now)

    def start_now(self) -> Self:
        """`start()` for code without a loop; blocks."""
        text = _CONFIG.format(port=self.port, password=self.password, folder=self.folder)
        (self.folder / "redis.conf").write_text(text, encoding="utf-8")
        hand_over(self.folder)
        self.resume_now()
        return self

    def stop_now(self) -> None:
        """`stop()` for code without a loop; blocks."""
        self.thaw()
        if self.process is not None:
            end(self.process)
            self.process = None
        remove_folder(self.folder)

    def kill_now(self) -> None:
        """End it as a crash does; blocks."""
        if self.process is not None:
            end(self.process, patience_s=0)
            self.process = None

    def resume_now(self, *, empty: bool = False) -> None:
        """Start it (again) on the same port, with what it had, or empty; blocks."""
        if empty:
            shutil.rmtree(self.folder / "appendonlydir", ignore_errors=True)
            (self.folder / "appendonly.aof").unlink(missing_ok=True)
        (self.folder / "log").unlink(missing_ok=True)
        command = find_redis(self._report).command(str(self.folder / "redis.conf"))
        self.process = spawn(command, folder=self.folder, log=self.folder / "log")
        self._wait()

    def freeze(self) -> None:
        """Stop it where it is: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of its log."""
        try:
            text = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, number)

    def _wait(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + START_S
        while "eady to accept connections" not in self.log_tail():
            code = self.process.poll()
            if code is not None or time.monotonic() > deadline:
                end(self.process, patience_s=0)
                self.process = None
                happened = f"ended with code {code}" if code is not None else f"was not ready after {START_S:.0f} s"
                raise StartError(f"Redis {happened}", self.log_tail())
            time.sleep(0.02)


def find_redis(report: Report = say) -> Program:
    """Return the server: this machine's if it is new enough, else a fetched one. Raises PeerUnavailableError, LabError."""
    own = shutil.which("redis-server")
    if own is not None and _version_of(Program(Path(own))) >= OLDEST:
        return Program(Path(own))
    root = peer_root(REDIS, report)
    found = program_in(root, "usr/bin/redis-server")
    if _version_of(found) < OLDEST:
        raise PeerUnavailableError(f"the Redis in {root} is older than {OLDEST}: {REDIS.otherwise}")
    return found


def _version_of(server: Program) -> int:
    said = subprocess.run(server.command("--version"), capture_output=True, text=True, timeout=10, check=False).stdout
    version = _VERSION.search(said)
    return int(version[1]) if version else 0

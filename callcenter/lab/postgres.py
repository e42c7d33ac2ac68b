"""A private PostgreSQL for tests and trials: a fresh cluster on loopback, with a password of its own, gone when we are.

The server's programs come from this machine (PATH, or where distributions put them), or are fetched from the machine's
own Debian suite. PostgreSQL starts children of itself by path, so the loader trick of the other peers fails for it: it
runs with the machine's libc and `LD_LIBRARY_PATH` for everything else. It refuses to run as root; then it is `nobody`.
"""

import asyncio
import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Self

from callcenter.lab.apt import POSTGRESQL, peer_root
from callcenter.lab.cache import Report, say
from callcenter.lab.errors import PeerUnavailableError, StartError
from callcenter.lab.loader import (
    end,
    hand_over,
    libraries_without_libc,
    private_folder,
    remove_folder,
    spawn,
    wrapped,
)
from callcenter.lab.ports import free_port

OLDEST = 15
START_S = 20.0
USER = "callcenter"
_VERSION = re.compile(r"PostgreSQL\) (\d+)")
_PLACES = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "usr/local/pgsql/bin", "opt/postgresql*/bin")


class Postgres:
    """One private server. `freeze()` makes it hang without closing a connection."""

    def __init__(self, *, report: Report = say) -> None:
        self.port = free_port()
        self.password = secrets.token_urlsafe(18)
        self.folder = private_folder("cc-pg-")
        """Cluster, socket and log."""
        self.process: subprocess.Popen[bytes] | None = None
        self._report = report

    def url(self, database: str = "postgres") -> str:
        """Return the URL of one of its databases, with the password: `postgresql://...`."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    async def start(self) -> Self:
        """Make the cluster and start it (about 1 s). Raises PeerUnavailableError or StartError."""
        return await asyncio.to_thread(self.start_now)

    async def stop(self) -> None:
        """End it and remove its folder. Harmless when it does not run."""
        await asyncio.to_thread(self.stop_now)

    def start_now(self) -> Self:
        """`start()` for code without a loop; blocks."""
        programs, environment = find_postgres(self._report)
        data = self.folder / "data"
        (self.folder / "password").write_text(self.password + "\n", encoding="utf-8")
        hand_over(self.folder)
        words = [str(programs / "initdb"), "-D", str(data), "-U", USER, "-A", "scram-sha-256", "-E", "UTF8"]
        words += ["--no-sync", "--no-instructions", "--locale=C", "--pwfile", str(self.folder / "password")]
        made = subprocess.run(
            wrapped(words), capture_output=True, text=True, check=False, cwd=self.folder, env=os.environ | environment
        )
        if made.returncode != 0:
            raise StartError("initdb failed", made.stderr.strip())
        self._run(programs, environment)
        return self

    def kill_now(self) -> None:
        """End it as a crash does; `resume_now()` brings it back on the same port with what it had. Blocks."""
        if self.process is not None:
            children = self._signal_all(signal.SIGKILL)
            end(self.process, patience_s=0)
            self.process = None
            # Killed ones need the processor once more to be gone; until then no server starts on what they share.
            deadline = time.monotonic() + START_S
            while any(map(_is_alive, children)) and time.monotonic() < deadline:
                time.sleep(0.01)

    def resume_now(self) -> None:
        """Start it again after `kill_now()`; blocks."""
        (self.folder / "log").unlink(missing_ok=True)
        self._run(*find_postgres(self._report))

    def _run(self, programs: Path, environment: dict[str, str]) -> None:
        options = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "jit": "off",
            "timezone": "UTC",
        }
        command = [
            str(programs / "postgres"),
            "-D",
            str(self.folder / "data"),
            *(f"-c{name}={value}" for name, value in options.items()),
        ]
        self.process = spawn(command, folder=self.folder, environment=environment, log=self.folder / "log")
        self._wait()

    def stop_now(self) -> None:
        """`stop()` for code without a loop; blocks."""
        if self.process is not None:
            self.thaw()
            # SIGINT is its fast shutdown: it does not wait for clients.
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            end(self.process, patience_s=2)
            self.process = None
        remove_folder(self.folder)

    def freeze(self) -> None:
        """Stop all its processes where they are: connections stay open and nothing answers."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal_all(signal.SIGCONT)

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of its log."""
        try:
            text = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def _signal_all(self, number: signal.Signals) -> list[int]:
        """Its children are leaders of their own sessions, so a signal to the group would miss them. Returns them."""
        if self.process is None or self.process.poll() is not None:
            return []
        text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        children = [int(pid) for pid in text.split()]
        for pid in (self.process.pid, *children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return children

    def _wait(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + START_S
        while "ready to accept connections" not in self.log_tail():
            code = self.process.poll()
            if code is not None or time.monotonic() > deadline:
                end(self.process, patience_s=0)
                happened = f"ended with code {code}" if code is not None else f"was not ready after {START_S:.0f} s"
                raise StartError(f"PostgreSQL {happened}", self.log_tail())
            time.sleep(0.02)


def _is_alive(pid: int) -> bool:
    """Say whether a process has memory yet: one that has only not been waited for has none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def find_postgres(report: Report = say) -> tuple[Path, dict[str, str]]:
    """Return the folder of the server's programs and the environment they need. Raises PeerUnavailableError."""
    on_path = shutil.which("initdb")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    for pattern in _PLACES:
        candidates += Path("/").glob(pattern)
    newest = max(candidates, key=_version_of, default=None)
    if newest is not None and _version_of(newest) >= OLDEST:
        return newest, {}
    root = peer_root(POSTGRESQL, report)
    fetched = max(root.glob(_PLACES[0]), key=lambda folder: int(folder.parent.name), default=None)
    if fetched is None or int(fetched.parent.name) < OLDEST:
        raise PeerUnavailableError(f"{root} holds no PostgreSQL {OLDEST} or newer: {POSTGRESQL.otherwise}")
    return fetched, {"LD_LIBRARY_PATH": str(libraries_without_libc(root))}


def _version_of(programs: Path) -> int:
    if not (programs / "initdb").exists() or not (programs / "postgres").exists():
        return 0
    said = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
    version = _VERSION.search(said)
    return int(version[1]) if version else 0

"""A PostgreSQL of the tests' own: a fresh cluster on loopback, run by an ordinary user, gone afterwards."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PLACES = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")


class NoPostgres(Exception):
    """There is no PostgreSQL server program here, or it does not start."""


@dataclass(frozen=True, slots=True)
class PrivatePostgres:
    """A running server. `pid` is its first process, leader of its own process group."""

    port: int
    pid: int

    def url(self, database: str = "postgres") -> str:
        """SQLAlchemy URL of one of its databases."""
        return f"postgresql+asyncpg://callcenter@127.0.0.1:{self.port}/{database}"

    def freeze(self) -> None:
        """Stop all of its processes where they are: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.pid)], capture_output=True, text=True, check=False
        )
        for pid in (self.pid, *map(int, listed.stdout.split())):
            os.kill(pid, number)


def _programs() -> Path:
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    for pattern in PLACES:
        places += sorted(Path("/").glob(pattern[1:]), reverse=True)
    for place in places:
        if (place / "postgres").exists() and (place / "initdb").exists():
            return place
    raise NoPostgres("no PostgreSQL server program (initdb, postgres) on this machine")


def _as_user() -> list[str]:
    """PostgreSQL refuses root: then it runs as nobody."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam("nobody")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running() -> Iterator[PrivatePostgres]:
    """A server for the time of the block. Raises NoPostgres."""
    programs, user = _programs(), _as_user()
    folder = Path(tempfile.mkdtemp(prefix="callcenter-pg-"))
    if user:
        shutil.chown(folder, "nobody")
    port, data = _free_port(), folder / "data"
    env = os.environ | {"LC_ALL": "C", "HOME": str(folder)}
    init = [*user, programs / "initdb", "-D", data, "-U", "callcenter", "-A", "trust", "-E", "UTF8", "--no-sync"]
    made = subprocess.run(init, capture_output=True, text=True, env=env, cwd=folder, check=False)
    if made.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        raise NoPostgres(f"initdb: {made.stderr.strip()}")
    options = [f"-cport={port}", "-clisten_addresses=127.0.0.1", f"-cunix_socket_directories={folder}", "-cfsync=off"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*user, programs / "postgres", "-D", data, *options], stdout=log, stderr=log, env=env, cwd=folder
        )
    try:
        _wait_for(port, server, folder / "log")
        yield PrivatePostgres(port, server.pid)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        if server.poll() is not None:
            break
        with socket.socket() as probe:
            probe.settimeout(1)
            ready = b"ready to accept connections" in log.read_bytes()
            if ready and probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise NoPostgres(f"postgres does not start: {log.read_text(errors='replace').strip()[-500:]}")

"""A whole call centre on loopback: private Asterisk, a plan with PINs made for it, and the real service as a process.

Used by demo, proofs, benchmarks and integration tests, so that all of them run what an operator runs: `callcenter serve`
with its settings in the environment. The service is started so that it never outlives us, may be killed, and may be
started again on the same state folder.
"""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from agents.login import pin_sha1_of
from callcenter.lab.cache import Report, say
from callcenter.lab.errors import StartError
from callcenter.lab.loader import end, spawn
from callcenter.lab.pbx import Asterisk
from callcenter.lab.ports import free_port
from callcenter.storage.database import open_engine
from callcenter.storage.ledger import Ledger
from config.plan import parse_plan

READY_S = 30.0
SERVE = (sys.executable, "-m", "callcenter", "serve")
"""The service's command: the very one that an operator types."""


@dataclass(frozen=True, slots=True)
class Seat:
    """An agent of a site, with a PIN of his own."""

    number: str
    name: str
    skills: Mapping[str, int]
    pin: str = field(default_factory=lambda: f"{secrets.randbelow(1_000_000):06d}", repr=False)
    """Six digits, made anew for each site: never a default."""
    outbound: str = ""
    """Line for which he may dial out; empty: he may not."""

    @property
    def pin_sha1(self) -> str:
        """What the plan stores of number and PIN."""
        return pin_sha1_of(self.number, self.pin)

    def toml(self) -> str:
        """Return the seat's table of a plan."""
        skills = ", ".join(f"{skill} = {level}" for skill, level in self.skills.items())
        text = f'[agents.{self.number}]\nname = "{self.name}"\nskills = {{ {skills} }}\npin_sha1 = "{self.pin_sha1}"\n'
        return text + (f'outbound = "{self.outbound}"\n' if self.outbound else "")


class Site:
    """Asterisk, plan and service. `pbx` and `seats` are there from the start; `start` brings them to life."""

    def __init__(
        self,
        plan: str,
        seats: Sequence[Seat],
        phones: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        report: Report = say,
        pbx: Asterisk | None = None,
    ) -> None:
        """plan: TOML text without agents. seats: become the plan's agents. phones: endpoints that may register. Starts nothing."""
        self.folder = Path(tempfile.mkdtemp(prefix="cc-site-"))
        self.seats = {seat.number: seat for seat in seats}
        self.plan_file = self.folder / "plan.toml"
        self.plan_text = plan + "\n" + "\n".join(seat.toml() for seat in seats)
        lines = tuple(parse_plan(self.plan_text, "the site's plan").plan.lines)
        self.pbx = pbx or Asterisk(phones, lines=("default", *lines), report=report)
        self.http_port = free_port()
        self.state_dir = self.folder / "state"
        self.process: subprocess.Popen[bytes] | None = None
        """The service; None while it does not run."""
        self.log_file = self.folder / "service.log"
        self._environment = dict(environment or {})

    def __repr__(self) -> str:
        pid = self.process.pid if self.process else None
        return f"<Site {self.folder} service {pid} {self.pbx!r}>"

    async def start(self) -> Self:
        """Start Asterisk and the service, and wait until calls are distributed."""
        await self.pbx.start()
        self.write_plan(self.plan_text)
        await self.start_service()
        return self

    def write_plan(self, text: str) -> None:
        """Write the plan's file (the running service reads it at its next reload)."""
        self.plan_text = text
        self.plan_file.write_text(text, encoding="utf-8")

    def settings(self) -> dict[str, str]:
        """Return all `CALLCENTER_*` variables of the service. Holds secrets."""
        return {
            **self.pbx.settings(),
            "CALLCENTER_PLAN": str(self.plan_file),
            "CALLCENTER_STATE_DIR": str(self.state_dir),
            "CALLCENTER_HTTP_PORT": str(self.http_port),
            **self._environment,
        }

    def environment(self) -> dict[str, str]:
        """Return the environment of an operator's command here: ours, with no setting but the site's. Holds secrets."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("CALLCENTER_")}
        return {**ours, **self.settings()}

    async def start_service(self, *, wait: bool = True) -> None:
        """Start `callcenter serve`; with `wait`, until it says that it is ready. Raises StartError with the end of its log."""
        self.process = await asyncio.to_thread(
            spawn,
            SERVE,
            folder=self.folder,
            environment=self.environment(),
            log=self.log_file,
            as_ourselves=True,
        )
        if wait:
            await self.wait_ready()

    async def wait_ready(self, within_s: float = READY_S) -> None:
        """Wait until the service distributes calls."""
        try:
            async with asyncio.timeout(within_s):
                while not await asyncio.to_thread(self._is_ready):
                    if self.process is None or self.process.poll() is not None:
                        code = self.process.poll() if self.process else None
                        raise StartError(f"the service ended with code {code}", self.log_tail())
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            raise StartError(f"the service was not ready after {within_s:.0f} s", self.log_tail()) from error

    def kill_service(self) -> None:
        """End the service as a crash does (SIGKILL)."""
        if self.process is not None:
            end(self.process, patience_s=0.0)
            self.process = None

    async def stop_service(self, within_s: float = 15.0) -> int | None:
        """Ask the service to end (SIGTERM) and return its exit code; None when it did not run."""
        process, self.process = self.process, None
        if process is None:
            return None
        return await asyncio.to_thread(end, process, patience_s=within_s)

    async def stop(self, *, keep: bool = False) -> None:
        """End everything; remove the folder unless `keep`."""
        await self.stop_service()
        await self.pbx.stop(keep=keep)
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def get(self, path: str) -> str:
        """Return what the service answers to GET; blocks. Raises OSError."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    def status(self) -> dict[str, Any]:
        """Return the service's /status; blocks. Raises OSError."""
        return dict(json.loads(self.get("/status")))

    @contextlib.asynccontextmanager
    async def ledger(self) -> AsyncIterator[Ledger]:
        """Yield the ledger (reading beside the service, or after it)."""
        url = self._environment.get("CALLCENTER_DATABASE_URL", f"sqlite:///{self.state_dir / 'ledger.sqlite3'}")
        url = url.replace("sqlite://", "sqlite+aiosqlite://", 1).replace("postgresql://", "postgresql+asyncpg://", 1)
        engine = open_engine(url)
        try:
            yield Ledger(engine)
        finally:
            await engine.dispose()

    def log_tail(self, lines: int = 30) -> str:
        """Return the last lines of the service's log."""
        try:
            return "\n".join(self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def _is_ready(self) -> bool:
        try:
            self.get("/readyz")
        except (urllib.error.URLError, OSError):
            return False
        return True

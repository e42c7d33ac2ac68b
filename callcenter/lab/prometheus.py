"""A private Prometheus on loopback, and its two checking tools: what an operator's monitoring says of our rules, said in tests.

Theory of operation: the server runs in a private folder (its configuration, its data, its log) as the unprivileged user, on a
free port, and ends with us. It is given whole configuration files, the shipped ones, with what differs here substituted by the
caller. The tools are run to their end; their code and words are the answer.
"""

import asyncio
import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from callcenter.lab.apt import PROMETHEUS, peer_root
from callcenter.lab.cache import Report, say
from callcenter.lab.errors import LabError, PeerUnavailableError, StartError
from callcenter.lab.loader import Program, end, hand_over, private_folder, program_in, remove_folder, spawn
from callcenter.lab.ports import free_port

OLDEST = (2, 42)
"""Debian 12's: what our rules are written for."""
START_S = 20.0
TOOL_S = 60.0
ASK_S = 10.0
CONFIG = "prometheus.yml"
_VERSION = re.compile(r"version (\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Monitoring:
    """The programs."""

    prometheus: Program
    promtool: Program
    amtool: Program

    def check(self, tool: Program, *arguments: str, folder: Path) -> tuple[bool, str]:
        """Run a tool to its end in a folder; return whether it was content, and all it said. Blocks (0.2 s)."""
        command = tool.command(*arguments)
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TOOL_S, check=False)
        return done.returncode == 0, done.stdout + done.stderr


class Prometheus:
    """One private server."""

    def __init__(self, files: Mapping[str, str], *, report: Report = say) -> None:
        """files: path below the configuration's folder -> text; `prometheus.yml` among them. Starts nothing."""
        self.port = free_port()
        self.folder = private_folder("cc-prometheus-")
        """Configuration (`etc`), data and log."""
        self.process: subprocess.Popen[bytes] | None = None
        """None while it does not run."""
        self._files = files
        self._report = report

    def __repr__(self) -> str:
        return f"<Prometheus {self.folder} port {self.port} pid {self.process.pid if self.process else None}>"

    async def start(self) -> Self:
        """Start it (about 1 s). Raises PeerUnavailableError or StartError."""
        return await asyncio.to_thread(self.start_now)

    async def stop(self) -> None:
        """End it and remove its folder. Harmless when it does not run."""
        await asyncio.to_thread(self.stop_now)

    def start_now(self) -> Self:
        """`start()` for code without a loop; blocks."""
        program = find_monitoring(self._report).prometheus
        for name, text in self._files.items():
            path = self.folder / "etc" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        hand_over(self.folder)
        command = program.command(
            f"--config.file={self.folder / 'etc' / CONFIG}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn",
        )
        self.process = spawn(command, folder=self.folder, log=self.folder / "log")
        self._wait()
        return self

    def stop_now(self) -> None:
        """`stop()` for code without a loop; blocks."""
        if self.process is not None:
            end(self.process)
            self.process = None
        remove_folder(self.folder)

    async def query(self, expression: str, at_s: float | None = None) -> dict[tuple[tuple[str, str], ...], float]:
        """Return an instant vector: labels without the name, `job` and `instance`, sorted -> value. at_s: seconds since the epoch;
        None: now. Raises LabError."""
        data = await self.ask("query", {"query": expression} | ({} if at_s is None else {"time": f"{at_s:.3f}"}))
        if data["resultType"] != "vector":
            raise LabError(f"{expression} gives no instant vector but {data['resultType']}")
        found: dict[tuple[tuple[str, str], ...], float] = {}
        for sample in data["result"]:
            labels = {name: text for name, text in sample["metric"].items() if name not in _ITS_OWN}
            found[tuple(sorted(labels.items()))] = float(sample["value"][1])
        return found

    async def rules(self) -> list[dict[str, Any]]:
        """Return all rules as they were evaluated last: `name`, `type`, `health`, `lastError`, of alerts `state`, ..."""
        return [rule for group in (await self.ask("rules"))["groups"] for rule in group["rules"]]

    async def ask(self, path: str, fields: Mapping[str, str] | None = None) -> Any:
        """Return the data of a question to its HTTP API (`/api/v1/<path>`). Raises LabError with its own words."""
        return await asyncio.to_thread(self._ask, path, fields or {})

    def _ask(self, path: str, fields: Mapping[str, str]) -> Any:
        address = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(fields)}"
        try:
            with urllib.request.urlopen(address, timeout=ASK_S) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise LabError(f"Prometheus refuses {path}: {error.read().decode('utf-8', 'replace')}") from error
        except (OSError, ValueError) as error:
            raise LabError(f"Prometheus does not answer: {error}\n{self.log_tail()}") from error

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of its log."""
        try:
            text = (self.folder / "log").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def _wait(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + START_S
        while not self._is_ready():
            code = self.process.poll()
            if code is not None or time.monotonic() > deadline:
                end(self.process, patience_s=0)
                self.process = None
                happened = f"ended with code {code}" if code is not None else f"was not ready after {START_S:.0f} s"
                raise StartError(f"Prometheus {happened}", self.log_tail())
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=2):
                return True
        except OSError:
            return False


_ITS_OWN = ("__name__", "job", "instance")


def find_monitoring(report: Report = say) -> Monitoring:
    """Return the programs: this machine's if all three are there and new enough, else fetched ones. Raises
    PeerUnavailableError, LabError."""
    own = [shutil.which(name) for name in ("prometheus", "promtool", "amtool")]
    if all(own) and _version_of(Program(Path(own[1] or ""))) >= OLDEST:
        return Monitoring(*(Program(Path(path)) for path in own if path))
    root = peer_root(PROMETHEUS, report)
    found = Monitoring(*(program_in(root, f"usr/bin/{name}") for name in ("prometheus", "promtool", "amtool")))
    if _version_of(found.promtool) < OLDEST:
        raise PeerUnavailableError(f"the Prometheus in {root} is older than 2.42: {PROMETHEUS.otherwise}")
    return found


def _version_of(promtool: Program) -> tuple[int, int]:
    said = subprocess.run(promtool.command("--version"), capture_output=True, text=True, timeout=10, check=False)
    version = _VERSION.search(said.stdout + said.stderr)
    return (int(version[1]), int(version[2])) if version else (0, 0)

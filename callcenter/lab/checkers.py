"""Programs that judge the files of production without running what they describe: `docker-compose config`, `systemd-analyze`.

Neither needs a daemon for that. They are this machine's own where they are new enough, else fetched as other peers are.
"""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from callcenter.lab.apt import COMPOSE, SYSTEMD, Peer, peer_root
from callcenter.lab.cache import Report, say
from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.loader import Program, program_in

CHECK_S = 60.0
OLDEST_COMPOSE = 2
"""Version 1 knows another language of files."""
OLDEST_SYSTEMD = 250
"""The first whose `security --offline` judges a file."""
_NUMBER = re.compile(r"(\d+)\.?\d*")


def find_compose(report: Report = say) -> Program:
    """Return docker-compose, version 2 or newer. Raises PeerUnavailableError, LabError."""
    return _find("docker-compose", "usr/libexec/docker/cli-plugins/docker-compose", OLDEST_COMPOSE, COMPOSE, report)


def find_systemd_analyze(report: Report = say) -> Program:
    """Return systemd-analyze, version 250 or newer. Raises PeerUnavailableError, LabError."""
    return _find("systemd-analyze", "usr/bin/systemd-analyze", OLDEST_SYSTEMD, SYSTEMD, report)


def judge(program: Program, *arguments: str, folder: Path, environment: Mapping[str, str]) -> tuple[int, str, str]:
    """Run a checker to its end in a folder, with that environment alone; return its exit code, output and errors. Blocks."""
    command = program.command(*arguments)
    done = subprocess.run(
        command, cwd=folder, env=dict(environment), capture_output=True, text=True, timeout=CHECK_S, check=False
    )
    return done.returncode, done.stdout, done.stderr


def _find(name: str, inside: str, oldest: int, peer: Peer, report: Report) -> Program:
    own = shutil.which(name)
    if own is not None and _version_of(Program(Path(own))) >= oldest:
        return Program(Path(own))
    root = peer_root(peer, report)
    fetched = program_in(root, inside)
    if _version_of(fetched) < oldest:
        raise PeerUnavailableError(f"the {name} in {root} is older than {oldest}: {peer.otherwise}")
    return fetched


def _version_of(program: Program) -> int:
    said = subprocess.run(program.command("--version"), capture_output=True, text=True, timeout=10, check=False)
    version = _NUMBER.search(said.stdout)
    return int(version[1]) if version else 0

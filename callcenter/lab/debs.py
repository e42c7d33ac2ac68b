"""Debian packages without root: download them with all their dependencies, and unpack them into a folder.

apt runs with a private state that holds no installed package, so it downloads everything that is needed; `dpkg -x`
unpacks it. Nothing of the machine is changed and no script of a package is run.

This module and what it imports need the standard library alone: set-up uses it before there is a virtual environment.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from callcenter.lab.errors import FetchError, PeerUnavailableError
from callcenter.lab.sources import Archive, debian_archives

Report = Callable[[str], None]
"""Takes one line for the screen: what is being done, and how much of it."""

_ATTEMPT_S = 900
_NAMED = re.compile(r"^(?P<package>[^_]+)_(?P<version>[^_]+)_")
_CONFIG = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
#clear Acquire::IndexTargets::deb::DEP-11;
Dir::State "{state}";
Dir::State::lists "{state}/lists";
Dir::State::status "{state}/status";
Dir::Cache "{state}/cache";
Dir::Etc::sourcelist "{state}/sources.list";
Dir::Etc::sourceparts "{state}/none";
Dir::Etc::preferences "{state}/none";
Dir::Etc::preferencesparts "{state}/none";
Debug::NoLocking "1";
APT::Sandbox::User "";
APT::Install-Recommends "0";
APT::Get::List-Cleanup "1";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Packages that are downloaded together."""

    name: str
    """What the screen calls them."""
    packages: tuple[str, ...]
    suite: str | None = None
    """Debian suite (`sid`); None: the machine's own."""


def download(wanted: Wanted, scratch: Path, report: Report) -> list[Path]:
    """Download packages and all they depend on into `scratch`; returns the files, sorted by name.

    The machine's archives are tried in turn. Raises PeerUnavailableError where there is no apt or no Debian archive,
    FetchError (with apt's own words) where no archive gave them.
    """
    for program in ("apt-get", "dpkg"):
        if shutil.which(program) is None:
            raise PeerUnavailableError(f"{program} is not on this machine")
    failure: FetchError | None = None
    for archive in debian_archives():
        try:
            return _download_from(archive, wanted, scratch, report)
        except FetchError as error:
            failure = error
    assert failure is not None
    raise failure


def unpack(debs: list[Path], root: Path) -> dict[str, str]:
    """Unpack downloaded packages into the new folder `root`, which anyone may read; returns package name -> version.

    Each file is removed once it is unpacked. Raises FetchError.
    """
    root.mkdir()
    with ThreadPoolExecutor(max_workers=2) as pool:
        for _ in pool.map(lambda deb: _unpack_one(deb, root), debs):
            pass
    for folder, _, _ in os.walk(root):
        os.chmod(folder, 0o755)
    return {match["package"]: match["version"].replace("%3a", ":") for deb in debs if (match := _NAMED.match(deb.name))}


def _download_from(archive: Archive, wanted: Wanted, scratch: Path, report: Report) -> list[Path]:
    state = Path(tempfile.mkdtemp(prefix="apt-", dir=scratch))
    for folder in ("lists/partial", "cache/archives/partial", "none"):
        (state / folder).mkdir(parents=True)
    suite = wanted.suite or archive.suite
    (state / "status").touch()
    (state / "sources.list").write_text(archive.line(suite), encoding="utf-8")
    (state / "apt.conf").write_text(_CONFIG.format(state=state), encoding="utf-8")
    report(f"{wanted.name}: reading the package list of Debian {suite}")
    _apt(state, wanted, report, "update", "-o", "APT::Update::Error-Mode=any")
    _apt(state, wanted, report, "install", "--yes", "--download-only", *wanted.packages)
    return sorted((state / "cache" / "archives").glob("*.deb"))


def _apt(state: Path, wanted: Wanted, report: Report, *arguments: str) -> None:
    """Run apt-get with the private state; its status lines become at most ten lines on the screen."""
    command = ["apt-get", "-c", str(state / "apt.conf"), "-o", "APT::Status-Fd=1", "-q", *arguments]
    environment = os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    tail: list[str] = []
    shown = 0.0
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            kind, _, rest = line.strip().partition(":")
            if kind == "dlstatus":
                _, percent, what = rest.split(":", 2)
                if arguments[0] == "install" and float(percent) >= shown + 20:
                    shown = float(percent)
                    report(f"{wanted.name}: {shown:.0f} % ({what.strip()})")
            else:
                tail = [*tail[-19:], line.rstrip()]
                if "Need to get" in line:
                    report(f"{wanted.name}: {line.strip()}")
        code = process.wait(_ATTEMPT_S)
    if code != 0:
        words = "\n".join(line for line in tail if line[:2] in ("E:", "W:", "Er")) or "\n".join(tail)
        raise FetchError(f"apt could not fetch {' '.join(wanted.packages)}: is the network there?", words)


def _unpack_one(deb: Path, root: Path) -> None:
    done = subprocess.run(["dpkg", "-x", str(deb), str(root)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise FetchError(f"{deb.name} could not be unpacked: is the disk full?", done.stderr)
    deb.unlink()

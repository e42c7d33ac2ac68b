"""Real peers without root: fetch Debian packages with their dependencies and unpack them into a folder of their own.

apt runs with a private state that holds no installed package, so it downloads everything a peer needs, libc included;
`dpkg -x` unpacks it into one root per peer, which runs on any machine through its own loader (`callcenter.lab.loader`).
Nothing of the machine is changed and no script of a package is run. A root is unpacked beside its place, stamped with
its package versions and renamed into it, under a lock: it is there whole or not at all. Once it is there, nothing here
touches the network.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from callcenter.lab.cache import Report, cache_folder, locked, say
from callcenter.lab.errors import FetchError, PeerUnavailableError
from callcenter.lab.sources import Archive, debian_archives

HOST_SUITE = "host"
STAMP = ".packages.json"
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
class Peer:
    """A set of packages that is unpacked into one root."""

    name: str
    """Folder name in the cache."""
    packages: tuple[str, ...]
    suite: str = HOST_SUITE
    """`sid`, or `HOST_SUITE`: the machine's own."""
    otherwise: str = ""
    """What the user can do where apt cannot help; part of the error."""


PBX = Peer("pbx", ("asterisk", "sip-tester"), "sid", "an Asterisk >= 22.6 and sipp on PATH are required")
SOFTPHONE = Peer("softphone", ("baresip-core",), otherwise="baresip on PATH is required")
REDIS = Peer("redis", ("redis-server",), otherwise="redis-server on PATH is required")
PROMETHEUS = Peer("prometheus", ("prometheus",), otherwise="prometheus and promtool on PATH are required")
POSTGRESQL = Peer("postgresql", ("postgresql",), otherwise="PostgreSQL 15 or newer on PATH is required")


def peer_root(peer: Peer, report: Report = say) -> Path:
    """Return the folder that holds the unpacked `peer`, fetched first if it is not there yet.

    Quiet and without network when the cache is warm. Raises PeerUnavailableError (FetchError with apt's own words).
    """
    roots = cache_folder(report) / "peers"
    root = roots / peer.name
    if _is_whole(root, peer):
        return root
    roots.mkdir(parents=True, exist_ok=True)
    with locked(roots / ".lock", report, "another process is fetching peers: waiting for it"):
        if not _is_whole(root, peer):
            _fetch(peer, root, report)
    return root


def peer_versions(root: Path) -> dict[str, str]:
    """Return package name -> version of an unpacked root."""
    versions: dict[str, str] = json.loads((root / STAMP).read_text(encoding="utf-8"))["versions"]
    return versions


def _is_whole(root: Path, peer: Peer) -> bool:
    try:
        stamp = json.loads((root / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(stamp.get("packages") == list(peer.packages) and stamp.get("suite") == peer.suite)


def _fetch(peer: Peer, root: Path, report: Report) -> None:
    for program in ("apt-get", "dpkg"):
        if shutil.which(program) is None:
            raise PeerUnavailableError(f"{program} is not on this machine: {peer.otherwise}")
    try:
        archives = debian_archives()
    except PeerUnavailableError as error:
        raise PeerUnavailableError(f"{error} ({peer.otherwise})") from error
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=root.parent) as scratch:
        failure: FetchError | None = None
        for archive in archives:
            try:
                debs = _download(peer, archive, Path(scratch), report)
                break
            except FetchError as error:
                failure = error
        else:
            raise failure or PeerUnavailableError(peer.otherwise)
        _unpack(peer, debs, root, Path(scratch), report)


def _download(peer: Peer, archive: Archive, scratch: Path, report: Report) -> list[Path]:
    state = Path(tempfile.mkdtemp(prefix="apt-", dir=scratch))
    for folder in ("lists/partial", "cache/archives/partial", "none"):
        (state / folder).mkdir(parents=True)
    suite = archive.suite if peer.suite == HOST_SUITE else peer.suite
    (state / "status").touch()
    (state / "sources.list").write_text(archive.line(suite), encoding="utf-8")
    (state / "apt.conf").write_text(_CONFIG.format(state=state), encoding="utf-8")
    report(f"{peer.name}: reading the package list of Debian {suite}")
    _apt(state, peer, report, "update", "-o", "APT::Update::Error-Mode=any")
    _apt(state, peer, report, "install", "--yes", "--download-only", *peer.packages)
    return sorted((state / "cache" / "archives").glob("*.deb"))


def _apt(state: Path, peer: Peer, report: Report, *arguments: str) -> None:
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
                    report(f"{peer.name}: {shown:.0f} % ({what.strip()})")
            else:
                tail = [*tail[-19:], line.rstrip()]
                if "Need to get" in line:
                    report(f"{peer.name}: {line.strip()}")
        code = process.wait(_ATTEMPT_S)
    if code != 0:
        words = "\n".join(line for line in tail if line[:2] in ("E:", "W:", "Er")) or "\n".join(tail)
        raise FetchError(
            f"apt could not fetch {' '.join(peer.packages)}: is the network there? Otherwise {peer.otherwise}", words
        )


def _unpack(peer: Peer, debs: list[Path], root: Path, scratch: Path, report: Report) -> None:
    report(f"{peer.name}: unpacking {len(debs)} packages")
    fresh = scratch / "root"
    fresh.mkdir()
    with ThreadPoolExecutor(max_workers=2) as pool:
        for _ in pool.map(lambda deb: _unpack_one(deb, fresh), debs):
            pass
    for folder, _, _ in os.walk(fresh):
        os.chmod(folder, 0o755)
    versions = {
        match["package"]: match["version"].replace("%3a", ":") for deb in debs if (match := _NAMED.match(deb.name))
    }
    stamp = {"packages": list(peer.packages), "suite": peer.suite, "versions": versions}
    (fresh / STAMP).write_text(json.dumps(stamp, indent=1, sort_keys=True), encoding="utf-8")
    if root.exists():
        root.rename(scratch / "old")
    fresh.rename(root)


def _unpack_one(deb: Path, root: Path) -> None:
    done = subprocess.run(["dpkg", "-x", str(deb), str(root)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise FetchError(f"{deb.name} could not be unpacked: is the disk full?", done.stderr)
    deb.unlink()

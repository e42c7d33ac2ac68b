"""Real peers without root: Debian packages with all their dependencies, unpacked into one root per peer in the cache.

A root holds everything that a peer needs, libc included, and runs on any machine through its own loader
(`callcenter.lab.loader`); how packages are had is in `callcenter.lab.debs`. A root is unpacked beside its place, stamped
with its package versions and renamed into it, under a lock: it is there whole or not at all. Once it is there, nothing
here touches the network.
"""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from callcenter.lab.cache import Report, cache_folder, locked, make_shared, say
from callcenter.lab.debs import Wanted, download, unpack
from callcenter.lab.errors import FetchError, PeerUnavailableError

HOST_SUITE = "host"
STAMP = ".packages.json"


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
PROMETHEUS = Peer(
    "prometheus",
    ("prometheus", "prometheus-alertmanager"),
    otherwise="prometheus, promtool and amtool on PATH are required",
)
SPEECH = Peer(
    "speech",
    ("espeak-ng", "sox"),
    otherwise="espeak-ng and sox on PATH are required; without them tones stand for prompts",
)
REDIS = Peer("redis", ("redis-server",), otherwise="redis-server 6 or newer on PATH is required")
POSTGRESQL = Peer("postgresql", ("postgresql",), otherwise="PostgreSQL 15 or newer on PATH is required")
COMPOSE = Peer("compose", ("docker-compose",), "sid", "docker-compose 2 on PATH is required")
SYSTEMD = Peer("systemd", ("systemd",), otherwise="systemd-analyze on PATH is required")
CLOCK = Peer("clock", ("libfaketime",), otherwise="without it no PBX's clock can be put back")
BROWSER = Peer(
    "browser",
    ("chromium-headless-shell", "fonts-wqy-microhei"),
    otherwise="without it pages are neither printed nor looked at",
)


def peer_root(peer: Peer, report: Report = say) -> Path:
    """Return the folder that holds the unpacked `peer`, fetched first if it is not there yet.

    Quiet and without network when the cache is warm. Raises PeerUnavailableError (FetchError with apt's own words).
    """
    roots = cache_folder(report) / "peers"
    root = roots / peer.name
    if _is_whole(root, peer):
        return root
    make_shared(roots)
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
    suite = None if peer.suite == HOST_SUITE else peer.suite
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=root.parent) as scratch:
        try:
            debs = download(Wanted(peer.name, peer.packages, suite), Path(scratch), report)
            report(f"{peer.name}: unpacking {len(debs)} packages")
            versions = unpack(debs, Path(scratch) / "root")
        except FetchError as error:
            raise FetchError(f"{error.message} Otherwise {peer.otherwise}", error.log) from error
        except PeerUnavailableError as error:
            raise PeerUnavailableError(f"{error} ({peer.otherwise})") from error
        stamp = {"packages": list(peer.packages), "suite": peer.suite, "versions": versions}
        (Path(scratch) / "root" / STAMP).write_text(json.dumps(stamp, indent=1, sort_keys=True), encoding="utf-8")
        if root.exists():
            root.rename(Path(scratch) / "old")
        (Path(scratch) / "root").rename(root)

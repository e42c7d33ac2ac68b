"""Which Asterisk to run: the machine's own program if it is new enough, else one that is fetched.

Only its program, modules and documentation files are used (without the last, Asterisk does not start); never its
configuration and never an instance that runs.
"""

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from callcenter.lab.apt import PBX, peer_root
from callcenter.lab.cache import Report, say
from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.loader import Program, program_in

OLDEST = (22, 6)
"""Before it, Asterisk loses callers in races that no service can avoid."""
_VERSION = re.compile(r"Asterisk (?:certified[/-])?(\d+)\.(\d+)")
_MODULES = ("lib/*/asterisk/modules", "lib/asterisk/modules", "lib64/asterisk/modules")
_DOCUMENTATION = ("share/asterisk/documentation", "var/lib/asterisk/documentation", "lib/asterisk/documentation")


@dataclass(frozen=True, slots=True)
class Installation:
    """An Asterisk that can be run."""

    program: Program
    modules: Path
    documentation: Path
    version: tuple[int, int]


def find_asterisk(report: Report = say) -> Installation:
    """Return the Asterisk on PATH if it is >= 22.6 and complete, else a fetched one. Raises PeerUnavailableError."""
    own = shutil.which("asterisk") or shutil.which("asterisk", path="/usr/sbin:/usr/local/sbin")
    if own is not None:
        path = Path(own).resolve()
        prefix = path.parent.parent
        found = _installation(Program(path), prefix, (prefix, Path("/var").parent))
        if found is not None and found.version >= OLDEST:
            return found
        report(f"{own} is older than {OLDEST[0]}.{OLDEST[1]} or not complete: a private one is used instead")
    root = peer_root(PBX, report)
    found = _installation(program_in(root, "usr/sbin/asterisk"), root / "usr", (root / "usr", root))
    if found is None or found.version < OLDEST:
        raise PeerUnavailableError(
            f"the Asterisk in {root} is older than {OLDEST[0]}.{OLDEST[1]} or not complete: {PBX.otherwise}"
        )
    return found


def _installation(program: Program, prefix: Path, shares: Iterable[Path]) -> Installation | None:
    said = subprocess.run(program.command("-V"), capture_output=True, text=True, timeout=10, check=False).stdout
    version = _VERSION.search(said)
    modules = _first(prefix, _MODULES, "chan_pjsip.so")
    documentation = next((found for share in shares if (found := _first(share, _DOCUMENTATION, "*.xml"))), None)
    if version is None or modules is None or documentation is None:
        return None
    return Installation(program, modules, documentation, (int(version[1]), int(version[2])))


def _first(base: Path, patterns: tuple[str, ...], must_hold: str) -> Path | None:
    folders = (folder for pattern in patterns for folder in sorted(base.glob(pattern)))
    return next((folder for folder in folders if any(folder.glob(must_hold))), None)

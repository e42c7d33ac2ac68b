"""Where downloads and unpacked peers live, and who may read them.

`CALLCENTER_CACHE` names the folder; without it, it is `.cache` of the checkout (or of the user's home, for an installed
package). As root the peers run as an unprivileged user, who must be able to walk down to the folder: where he cannot
(a checkout below a home of mode 0700), a folder of our own under the system's temporary directory is taken instead.
"""

import fcntl
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from callcenter.lab.debs import Report as Report
from callcenter.lab.errors import LabError
from config.settings import load_settings


def say(line: str) -> None:
    """Write one progress line to standard error, so that standard output stays free for results."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def cache_folder(report: Report = say) -> Path:
    """Return the folder for downloads and peers, made if it is missing.

    Raises LabError when the folder cannot be made or is not ours.
    """
    wanted = load_settings().cache or _default_folder()
    wanted = wanted.expanduser().absolute()
    try:
        wanted.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LabError(f"the cache folder {wanted} cannot be made ({error.strerror}): set CALLCENTER_CACHE") from error
    if os.geteuid() != 0 or is_reachable_by_all(wanted):
        return wanted
    private = _temporary_folder()
    report(f"{wanted} is not readable to the unprivileged user that runs the peers: they are kept in {private}")
    return private


def is_reachable_by_all(folder: Path) -> bool:
    """Say whether any user may enter `folder`, by the modes of it and of every folder above."""
    return all(level.stat().st_mode & stat.S_IXOTH for level in (folder, *folder.parents))


def make_shared(folder: Path) -> None:
    """Make a folder of the cache, if it is missing, that the user who runs the peers may enter whatever our umask is."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        folder.chmod(0o755)


def _default_folder() -> Path:
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").exists():
        return checkout / ".cache"
    return Path.home() / ".cache" / "callcenter"


def _temporary_folder() -> Path:
    folder = Path(tempfile.gettempdir()) / f"callcenter-cache-{os.geteuid()}"
    folder.mkdir(mode=0o755, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise LabError(
            f"{folder} belongs to somebody else or is writable to others: remove it, or set CALLCENTER_CACHE"
        )
    folder.chmod(0o755)
    return folder


@contextmanager
def locked(path: Path, report: Report, waiting: str) -> Iterator[None]:
    """Hold an exclusive lock on the file `path` (made if missing); say `waiting` if another process holds it."""
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(waiting)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield

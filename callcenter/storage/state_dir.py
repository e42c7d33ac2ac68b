"""The state folder: outbox, embedded store, ledger file and tokens of ONE service, which holds its lock while it runs.

The folder is its owner's alone (0700). The lock is the kernel's (`flock`), so it ends with the process however that
ends, and the file says who holds it. The instance name is made once and kept, so that after a crash the PBX knows that
the same service is back.
"""

import contextlib
import fcntl
import os
import time
import uuid
from pathlib import Path

from callcenter.storage.errors import StateLocked, StateUnusable

TRIES = 5
"""So often a lock is tried, for somebody who only looks at it (`is_held`) holds it for a moment."""
PAUSE_S = 0.01


def is_held(folder: Path) -> bool:
    """Return whether a service of this state folder runs. Changes nothing; False where there is no such folder."""
    try:
        fd = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StateUnusable(folder, f"cannot be looked at ({error.strerror})") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


LIVE_NAME = "live.sqlite3"
"""The embedded store within the folder."""


class StateDir:
    """A state folder that exists and can be written. `lock` takes it for this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._lock_fd: int | None = None
        """Open while we hold the lock; None otherwise."""
        try:
            if not self.folder.exists():
                self.folder.mkdir(mode=0o700, parents=True)
            if self.folder.stat().st_uid == os.geteuid():
                self.folder.chmod(0o700)
            probe = self.folder / f".probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise StateUnusable(self.folder, f"cannot be used ({error.strerror})") from error

    @property
    def outbox(self) -> Path:
        """Folder of the outbox."""
        return self.folder / "outbox"

    @property
    def live_state(self) -> Path:
        """File of the embedded store."""
        return self.folder / LIVE_NAME

    @property
    def instance(self) -> str:
        """The service's own id: 12 hex digits, made at first use, the same after every restart."""
        path = self.folder / "instance"
        with contextlib.suppress(FileNotFoundError):
            if found := path.read_text(encoding="ascii").strip():
                return found
        fresh = path.with_suffix(".new")
        fresh.write_text(uuid.uuid4().hex[:12] + "\n", encoding="ascii")
        fresh.replace(path)
        return path.read_text(encoding="ascii").strip()

    def lock(self, holder: str) -> None:
        """Take the folder for this process until `release` or its end. Raises StateLocked, which names the holder."""
        fd = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _is_taken(fd):
            name = os.pread(fd, 200, 0).decode("utf-8", "replace").strip()
            os.close(fd)
            raise StateLocked(self.folder, name)
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{holder} (process {os.getpid()})\n".encode(), 0)
        self._lock_fd = fd

    def release(self) -> None:
        """Give the folder back."""
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None


def _is_taken(fd: int) -> bool:
    """Take the lock; return whether it is ours now."""
    for last in range(TRIES - 1, -1, -1):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if last:
            time.sleep(PAUSE_S)
    return False

"""Run a program out of an unpacked root, as an unprivileged user, so that it never outlives us.

A root brings its own libc, so a program in it is run by the root's own loader (`ld-linux ... --library-path`): nothing
of the machine's libraries is used. The command is wrapped in `setpriv`, which asks the kernel to kill the program when
its parent is gone and, where we are root, first drops to `nobody`.

The kernel means the parent THREAD: every program is therefore started from one thread that lives as long as the
process (`spawn`), and may be stopped from any.
"""

import asyncio
import atexit
import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from callcenter.lab.cache import make_shared
from callcenter.lab.errors import LabError, PeerUnavailableError

UNPRIVILEGED = "nobody"
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lab-spawner")
_folders: set[Path] = set()
_running: dict[int, "subprocess.Popen[bytes]"] = {}
# libc must be the machine's own, that of the loader which starts the children.
_LIBC = re.compile(
    r"^(ld-linux|libc\.|libm\.|libpthread|libdl|librt|libresolv|libutil|libnss_|libanl|libmvec|libthread)"
)


@dataclass(frozen=True, slots=True)
class Program:
    """How to run one program: the words before its own arguments."""

    path: Path
    prefix: tuple[str, ...] = ()

    def command(self, *arguments: str) -> list[str]:
        """Return the whole command line for these arguments."""
        return [*self.prefix, str(self.path), *arguments]


def program_in(root: Path, relative: str) -> Program:
    """Return a program of an unpacked root, run by that root's own loader. Raises LabError when it is not there."""
    path = root / relative
    loaders = sorted(
        found for pattern in ("usr/lib/*/ld-linux*.so.*", "lib/*/ld-linux*.so.*") for found in root.glob(pattern)
    )
    if not path.exists() or not loaders:
        raise LabError(f"{path} or its loader is missing: remove the folder {root}, it will be fetched anew")
    return Program(path, (str(loaders[0]), "--library-path", ":".join(library_folders(root))))


def library_folders(root: Path) -> list[str]:
    """Return the folders of a root that hold shared libraries."""
    folders = {
        found.parent
        for base in ("usr/lib", "lib")
        for pattern in ("*/*.so.*", "*/*/*.so.*", "*/*/lib*.so")
        for found in (root / base).glob(pattern)
    }
    return sorted((str(folder) for folder in folders), key=lambda name: (name.count("/"), name))


def libraries_without_libc(root: Path) -> Path:
    """Return a folder of links to every library of a root but libc's own (made once): a value of LD_LIBRARY_PATH.

    For programs that start children of themselves by path, which the machine's own loader then loads.
    """
    folder = root / ".libraries"
    make_shared(folder)
    for place in library_folders(root):
        for library in Path(place).glob("*.so*"):
            if not _LIBC.match(library.name):
                with contextlib.suppress(FileExistsError):
                    (folder / library.name).symlink_to(library)
    return folder


def unprivileged_ids() -> tuple[int, int]:
    """Return the user and group that peers run as: our own, or those of `nobody` where we are root."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    user = pwd.getpwnam(UNPRIVILEGED)
    return user.pw_uid, user.pw_gid


def private_folder(prefix: str) -> Path:
    """Return a new temporary folder, removed when this process ends unless `keep_folder` was called for it.

    Its path is short: sockets in it have at most 107 characters.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    _folders.add(folder)
    return folder


def keep_folder(folder: Path) -> None:
    """Leave a private folder where it is, for somebody to look at."""
    _folders.discard(folder)


def remove_folder(folder: Path) -> None:
    """Remove a private folder now."""
    _folders.discard(folder)
    shutil.rmtree(folder, ignore_errors=True)


def hand_over(folder: Path) -> None:
    """Make a private tree belong to the user that runs the peers; nobody else may enter it."""
    uid, gid = unprivileged_ids()
    folder.chmod(0o700)
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, uid, gid, follow_symlinks=False)


def wrapped(command: Sequence[str], *, outlives: bool = False, as_ourselves: bool = False) -> list[str]:
    """Return `command` run as the unprivileged user; it dies with its parent unless it `outlives` it."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise PeerUnavailableError("setpriv is not on this machine: install util-linux")
    head = [setpriv] if outlives else [setpriv, "--pdeathsig", "KILL"]
    if os.geteuid() == 0 and not as_ourselves:
        uid, gid = unprivileged_ids()
        head += [f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--no-new-privs"]
    return [*head, *command] if len(head) > 1 else list(command)


def spawn(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
    pipe: bool = False,
    outlives: bool = False,
    as_ourselves: bool = False,
) -> "subprocess.Popen[bytes]":
    """Start a program in its own session and return it; safe from any thread.

    folder: working directory. log: file for both of its outputs (appended; None: thrown away). pipe: standard input is a
    pipe. outlives: leave it running when we end (only `lab up`). as_ourselves: our own program, under our own user.
    """
    words = wrapped(command, outlives=outlives, as_ourselves=as_ourselves)
    variables = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def start() -> "subprocess.Popen[bytes]":
        output: IO[Any] | int = log.open("ab") if log else subprocess.DEVNULL
        try:
            return subprocess.Popen(
                words,
                stdin=subprocess.PIPE if pipe else subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=variables | dict(environment or {}),
                start_new_session=True,
            )
        finally:
            if not isinstance(output, int):
                output.close()

    process = _spawner.submit(start).result()
    if not outlives:
        _running[process.pid] = process
    return process


def end(process: "subprocess.Popen[bytes]", *, patience_s: float = 5.0) -> int:
    """End a program and its group: politely, then by force after `patience_s`. Returns its exit code; blocks."""
    if process.poll() is None and patience_s > 0:
        _signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
    _signal_group(process.pid, signal.SIGKILL)
    code = process.wait()
    _running.pop(process.pid, None)
    if process.stdin:
        with contextlib.suppress(OSError):
            process.stdin.close()
    return code


def _signal_group(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


async def wait(process: "subprocess.Popen[bytes]") -> int:
    """Wait for a program's end without a thread; returns its exit code."""
    if process.poll() is None:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        descriptor = os.pidfd_open(process.pid)
        loop.add_reader(descriptor, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)
    code = process.wait()
    _running.pop(process.pid, None)
    return code


def running() -> list[int]:
    """Return the pids of the programs started here that have not been ended."""
    return [pid for pid, process in _running.items() if process.poll() is None]


@atexit.register
def _end_all() -> None:
    for process in list(_running.values()):
        end(process, patience_s=0)
    for folder in list(_folders):
        remove_folder(folder)

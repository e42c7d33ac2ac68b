"""The durable outbox: every record is on disk before anything is done about it, and the ledger takes it from there.

Theory of operation: `append` encodes the records and hands them to the kernel in ONE `os.write` on a file opened for
appending. What the kernel took survives `kill -9`; against a power cut `sync` (meant for a thread, once a second) does
fsync. Files are numbered segments of JSON lines; a reader holds a `Position` (segment, byte offset), so it may be
another task or another process. When the projector has stored a position, whole segments before it are deleted.

After a crash a last line without its newline is cut off on opening, and a new segment begins: had a power cut taken
back lines that were already projected, the new ones would otherwise lie before the stored position. A write that the disk refuses is cut back to the
last whole line, counted, and never raised: routing goes on without a diary rather than not at all.

Bounds: up to `max_bytes` everything is kept. From `SOFT_SHARE` of it on, only the records that the ledger cannot do
without are (`ESSENTIAL`: arrival, queueing, talks, end); at `max_bytes` nothing is. What was left out is counted by
type (`dropped`) and told by a `Noted` record as soon as there is room again.
"""

import contextlib
import os
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from acd.records import (
    CallBlocked,
    CallClosed,
    CallInMenu,
    CallLeft,
    CallOpened,
    CallWaiting,
    Noted,
    Record,
    TalkClosed,
    TalkOpened,
)
from callcenter.storage.codec import encode

SEGMENT_BYTES = 8 * 1024 * 1024
MAX_BYTES = 1024 * 1024 * 1024
"""Room for about three million records: a day of a province without its database."""
SOFT_SHARE = 0.9
ESSENTIAL = (CallOpened, CallBlocked, CallInMenu, CallWaiting, TalkOpened, TalkClosed, CallLeft, CallClosed)


class Position(NamedTuple):
    """A place between two records: how far a reader has come. Positions of one outbox are ordered."""

    segment: int
    offset: int


START = Position(0, 0)


def segment_path(folder: Path, number: int) -> Path:
    """Return the file of a segment."""
    return folder / f"{number:010d}.jsonl"


def segments(folder: Path) -> list[int]:
    """Return the numbers of the segments that exist, in order."""
    return sorted(int(path.stem) for path in folder.glob("*.jsonl") if path.stem.isdigit())


def outbox_identity(folder: Path) -> str:
    """Return the outbox's own name, made at its first use: positions are only comparable within one outbox."""
    path = folder / "identity"
    if not path.exists():
        name_outbox(folder, fresh_name())
    return path.read_text(encoding="ascii").strip()


def fresh_name() -> str:
    """Return a name that no outbox has."""
    return uuid.uuid4().hex


def name_outbox(folder: Path, name: str) -> None:
    """Give an outbox its name, in one step."""
    fresh = folder / "identity.new"
    fresh.write_text(name, encoding="ascii")
    fresh.replace(folder / "identity")


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


class Outbox:
    """The writing end, owned by one process. `append` is synchronous and never raises for want of room."""

    def __init__(self, folder: Path, *, max_bytes: int = MAX_BYTES, segment_bytes: int = SEGMENT_BYTES) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self.identity = outbox_identity(folder)
        self.dropped: Counter[str] = Counter()
        """Records left out since the start, by type."""
        self.written = 0
        """Records written since the start."""
        self._max_bytes = max_bytes
        self._segment_bytes = min(segment_bytes, max(max_bytes // 4, 1))
        self._untold: Counter[str] = Counter()
        """Left out and not yet told by a Noted record."""
        self._unsynced: list[int] = []
        """File descriptors of full segments that wait for their fsync (then they are closed)."""
        numbers = segments(folder)
        self._number = numbers[-1] if numbers else 1
        self._fd = self._open(self._number)
        self._size = self._cut_torn_line()
        self._older_bytes = self._count_older()
        if self._size:
            self._roll()

    def __repr__(self) -> str:
        return f"<Outbox {self.end} {self.size_bytes} bytes, {self.dropped.total()} dropped>"

    @property
    def end(self) -> Position:
        """The position after the last record."""
        return Position(self._number, self._size)

    @property
    def size_bytes(self) -> int:
        """Bytes on disk at the last count (segments deleted since the last full one may still be in it)."""
        return self._older_bytes + self._size

    def append(self, records: Sequence[Record]) -> None:
        """Write records in order, in one system call. Returns when the kernel has them; never blocks on a database."""
        if not records:
            return
        room = self._max_bytes - self.size_bytes
        if self._untold or room < self._max_bytes * (1 - SOFT_SHARE):
            records = self._fitting(records)
        data = b"".join([encode(record) for record in records])
        if len(data) > self._max_bytes - self.size_bytes or not self._write(data):
            self._drop(records)
            return
        self.written += len(records)
        if self._size >= self._segment_bytes:
            self._roll()

    def sync(self) -> None:
        """Bring what was written to the disk itself. Blocks for the disk: call it from a thread, about once a second."""
        full, self._unsynced = self._unsynced, []
        for fd in full:
            os.fsync(fd)
            os.close(fd)
        fd = os.dup(self._fd)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def close(self) -> None:
        """Sync and let go of the files."""
        self.sync()
        os.close(self._fd)

    def _open(self, number: int) -> int:
        return os.open(segment_path(self.folder, number), os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def _cut_torn_line(self) -> int:
        """Cut the last segment after its last newline and return its size."""
        size = os.fstat(self._fd).st_size
        keep, step = size, 64 * 1024
        while keep > 0:
            start = max(0, keep - step)
            newline = os.pread(self._fd, keep - start, start).rfind(b"\n")
            if newline >= 0:
                keep = start + newline + 1
                break
            keep = start
        if keep < size:
            os.ftruncate(self._fd, keep)
        return keep

    def _count_older(self) -> int:
        return sum(_size_of(segment_path(self.folder, n)) for n in segments(self.folder) if n != self._number)

    def _fitting(self, records: Sequence[Record]) -> Sequence[Record]:
        """Near the limit: count anew what is on disk, then leave out what the ledger can do without."""
        self._older_bytes = self._count_older()
        if self._max_bytes - self.size_bytes < self._max_bytes * (1 - SOFT_SHARE):
            if self._older_bytes and self._size:
                self._roll()
            self._drop([record for record in records if not isinstance(record, ESSENTIAL)])
            return [record for record in records if isinstance(record, ESSENTIAL)]
        if self._untold:
            detail = ", ".join(f"{name} {count}" for name, count in sorted(self._untold.items()))
            self._untold.clear()
            return [Noted(records[0].at_ms, "outbox_dropped", detail), *records]
        return records

    def _drop(self, records: Sequence[Record]) -> None:
        names = [type(record).__name__ for record in records]
        self.dropped.update(names)
        self._untold.update(names)

    def _write(self, data: bytes) -> bool:
        """Write all of `data`, or cut the file back to where it was and return False."""
        try:
            done = os.write(self._fd, data)
            while done < len(data):
                done += os.write(self._fd, data[done:])
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._size)
            return False
        self._size += len(data)
        return True

    def _roll(self) -> None:
        """Begin a new segment; the full one is synced by the next `sync`. On failure the present one just grows."""
        try:
            fd = self._open(self._number + 1)
        except OSError:
            return
        self._unsynced.append(self._fd)
        self._fd, self._number, self._size = fd, self._number + 1, 0
        self._older_bytes = self._count_older()

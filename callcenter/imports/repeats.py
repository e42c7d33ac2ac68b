"""Which rows of a file name a call that stood in it before, found on disk: memory does not grow with the file.

Theory of operation: one pass over the file puts (64-bit hash of the call_id, line) into one of `PARTS` files by the
hash; all rows of one call are in the same part, in order. Each part is then small enough to be looked through in memory,
and the lines found are merged in order. Two different ids of one hash (once in a million files of ten million rows) would
only make a row take the way of a repeated one, where the database compares the ids themselves.
"""

import heapq
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path

PARTS = 256
FLUSH_ROWS = 1 << 18
_ITEM = 8
_READ_ITEMS = 4096


class Repeats:
    """Made of (call_id, line) in the file's order, in an empty folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts = [array("q") for _ in range(PARTS)]

    def add(self, rows: Iterable[tuple[int, str]]) -> None:
        """Add rows: (line, call_id), in order."""
        parts, unwritten = self._parts, 0
        for line, call_id in rows:
            key = hash(call_id)
            parts[key % PARTS].extend((key, line))
            unwritten += 1
            if unwritten == FLUSH_ROWS:
                self._flush()
                unwritten = 0
        self._flush()

    def lines(self) -> Iterator[int]:
        """Return the lines of all rows whose call stood before, rising. Call it once, behind the last `add`."""
        return heapq.merge(*(self._read(path) for number in range(PARTS) if (path := self._look_through(number))))

    def _flush(self) -> None:
        for number, part in enumerate(self._parts):
            if part:
                with (self._folder / str(number)).open("ab") as file:
                    part.tofile(file)
                del part[:]

    def _look_through(self, number: int) -> Path | None:
        """Write the repeated lines of one part to a file; None when there are none."""
        path = self._folder / str(number)
        if not path.exists():
            return None
        part = array("q")
        with path.open("rb") as file:
            part.fromfile(file, path.stat().st_size // _ITEM)
        path.unlink()
        keys = part[0::2]
        if len(set(keys)) == len(keys):
            return None
        seen: set[int] = set()
        found = array("q")
        for key, line in zip(keys, part[1::2], strict=True):
            if key in seen:
                found.append(line)
            seen.add(key)
        again = self._folder / f"{number}.again"
        with again.open("wb") as file:
            found.tofile(file)
        return again

    @staticmethod
    def _read(path: Path) -> Iterator[int]:
        with path.open("rb") as file:
            while data := file.read(_ITEM * _READ_ITEMS):
                yield from array("q", data)

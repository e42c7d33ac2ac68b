"""The reading end of the outbox: entries after a position, and deletion of what is stored.

Theory of operation: the reader looks only at whole lines, so it may read while the writer appends. A line that is no
record (a disk's damage, a later version's type) is an entry too, with its error: the ledger sets it aside, and nothing
behind it has to wait. A position in a segment that is gone moves on to the oldest one that is there.
"""

from dataclasses import dataclass
from pathlib import Path

from acd.records import Record
from callcenter.storage.codec import decode
from callcenter.storage.errors import BadRecord
from callcenter.storage.outbox import START, Position, name_outbox, outbox_identity, segment_path, segments


@dataclass(frozen=True, slots=True)
class Entry:
    """One record and where it lies."""

    start: Position
    end: Position
    """Where to go on after this one."""
    record: Record | BadRecord


class OutboxReader:
    """Reads one outbox folder; holds no state but the folder and its name, so there may be several."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.identity = outbox_identity(folder)

    def read(self, after: Position = START, limit: int = 200) -> list[Entry]:
        """Return up to `limit` entries after a position; empty when there is nothing new."""
        entries: list[Entry] = []
        for number in segments(self.folder):
            if number < after.segment:
                continue
            offset = after.offset if number == after.segment else 0
            self._read_segment(number, offset, limit, entries)
            if len(entries) >= limit:
                break
        return entries

    def bytes_after(self, position: Position) -> int:
        """Return how many bytes of records lie after a position."""
        total = 0
        for number in segments(self.folder):
            if number >= position.segment:
                size = self._size(number)
                total += size - min(size, position.offset) if number == position.segment else size
        return total

    def records_between(self, after: Position, before_segment: int) -> int:
        """Return how many records lie after a position, in segments older than that one. Reads the files."""
        total = 0
        for number in segments(self.folder):
            if after.segment <= number < before_segment:
                total += self._lines(number, after.offset if number == after.segment else 0)
        return total

    def end(self) -> Position:
        """Return where the outbox ends now."""
        numbers = segments(self.folder)
        return Position(numbers[-1], self._size(numbers[-1])) if numbers else START

    def rename(self, name: str) -> None:
        """Give the outbox another name: from now on it is another one for the ledger."""
        name_outbox(self.folder, name)
        self.identity = name

    def discard_before(self, position: Position) -> int:
        """Delete the segments that lie wholly before a stored position; return how many."""
        done = [number for number in segments(self.folder)[:-1] if number < position.segment]
        for number in done:
            segment_path(self.folder, number).unlink(missing_ok=True)
        return len(done)

    def _lines(self, number: int, offset: int) -> int:
        try:
            with segment_path(self.folder, number).open("rb") as file:
                file.seek(offset)
                return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
        except FileNotFoundError:
            return 0

    def _size(self, number: int) -> int:
        try:
            return segment_path(self.folder, number).stat().st_size
        except FileNotFoundError:
            return 0

    def _read_segment(self, number: int, offset: int, limit: int, entries: list[Entry]) -> None:
        try:
            file = segment_path(self.folder, number).open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(offset)
            while len(entries) < limit:
                line = file.readline()
                if not line.endswith(b"\n"):
                    return
                start, offset = Position(number, offset), offset + len(line)
                entries.append(Entry(start, Position(number, offset), _record_of(line)))


def _record_of(line: bytes) -> Record | BadRecord:
    try:
        return decode(line)
    except BadRecord as error:
        return error

"""A file of calls into the ledger: in chunks, each whole or not at all, while the next one is being read.

Theory of operation: a worker thread reads a chunk while the database stores the one before, so both are busy and never more
than three chunks are in memory. It begins when the database has all of the one before: to give and to read at once are
both Python's work, and hold each other up. Calls that the ledger does not have are stored. When some of a chunk were there, they
came with an earlier import or stood in this file before, and the file is looked through once for the latter (`repeats`): the
first row of a call counts. What comes again is compared with what the ledger then holds: the same is no news, other content
is a bad row, for nobody knows which is right. So the order of chunks, a crash and a second run make no difference.
"""

import asyncio
import contextlib
import tempfile
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from callcenter.imports.bad_rows import BadRows
from callcenter.imports.csv_file import CsvFile
from callcenter.imports.errors import BadRow, FileRefused
from callcenter.imports.former_call import RowReader
from callcenter.imports.repeats import Repeats
from callcenter.imports.roll_up import RollUp
from callcenter.storage.database import IMMEDIATE, reaching
from callcenter.storage.imported_calls import ImportedCall, ImportedCalls

CHUNK = 20_000
"""Rows stored in one transaction."""
CHUNK_S = 300.0
"""Longest that one chunk may take in the database."""
PAUSE_SHARE = 0.02
"""Of a chunk's time on SQLite, left to a running service that waits for the write lock."""
CUT = "; the file ends inside this line: was it cut?"
TWICE = "this call_id stands in the file before with other content"

Bad = tuple[int, list[str], str]


class Progress(Protocol):
    """Is told how far an import is."""

    def stored(self, byte: int, of: int) -> None:
        """What stands up to this byte of the file is dealt with."""
        ...

    def looked(self, byte: int, of: int) -> None:
        """The file was looked through for repeated calls up to this byte."""
        ...

    def rolling_up(self) -> None:
        """Every row is dealt with; the roll-ups are brought up to date."""
        ...


@dataclass(slots=True)
class Result:
    """What became of a file's rows; the five counts add up to `rows`."""

    rows: int = 0
    new: int = 0
    unchanged: int = 0
    """They stood in the ledger with the same content."""
    corrected: int = 0
    repeated: int = 0
    """They stood in this file before, with the same content."""
    bad: int = 0
    first_ms: int | None = None
    """Arrival of the earliest call of those that are not bad; None: there is none."""
    last_ms: int | None = None

    def add(self, other: "Result") -> None:
        """Add the counts of more rows; bad ones are counted where they are written."""
        for name in ("rows", "new", "unchanged", "corrected", "repeated"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        known = [ms for ms in (self.first_ms, self.last_ms, other.first_ms, other.last_ms) if ms is not None]
        if known:
            self.first_ms, self.last_ms = min(known), max(known)


@dataclass(slots=True)
class _Chunk:
    """Some rows of the file."""

    calls: list[ImportedCall] = field(default_factory=list)
    fields: list[list[str]] = field(default_factory=list)
    """Of each call, the row as it stood."""
    bad: list[Bad] = field(default_factory=list)
    byte: int = 0
    """How far the file was read."""

    def __len__(self) -> int:
        return len(self.calls) + len(self.bad)

    def row(self, line: int) -> list[str]:
        """Return the row of a call as it stood."""
        return self.fields[bisect_left(self.calls, line, key=lambda call: call.row_line)]


class Load:
    """One import of one file under one source."""

    def __init__(
        self, engine: AsyncEngine, file: CsvFile, reader: RowReader, bad: BadRows, progress: Progress, source: str
    ) -> None:
        self.result = Result()
        """What is stored for good so far."""
        self._engine = engine
        self._file = file
        self._reader = reader
        self._bad = bad
        self._progress = progress
        self._source = source
        self._again: _Again | None = None
        """None: as long as no call was there before, nobody needs to know."""
        self._roll_up = RollUp(engine)
        self._is_stopping = False

    async def run(self) -> Result:
        """Load the file. Raises FileRefused, LedgerAway, OSError; then `result` says what is stored, and a second run goes on."""
        with tempfile.TemporaryDirectory(prefix="callcenter-import-") as folder:
            async with self._engine.connect() as plain:
                connection = await plain.execution_options(**IMMEDIATE)
                calls = ImportedCalls(connection, self._source, time.time_ns() // 1_000_000)
                async with reaching(CHUNK_S), connection.begin():
                    await calls.prepare()
                    if await calls.is_name_of_a_pbx():
                        raise FileRefused(
                            f"the ledger has calls of a PBX named {self._source!r}: choose another --source"
                        )
                await self._store(calls, connection, Path(folder))
        self._progress.rolling_up()
        await self._roll_up.finish()
        return self.result

    async def _store(self, calls: ImportedCalls, connection: AsyncConnection, folder: Path) -> None:
        chunks = self._chunks()
        coming: asyncio.Task[_Chunk | None]

        def read_on() -> None:
            nonlocal coming
            coming = asyncio.create_task(asyncio.to_thread(next, chunks, None))

        read_on()
        try:
            while chunk := await coming:
                began = time.monotonic()
                result, refused = await self._take(calls, connection, chunk, folder, read_on)
                result.first_ms, result.last_ms = _days(chunk, refused)
                await asyncio.to_thread(self._settle, result, [*chunk.bad, *refused])
                self._progress.stored(chunk.byte, self._file.size)
                if chunk.calls:
                    self._roll_up.stored(min(call.arrived_ms for call in chunk.calls))
                if self._engine.dialect.name == "sqlite":
                    await asyncio.sleep((time.monotonic() - began) * PAUSE_SHARE)
        finally:
            self._is_stopping = True
            await asyncio.gather(coming, self._roll_up.stop(), return_exceptions=True)

    async def _take(
        self,
        calls: ImportedCalls,
        connection: AsyncConnection,
        chunk: _Chunk,
        folder: Path,
        read_on: Callable[[], None],
    ) -> tuple[Result, list[Bad]]:
        """Store a chunk; return the counts, and rows that say otherwise than rows before them. `read_on` is called once the
        database has all of the chunk and goes on by itself."""
        async with reaching(CHUNK_S), connection.begin():
            await calls.take(chunk.calls)
            read_on()
            new = await calls.add()
            if new == len(chunk.calls):
                return Result(len(chunk), new), []
            if self._again is not None:
                return await self._compare(calls, chunk, new, self._again)
        again = self._again = await asyncio.to_thread(self._look, folder)  # nobody waits for a lock meanwhile
        async with reaching(CHUNK_S), connection.begin():
            await calls.take(chunk.calls)
            await calls.add()
            return await self._compare(calls, chunk, new, again)

    def _chunks(self) -> Iterator[_Chunk]:
        """Return the rows in chunks."""
        chunk = _Chunk()
        byte = 0

        def read_to(at: int) -> None:
            nonlocal byte
            byte = at

        read, calls, rows = self._reader.read, chunk.calls, chunk.fields
        for line, fields, fault in self._file.rows(read_to):
            if len(calls) + len(chunk.bad) >= CHUNK:
                chunk.byte = byte
                yield chunk
                chunk = _Chunk()
                calls, rows = chunk.calls, chunk.fields
            try:
                if fault:
                    raise BadRow(fault)
                calls.append(read(line, fields))
                rows.append(fields)
            except BadRow as error:
                chunk.bad.append((line, fields, str(error)))
        if len(chunk):
            if not self._file.is_ended and chunk.bad and chunk.bad[-1][0] == line:
                chunk.bad[-1] = (line, fields, f"{chunk.bad[-1][2]}{CUT}")
            chunk.byte = byte
            yield chunk

    def _look(self, folder: Path) -> "_Again":
        """Look through the file for calls that stand in it more than once."""

        def looked(byte: int) -> None:
            if self._is_stopping:
                raise InterruptedError
            self._progress.looked(byte, self._file.size)

        repeats = Repeats(folder)
        repeats.add(self._good_ids(looked))
        return _Again(repeats.lines())

    def _good_ids(self, looked: Callable[[int], object]) -> Iterator[tuple[int, str]]:
        """Return (line, call_id) of the rows that can be loaded: a bad one is not the first of its call."""
        read = self._reader.another().read
        for line, fields, fault in self._file.rows(looked):
            if not fault:
                with contextlib.suppress(BadRow):
                    call = read(line, fields)
                    yield call.row_line, call.uniqueid

    async def _compare(
        self, calls: ImportedCalls, chunk: _Chunk, new: int, lines_again: "_Again"
    ) -> tuple[Result, list[Bad]]:
        """Compare the calls that were there before."""
        again = lines_again.until(chunk.calls[-1].row_line).intersection(call.row_line for call in chunk.calls)
        corrected, refused = await calls.correct(again)
        same = len(chunk.calls) - new - corrected - len(refused)
        repeated = min(len(again.difference(line for line, _ in refused)), same)
        result = Result(len(chunk), new, same - repeated, corrected, repeated)
        return result, [(line, chunk.row(line), f"{TWICE}: {what}") for line, what in refused]

    def _settle(self, result: Result, bad: Sequence[Bad]) -> None:
        """Add up what is stored for good, and write the bad rows."""
        self._bad.add(sorted(bad))
        self.result.add(result)
        self.result.bad = self._bad.count


def _days(chunk: _Chunk, refused: Sequence[Bad]) -> tuple[int | None, int | None]:
    """Return when the first and the last call of a chunk arrived; rows that were refused do not count."""
    not_these = {line for line, _, _ in refused}
    arrived = [call.arrived_ms for call in chunk.calls if call.row_line not in not_these]
    return (min(arrived), max(arrived)) if arrived else (None, None)


class _Again:
    """Lines of calls that stood in the file before, taken chunk by chunk."""

    def __init__(self, lines: Iterator[int]) -> None:
        self._lines = lines
        self._next = next(lines, None)

    def until(self, line: int) -> set[int]:
        """Return those up to a line that were not returned yet."""
        found = set()
        while self._next is not None and self._next <= line:
            found.add(self._next)
            self._next = next(self._lines, None)
        return found

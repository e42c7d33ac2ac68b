"""The projector: takes records from the outbox to the ledger, in its own time, off the routing path.

Theory of operation: one task reads a small batch after the stored position, applies it in one transaction, deletes
segments that are wholly stored, and goes on; when there is nothing it waits `every_s`. While the database is away it
tries again once at once, then backs off (doubling up to `BACKOFF_MAX_S`); records wait in the outbox, nothing else
does. Reading and decoding run in a thread and batches are small, so the loop that routes calls is never held for
more than a few milliseconds.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from callcenter.storage.errors import LedgerAway
from callcenter.storage.ledger import Ledger
from callcenter.storage.outbox import START, Position, fresh_name
from callcenter.storage.outbox_reader import Entry, OutboxReader
from callcenter.storage.put_back import begin_anew, end_before, keep_end, mark_lost, reached

EVERY_S = 0.2
BATCH = 100
BACKOFF_MIN_S = 0.5
BACKOFF_MAX_S = 10.0

Sleep = Callable[[float], Awaitable[object]]


class Projector:
    """One outbox's way into the ledger. Start `run` as a task; the attributes say how it is doing."""

    def __init__(
        self,
        outbox_folder: Path,
        ledger: Ledger,
        *,
        every_s: float = EVERY_S,
        batch: int = BATCH,
        sleep: Sleep = asyncio.sleep,
        between: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """between: awaited after each batch, while no transaction runs; may raise LedgerAway."""
        self.reader = OutboxReader(outbox_folder)
        self.ledger = ledger
        self.applied = 0
        """Records applied since the start."""
        self.found: int | None = None
        """Records of earlier processes that were not stored at the start (the writer begins a segment of its own). None:
        not counted yet; until the database says how far it has come, all that lie on disk."""
        self.away: str | None = None
        """Why the database cannot be reached; None while it can."""
        self.newest_ms: int | None = None
        """Instant (PBX clock) of the newest record applied; with the present one it gives the lag. None: none yet."""
        self.has_begun = asyncio.Event()
        """Set as soon as the ledger has said how far it has come."""
        self._position: Position | None = None
        self._found_before = self.reader.end().segment
        self._end_before = end_before(self.reader)
        keep_end(self.reader, self._end_before)
        self._every_s = every_s
        self._batch = batch
        self._sleep = sleep
        self._between = between
        self._is_stopping = False

    def __repr__(self) -> str:
        return f"<Projector at {self._position}, {self.depth_bytes()} bytes behind, away: {self.away}>"

    @property
    def position(self) -> Position:
        """How far the ledger has come, as far as this process knows."""
        return self._position or START

    def depth_bytes(self) -> int:
        """Bytes of records that wait for the database (a few file-system look-ups)."""
        return self.reader.bytes_after(self.position)

    def records_behind(self, written: int) -> int:
        """How many records wait for the database, if this process wrote so many since its start."""
        return max(written + (self.found or 0) - self.applied, 0)

    def stop(self) -> None:
        """Let `run` end after the batch under way: one that is cancelled inside its transaction leaves the database locked."""
        self._is_stopping = True

    async def run(self) -> None:
        """Go on until `stop` (or cancelled). Never ends by an error of the database."""
        backoff_s = 0.0
        while not self._is_stopping:
            try:
                count = await self.step()
                if self._between is not None:
                    await self._between()
            except LedgerAway as error:
                self.away = str(error)
                await self._sleep(backoff_s)
                backoff_s = min(max(backoff_s * 2, BACKOFF_MIN_S), BACKOFF_MAX_S)
                continue
            backoff_s = 0.0
            if count < self._batch:
                await self._sleep(self._every_s)

    async def step(self) -> int:
        """Apply one batch; return how many records it had. Raises LedgerAway, and then nothing has happened."""
        if self._position is None:
            self._position = await self._begin()
        entries = await asyncio.to_thread(self.reader.read, self._position, self._batch)
        if entries:
            before, self._position = self._position, await self.ledger.apply(self.reader.identity, entries)
            self._note_newest(entries)
            if self._position.segment > before.segment:
                await asyncio.to_thread(self.reader.discard_before, self._position)
        elif self.away is not None:
            await self.ledger.position(self.reader.identity)
        self.away = None
        self.applied += len(entries)
        return len(entries)

    async def _begin(self) -> Position:
        if self.found is None:
            self.found = await asyncio.to_thread(self.reader.records_between, START, self._found_before)
        position = await self._fitting(await self.ledger.position(self.reader.identity))
        self.found = await asyncio.to_thread(self.reader.records_between, position, self._found_before)
        return position

    async def _fitting(self, position: Position) -> Position:
        """Return from where on to read, if the ledger or the outbox was put back from a backup (`put_back`), too."""
        if position > self._end_before:
            name = fresh_name()
            await self.ledger.begin_at(name, self._end_before)
            await asyncio.to_thread(begin_anew, self.reader, name, self._end_before)
            position = self._end_before
        else:
            await asyncio.to_thread(mark_lost, self.reader, position)
        await asyncio.to_thread(reached, self.reader)
        self.has_begun.set()
        return position

    async def drain(self, within_s: float = 10.0) -> bool:
        """Apply all that is there, at the end of a run; return whether everything is stored."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while True:
                    try:
                        if not await self.step():
                            return True
                    except LedgerAway as error:
                        self.away = str(error)
                        await asyncio.sleep(self._every_s)
        return False

    def _note_newest(self, entries: list[Entry]) -> None:
        instants = [at_ms for entry in entries if (at_ms := getattr(entry.record, "at_ms", None)) is not None]
        self.newest_ms = max(instants, default=self.newest_ms)

"""Looks at each sound file once the PBX has closed it, and puts on record what is there.

Theory of operation: the keeper hears the records that the ledger is made of. A `RecordingClosed` goes into its queue; its one
task looks at the files in a worker thread, one after the other, and tells `RecordingJudged`. Nothing waits for it, and an
error costs one file its verdict. What a dead service left behind is found in the ledger, once, after the first snapshot:
files still open whose call has no channel any more are closed, files closed but never looked at are looked at.

A file that is there but clearly shorter than the talk (the disk became full in between) is kept, and noted (`recording_short`).
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from acd.names import CallId, RecordingStatus
from acd.records import Noted, Record, RecordingClosed, RecordingJudged
from callcenter.said_time import SaidTime
from callcenter.sound_file import VOICEMAIL, Look, look_at
from callcenter.storage.errors import LedgerAway
from callcenter.storage.outbox import Position
from callcenter.storage.projector import Projector

log = logging.getLogger(__name__)

LOOK_S = 0.25
SHORT = "recording_short"
SHORT_SHARE, SHORT_MS = 0.9, 1000
"""A file is short when it lacks more than a tenth of what was said, and a second."""
Tell = Callable[[Sequence[Record]], None]


class RecordingKeeper:
    """Judges sound files. `observe` is called by the driver, `run` is a task of the service."""

    def __init__(self, folder: Path | None, tell: Tell, now_ms: Callable[[], int]) -> None:
        """folder: Asterisk's monitor folder as this process sees it; None: it does not."""
        self._folder = folder
        self._tell = tell
        self._now_ms = now_ms
        self._queue: asyncio.Queue[tuple[CallId, str, int | None, int]] = asyncio.Queue()
        """Call, path, size as told, and how much of it should be written, milliseconds."""
        self._said = SaidTime()
        self._has_settled = False

    def observe(self, records: Iterable[Record]) -> None:
        """Note the files that were closed."""
        for record in records:
            if isinstance(record, RecordingClosed):
                said_ms = 0 if record.path.startswith(VOICEMAIL) else self._said.until(record.call, record.at_ms)
                self._queue.put_nowait((record.call, record.path, record.size, said_ms))
            self._said.observe([record])

    async def run(self) -> None:
        """Look at files as they are closed, until cancelled."""
        while True:
            call, path, size, said_ms = await self._queue.get()
            try:
                look = await asyncio.to_thread(look_at, self._folder, path, size)
                self._judged(call, path, look, said_ms)
            except Exception:
                log.exception("the recording %s of %s was not looked at", path, call)

    async def settle(self, pbx: str, living: Collection[str], projector: Projector, until: Position) -> None:
        """Take up what an earlier process left behind on this PBX, once the ledger has come as far as `until`. Only the
        first call does anything."""
        if self._has_settled:
            return
        self._has_settled = True
        while True:
            await asyncio.sleep(LOOK_S)
            if projector.away is not None or (projector.position < until and projector.depth_bytes()):
                continue
            try:
                rows = await projector.ledger.unjudged_recordings(pbx)
            except LedgerAway:
                continue
            break
        left = [row for row in rows if row["uniqueid"] not in living]
        for row in left:
            call = CallId(pbx, row["uniqueid"])
            if row["closed_ms"] is None:
                self._tell([RecordingClosed(call, self._now_ms(), row["path"], None)])
            else:
                self._queue.put_nowait((call, row["path"], row["size"], 0))
        if left:
            log.info("%s: %d recordings of an earlier process are looked at now", pbx, len(left))

    def _judged(self, call: CallId, path: str, look: Look, said_ms: int) -> None:
        if look.status is RecordingStatus.NOT_RECORDED:
            log.error("call %s is not recorded: %s is missing or empty (disk full? folder?)", call, path)
        at_ms, length_ms = self._now_ms(), look.length_ms
        self._tell([RecordingJudged(call, at_ms, path, look.status, look.size, length_ms, look.sha256)])
        if look.status is RecordingStatus.KEPT and length_ms is not None:
            if length_ms < min(said_ms * SHORT_SHARE, said_ms - SHORT_MS):
                log.error("call %s: %s holds %d ms of %d ms (disk full?)", call, path, length_ms, said_ms)
                self._tell([Noted(at_ms, SHORT, f"{length_ms} of {said_ms} ms", call)])

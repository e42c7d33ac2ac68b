"""`callcenter reconcile` tells the ledger what CEL has of times in which nobody watched and that no service told.

Theory of operation: a running service tells its own gaps after each snapshot (`look_back`), for seven days. Here are the others:
gaps on record that were never read (CEL was away then, came late, or was restored from a backup), and the *open* gap of a
service that has not come back: from the last instant that its state folder knows until CEL's newest row. Rows that are later
than now (a clock that was wrong, a damaged file) are left out and counted: nobody can have failed to watch what is still to come.

Whose the ledger is: what waits in the outbox of a service that has ended is stored first, at its own positions, as its projector would
do it. Then each gap is one transaction under a name of our own (`storage.tell_at_once`), which reads what the ledger knows and
adds what is missing, under the lock of all who write records. A service that looks at the same gap meanwhile, or starts later,
tells the same facts of the same calls, and the ledger takes a fact once: whoever comes second changes nothing. Calls that
live on are the service's (`missed`).

A gap counts as read only if CEL has rows of before its beginning and of after its end, so that none can be missing between. What
CEL has is told in any case; a gap that is not read yet is tried by the next run again.
"""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.names import CallId
from acd.plan import Plan
from acd.records import GapTold, Noted, Record
from callcenter.rebuild.gaps import SOURCE, Gap, Person
from callcenter.rebuild.look_back import REBUILT
from callcenter.rebuild.missed import Missed, missed, reading_from, still_unknown
from callcenter.rebuild.source import CelText, read_since
from callcenter.rebuild.tell import Stories
from callcenter.rebuild.watched import is_watched_after, watched_last
from callcenter.reconcile.ledger_side import LedgerSide
from callcenter.storage.database import open_engine, reaching
from callcenter.storage.errors import LedgerAway
from callcenter.storage.gaps import whole_gaps
from callcenter.storage.ledger import Ledger
from callcenter.storage.migrate import make_ready
from callcenter.storage.outbox import segments
from callcenter.storage.outbox_reader import OutboxReader
from callcenter.storage.put_back import end_before, mark_lost
from callcenter.storage.state_dir import is_held
from callcenter.storage.tell_at_once import WITHIN_S, tell_at_once
from callcenter.witness.seek import AHEAD_MS
from metrics.completeness import Gap as KnownGap

MAX_ROWS = 2_000_000
"""Most rows of CEL that are held for one gap, the newest: some 100,000 calls, a gigabyte."""
NO_PLAN = "they are not rebuilt, for without the plan nobody knows the lines (CALLCENTER_PLAN)"
BATCH = 500
"""Records of a dead service's outbox that are stored at once."""

T = TypeVar("T")


class LedgerNotWritable(LedgerAway):
    """The ledger can be read and not written."""


@dataclass(frozen=True, slots=True)
class Where:
    """What there is to go by."""

    database: str
    """SQLAlchemy URL of the ledger."""
    cel: str
    """Path or URL."""
    folder: Path
    """State folder of the service; one that is not there tells of no open gap."""
    plan: Plan | None
    """None: there is none, so nobody knows the lines, and no gap is told."""


@dataclass(frozen=True, slots=True)
class Told:
    """One gap, and what became of it."""

    gap: Gap
    is_open: bool
    """The service has not come back: its end is CEL's newest row."""
    calls: int
    """Calls that were told just now, whole or in part."""
    is_read: bool
    """The ledger has everything that CEL has, and CEL has all of its time."""
    unknown: tuple[tuple[CallId, str], ...]
    """Calls that ended in it and whose outcome stays unknown, each with the reason."""
    why: str = ""
    """Why it is not read; empty where it is."""


@dataclass(slots=True)
class Caught:
    """What came out of a period."""

    gaps: list[Told] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What else an operator should know."""


async def catch_up(where: Where, from_ms: int, to_ms: int, *, is_trial: bool = False, again: bool = False) -> Caught:
    """Tell the gaps that lie in [from, to) at least in part, each whole. `is_trial`: only say what would be told. `again`: also those
    that were read before. Raises CelAway, LedgerAway (LedgerNotWritable), StorageError; what was told before that stays."""
    engine = open_engine(where.database, command_s=WITHIN_S)
    try:
        await make_ready(engine)
        if where.plan is None:
            unread = [gap for gap in await _gaps(engine, from_ms, to_ms) if not gap.is_read]
            return Caught(notes=[f"{len(unread)} gaps that were not read: {NO_PLAN}"] if unread else [])
        return await _CatchUp(where, engine, where.plan, is_trial).run(from_ms, to_ms, again)
    finally:
        await engine.dispose()


@dataclass(slots=True)
class _CatchUp:
    where: Where
    engine: AsyncEngine
    plan: Plan
    is_trial: bool
    caught: Caught = field(default_factory=Caught)
    later: int = 0
    """Most rows that were later than now in what was read of CEL for one gap."""

    async def run(self, from_ms: int, to_ms: int, again: bool) -> Caught:
        since = await self._unwatched_since(to_ms)
        for one in await _gaps(self.engine, from_ms, to_ms):
            is_piece = since.get(one.pbx, one.to_ms) <= one.from_ms
            if not is_piece and (again or not one.is_read):
                await self._closed(one)
        for pbx, watched_ms in since.items():
            await self._open(pbx, watched_ms, from_ms)
        if self.later:
            self.caught.notes.append(
                f"{self.later} rows of CEL are later than now: nothing is rebuilt from them, and no gap ends there"
            )
        return self.caught

    async def _unwatched_since(self, to_ms: int) -> dict[str, int]:
        """PBX -> the last instant before `to_ms` at which the service of our state folder watched it, if it has ended since."""
        folder = self.where.folder
        if await asyncio.to_thread(is_held, folder):
            return {}
        since = await asyncio.to_thread(watched_last, folder, to_ms)
        if since:
            await self._store_outbox(folder / "outbox")
        for pbx, at_ms in [*since.items()]:
            if await is_watched_after(self.engine, pbx, at_ms):
                del since[pbx]
                self.caught.notes.append(f"{pbx}: the service of {folder} has ended, but another one watches since")
        return since

    async def _store_outbox(self, folder: Path) -> None:
        """Bring what a service that has ended left in its outbox into the ledger: whatever is told of a call comes after it."""
        if not (folder / "identity").exists() or not await asyncio.to_thread(segments, folder):
            return
        reader, ledger = OutboxReader(folder), Ledger(self.engine, reach_s=WITHIN_S)
        position = await ledger.position(reader.identity)
        if position > await asyncio.to_thread(end_before, reader):
            self.caught.notes.append(
                f"{folder} is older than the ledger (put back?): the service tells what is new in it when it starts"
            )
            return
        if self.is_trial:
            if await asyncio.to_thread(reader.bytes_after, position):
                self.caught.notes.append("the service's last records wait in its outbox: they are stored first")
            return
        await asyncio.to_thread(mark_lost, reader, position)  # for the service to tell: stored records hide it
        while entries := await asyncio.to_thread(reader.read, position, BATCH):
            position = await _writing(ledger.apply(reader.identity, entries))

    async def _closed(self, known: KnownGap) -> None:
        gap = await self._peopled(Gap(known.pbx, known.from_ms, known.to_ms, known.has_restarted))
        text = await self._text(gap, gap.to_ms)
        why = _why_not_read(gap, text) or _why_not_over(gap, text)
        await self._tell(gap, text, why, is_open=False, is_known=known.is_read or bool(why))

    async def _open(self, pbx: str, watched_ms: int, from_ms: int) -> None:
        gap = Gap(pbx, watched_ms, watched_ms)
        text = await self._text(gap, None)
        if text.ends_ms is None or text.ends_ms <= max(watched_ms, from_ms):
            return
        gap = await self._peopled(replace(gap, to_ms=text.ends_ms))
        why = _why_not_read(gap, text)
        rows = await _gaps(self.engine, watched_ms, gap.to_ms)
        same = [one for one in rows if (one.pbx, one.from_ms, one.to_ms) == (pbx, watched_ms, gap.to_ms)]
        is_known = bool(same) and (same[0].is_read or bool(why))
        await self._tell(gap, text, why, is_open=True, is_known=is_known)

    async def _peopled(self, gap: Gap) -> Gap:
        """With who was to be reached where: nobody logs in or out while nobody listens."""
        people = {one.number: Person(one.number, "specialist") for one in self.plan.specialists}
        for seat in sorted(await LedgerSide(self.engine).seats(gap.from_ms, gap.to_ms), key=lambda seat: seat.from_ms):
            if seat.until_ms is None or seat.until_ms > gap.watched_ms:
                people[seat.device] = Person(seat.agent, "seat")
        return replace(gap, people=people)

    async def _text(self, gap: Gap, until_ms: int | None) -> CelText:
        begin_ms = reading_from(gap, await self._known(gap))

        def read() -> CelText:
            latest_ms = time.time_ns() // 1_000_000 + AHEAD_MS
            return read_since(self.where.cel, begin_ms, until_ms=until_ms, latest_ms=latest_ms, max_rows=MAX_ROWS)

        text = await asyncio.to_thread(read)
        self.later = max(self.later, text.later)
        return text

    async def _known(self, gap: Gap) -> Stories:
        return await Ledger(self.engine, reach_s=WITHIN_S).lived_in(gap.pbx, gap.from_ms, gap.to_ms)

    async def _tell(self, gap: Gap, text: CelText, why: str, *, is_open: bool, is_known: bool) -> None:
        """Tell one gap. `is_known`: its row needs no change."""
        found: list[Missed] = []

        def missing(known: Stories) -> Sequence[Record]:
            found.append(missed(gap, text, known, self.plan))
            return _records(found[-1], why, is_open=is_open, is_known=is_known)

        if self.is_trial:
            known = await self._known(gap)
            missing(known)
            known = {**known, **found[-1].after}
        else:
            lived = (gap.pbx, gap.from_ms, gap.to_ms)
            await _writing(tell_at_once(self.engine, SOURCE, lived, missing))
            known = await self._known(gap)
        unknown = still_unknown(gap, known, found[-1].missing)
        self.caught.gaps.append(Told(found[-1].gap, is_open, found[-1].calls, not why, tuple(unknown), why))


async def _gaps(engine: AsyncEngine, from_ms: int, to_ms: int) -> list[KnownGap]:
    async with reaching(), engine.connect() as connection:
        return await whole_gaps(connection, from_ms, to_ms)


def _records(found: Missed, why: str, *, is_open: bool, is_known: bool) -> list[Record]:
    """What is to be told. With the piece of an open gap that is written down goes a note, by which it is known as ours."""
    gap, records = found.gap, list(found.records)
    if records or (is_open and not is_known):
        records.append(Noted(gap.to_ms, REBUILT, f"{found.calls} calls from CEL, by callcenter reconcile"))
    if not is_known:
        records.append(GapTold(gap.pbx, gap.watched_ms, gap.to_ms, gap.has_restarted, is_read=not why))
    return records


def _why_not_read(gap: Gap, text: CelText) -> str:
    """Why rows of the gap's beginning may be missing; empty: none can."""
    if text.begins_ms is None:
        return "CEL has no row"
    if text.begins_ms > gap.watched_ms:
        limit = f", or has more than {MAX_ROWS} rows of it" if len(text.rows) > MAX_ROWS // 4 else ""
        return f"CEL begins later than it{limit}: what was before is not known (older files, put back beside CEL, are read)"
    return ""


def _why_not_over(gap: Gap, text: CelText) -> str:
    """Why rows of the gap's end may be missing; empty: none can."""
    if text.ends_ms is not None and text.ends_ms >= gap.to_ms:
        return ""
    cut = "is cut off in the middle of a line" if text.is_torn else "has no row"
    return f"CEL {cut} before its end: dial *10 (it writes a row), or restore the rest of CEL, and run this again"


async def _writing(work: Awaitable[T]) -> T:
    """Wait for something that writes: the ledger answered before, so what goes wrong here is about writing."""
    try:
        return await work
    except LedgerAway as error:
        raise LedgerNotWritable(str(error)) from error
    except SQLAlchemyError as error:
        raise LedgerNotWritable(f"{type(error).__name__}: {str(error).splitlines()[0]}") from error

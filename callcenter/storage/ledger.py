"""The ledger: every call with all its milestones and one outcome, applied from the outbox exactly once.

Theory of operation: `apply` takes entries of one outbox in order and runs ONE transaction: read the outbox's position,
skip what lies before it, read the stories of the calls concerned, fold the records in (`call_fold`, `call_settle`),
write what changed, write the new position. A crash before the commit leaves both as they were, so a record has its
effect exactly once; and since the fold sets facts and never adds up, even a record that comes again under another
outbox's name changes nothing.

A batch that the database refuses for its content (or that we cannot fold) is applied again entry by entry; the entry
that is to blame goes to `quarantine` as it stood, with the error, and the ledger goes on. When the database cannot be reached, `LedgerAway` is
raised and nothing has happened.

Of `Ignored` records only those of a call are kept (they belong to its story); the others are counted by the gauges.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from acd.names import CallId
from acd.records import GapTold, Ignored, Noted, PresenceChanged, Record, SupervisorActed
from callcenter.storage.call_fold import CallRecord, CallStory, Row
from callcenter.storage.call_settle import settle
from callcenter.storage.codec import encode
from callcenter.storage.database import IMMEDIATE, REACH_S, reaching
from callcenter.storage.errors import BadRecord, LedgerAway
from callcenter.storage.gaps import write_gaps
from callcenter.storage.ledger_rows import CHILDREN, delete, insert_new, storable_call, stories, upsert
from callcenter.storage.outbox import START, Position
from callcenter.storage.outbox_reader import Entry
from callcenter.storage.tables import calls, notes, offers, positions, presence_history, quarantine
from callcenter.storage.tables_after import gaps, interventions, recordings
from metrics.lengths import DAY_MS

LONGEST_MS = DAY_MS
"""No call lasts longer, to our mind, where calls of a time are looked for."""
APPLY_LOCK = 12346
"""Number of the advisory lock under which records are applied on PostgreSQL."""


class Ledger:
    """Writes and reads the ledger. Every method may raise LedgerAway; the caller decides when to try again."""

    def __init__(self, engine: AsyncEngine, *, reach_s: float = REACH_S) -> None:
        self.engine = engine
        self.quarantined = 0
        """Entries set aside since the start."""
        self.on_calls: Callable[[Sequence[tuple[Row | None, Row]]], None] = lambda changes: None
        """Told the rows of calls that a committed transaction changed, as they were (None: not there) and as they are."""
        self.on_doubt: Callable[[], None] = lambda: None
        """Told when nobody saw how a transaction ended: rows may have changed that `on_calls` was never told."""
        self._reach_s = reach_s
        self._late: asyncio.Task[Position] | None = None
        """A transaction of SQLite that was not over in time and goes on; None: none does."""

    # writing ------------------------------------------------------------------------------------------------------

    async def position(self, outbox: str) -> Position:
        """Return how far an outbox is applied; the start for one never seen."""
        async with reaching(self._reach_s), self.engine.connect() as connection:
            return await position_of(connection, outbox)

    async def begin_at(self, outbox: str, position: Position) -> None:
        """Take an outbox that was never seen for applied up to a position. Raises LedgerAway."""
        async with reaching(self._reach_s), self.engine.connect() as plain:
            connection = await plain.execution_options(**IMMEDIATE)
            async with connection.begin():
                await one_at_a_time(connection)
                await _store_position(connection, outbox, position)

    async def positions(self) -> dict[str, Position]:
        """Return how far each outbox is applied of which anything is."""
        query = select(positions.c.outbox, positions.c.segment, positions.c.position)
        async with reaching(self._reach_s), self.engine.connect() as connection:
            return {outbox: Position(segment, offset) for outbox, segment, offset in await connection.execute(query)}

    async def apply(self, outbox: str, entries: Sequence[Entry]) -> Position:
        """Apply entries of an outbox in order and return its new position; entries applied before are skipped."""
        if not entries:
            return await self.position(outbox)
        try:
            return await self._transact(outbox, entries)
        except LedgerAway:
            raise
        except Exception:
            for entry in entries:
                await self._apply_alone(outbox, entry)
        return entries[-1].end

    async def _apply_alone(self, outbox: str, entry: Entry) -> None:
        try:
            await self._transact(outbox, [entry])
        except LedgerAway:
            raise
        except Exception as error:
            line = entry.record.line if isinstance(entry.record, BadRecord) else encode(entry.record)
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            await self._transact(outbox, [Entry(entry.start, entry.end, BadRecord(line, reason))])

    async def _transact(self, outbox: str, entries: Sequence[Entry]) -> Position:
        try:
            return await self._in_time(outbox, entries)
        except LedgerAway:
            self.on_doubt()
            raise

    async def _in_time(self, outbox: str, entries: Sequence[Entry]) -> Position:
        """Run one transaction within the time limit. One of SQLite is never cancelled inside: that leaves the file locked by a
        connection which nobody uses any more. It goes on, and the next one waits for it."""
        if self.engine.dialect.name != "sqlite":
            async with reaching(self._reach_s):
                return await self._transaction(outbox, entries)
        async with reaching(self._reach_s):
            if self._late is not None:
                await asyncio.wait([self._late])  # which does not cancel it when the time is over
            self._late = asyncio.create_task(self._transaction(outbox, entries))
            return await asyncio.shield(self._late)

    async def _transaction(self, outbox: str, entries: Sequence[Entry]) -> Position:
        async with self.engine.connect() as plain:
            connection = await plain.execution_options(**IMMEDIATE)
            async with connection.begin():
                await one_at_a_time(connection)
                done = await position_of(connection, outbox)
                fresh = [entry for entry in entries if entry.start >= done]
                if not fresh:
                    return done
                batch = Batch(outbox)
                await batch.apply(connection, fresh)
                end = fresh[-1].end
                await _store_position(connection, outbox, end)
        self.quarantined += len(batch.quarantine)
        self.on_calls(batch.calls)
        return end

    # reading ------------------------------------------------------------------------------------------------------

    async def call(self, pbx: str, uniqueid: str) -> Row | None:
        """Return one call's row, None when there is none."""
        rows = await self._rows(select(calls).where(calls.c.pbx == pbx, calls.c.uniqueid == uniqueid))
        return rows[0] if rows else None

    async def calls(self, from_ms: int, to_ms: int) -> list[Row]:
        """Return the calls that arrived in [from, to), in order of arrival."""
        query = select(calls).where(calls.c.arrived_ms >= from_ms, calls.c.arrived_ms < to_ms)
        return await self._rows(query.order_by(calls.c.arrived_ms, calls.c.pbx, calls.c.uniqueid))

    async def open_calls(self, pbx: str) -> list[Row]:
        """Return a PBX's calls that have not ended, by arrival. After a restart, those without a channel ended unwatched:
        whoever closes them says agent_answered where `answered_ms` is set (the first answer decides), else no outcome."""
        query = select(calls).where(_of_pbx(pbx), calls.c.ended_ms.is_(None))
        return await self._rows(query.order_by(calls.c.arrived_ms))

    async def last_arrival(self, pbx: str, before_ms: int) -> int | None:
        """Return when a PBX's last call before an instant arrived, ms; None when there is none."""
        query = select(func.max(calls.c.arrived_ms).label("ms")).where(_of_pbx(pbx), calls.c.arrived_ms < before_ms)
        at_ms: int | None = (await self._rows(query))[0]["ms"]
        return at_ms

    async def lived_in(self, pbx: str, from_ms: int, to_ms: int) -> dict[CallId, CallStory]:
        """Return whole calls of a PBX that lived in [from, to], or are open: those who arrived within a day before it, or in it."""
        async with reaching(self._reach_s), self.engine.connect() as connection:
            return await lived_in(connection, pbx, from_ms, to_ms)

    async def read_gaps(self) -> dict[str, list[int]]:
        """Return the ends of all gaps that were read, ms, by PBX."""
        found: dict[str, list[int]] = {}
        for row in await self._rows(select(gaps.c.pbx, gaps.c.to_ms).where(gaps.c.is_read)):
            found.setdefault(row["pbx"], []).append(row["to_ms"])
        return found

    async def unjudged_recordings(self, pbx: str) -> list[Row]:
        """Return a PBX's sound files at which nobody has looked yet, the oldest first."""
        query = select(recordings).where(recordings.c.pbx == pbx, recordings.c.status.is_(None))
        return await self._rows(query.order_by(recordings.c.opened_ms, recordings.c.path))

    async def offers(self, call: CallId) -> list[Row]:
        """Return a call's offers in order."""
        query = select(offers).where(offers.c.pbx == call.pbx, offers.c.uniqueid == call.uniqueid)
        return await self._rows(query.order_by(offers.c.seq, offers.c.made_ms))

    async def children(self, table: str, call: CallId) -> list[Row]:
        """Return a call's rows of `placements`, `offers`, `talks` or `hand_overs`."""
        child = CHILDREN[table]
        query = select(child).where(child.c.pbx == call.pbx, child.c.uniqueid == call.uniqueid)
        return await self._rows(query.order_by(*child.primary_key.columns))

    async def presence(self, agent: str) -> list[Row]:
        """Return an agent's changes of state, in order."""
        history = presence_history
        query = select(history).where(history.c.agent == agent)
        return await self._rows(query.order_by(history.c.at_ms, history.c.segment, history.c.position))

    async def notes(self) -> list[Row]:
        """Return all notes in order."""
        return await self._rows(select(notes).order_by(notes.c.at_ms, notes.c.segment, notes.c.position, notes.c.item))

    async def interventions(self) -> list[Row]:
        """Return what supervisors did, in order."""
        done = interventions
        return await self._rows(select(done).order_by(done.c.at_ms, done.c.segment, done.c.position))

    async def quarantine(self) -> list[Row]:
        """Return what was set aside."""
        return await self._rows(select(quarantine).order_by(quarantine.c.segment, quarantine.c.position))

    async def offer_results(self, from_ms: int, to_ms: int) -> dict[str | None, int]:
        """Count offers made in [from, to) by result (None: still open)."""
        query = select(offers.c.result, func.count()).where(offers.c.made_ms >= from_ms, offers.c.made_ms < to_ms)
        return dict(await self._pairs(query.group_by(offers.c.result)))

    async def _rows(self, query: Select[Any]) -> list[Row]:
        async with reaching(self._reach_s), self.engine.connect() as connection:
            return [dict(row) for row in (await connection.execute(query)).mappings()]

    async def _pairs(self, query: Select[Any]) -> list[tuple[str | None, int]]:
        async with reaching(self._reach_s), self.engine.connect() as connection:
            return [(key, number) for key, number in await connection.execute(query)]


async def lived_in(connection: AsyncConnection, pbx: str, from_ms: int, to_ms: int) -> dict[CallId, CallStory]:
    """As `Ledger.lived_in`, as this transaction sees it."""
    query = select(calls.c.uniqueid).where(
        _of_pbx(pbx),
        calls.c.arrived_ms >= from_ms - LONGEST_MS,
        calls.c.arrived_ms <= to_ms,
        calls.c.ended_ms.is_(None) | (calls.c.ended_ms >= from_ms),
    )
    still_open = select(calls.c.uniqueid).where(_of_pbx(pbx), calls.c.ended_ms.is_(None))
    found = set(await connection.scalars(query)) | set(await connection.scalars(still_open))
    return await stories(connection, [CallId(pbx, uniqueid) for uniqueid in found])


def _of_pbx(pbx: str) -> ColumnElement[bool]:
    """The call was on this PBX: a source of imported calls may bear the same name."""
    return and_(calls.c.pbx == pbx, ~calls.c.imported)


async def position_of(connection: AsyncConnection, outbox: str) -> Position:
    """Return how far an outbox is applied, as this transaction sees it."""
    query = select(positions.c.segment, positions.c.position).where(positions.c.outbox == outbox)
    row = (await connection.execute(query)).one_or_none()
    return Position(row[0], row[1]) if row else START


async def _store_position(connection: AsyncConnection, outbox: str, end: Position) -> None:
    await upsert(connection, positions, [{"outbox": outbox, "segment": end.segment, "position": end.offset}])


async def one_at_a_time(connection: AsyncConnection) -> None:
    """Wait until nobody else applies records: two leaders' outboxes may hold records of one call, and a fold reads
    before it writes. SQLite's own write lock (BEGIN IMMEDIATE) does the same."""
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(APPLY_LOCK)))


class Batch:
    """What one transaction is going to write of one outbox's entries."""

    def __init__(self, outbox: str) -> None:
        self.outbox = outbox
        self.calls: list[tuple[Row | None, Row]] = []
        """Each call's row, as it was (None: not there) and as it is."""
        self.presence: list[Row] = []
        self.notes: list[Row] = []
        self.quarantine: list[Row] = []
        self.interventions: list[Row] = []
        self.gaps: list[GapTold] = []

    async def apply(self, connection: AsyncConnection, entries: Sequence[Entry]) -> None:
        """Fold the entries and write all rows that changed."""
        by_call: dict[CallId, list[tuple[Entry, CallRecord]]] = {}
        for entry in entries:
            if (record := self._of_a_call(entry)) is not None:
                by_call.setdefault(storable_call(record.call), []).append((entry, record))
        told = await stories(connection, by_call)
        children: dict[str, dict[int, Row]] = {name: {} for name in CHILDREN}
        for key, story in told.items():
            before = None if story.row is None else dict(story.row)
            for _, record in by_call[key]:
                story.take(record)
            self.calls.append((before, settle(story)))
            for name, row in story.changed:
                children[name][id(row)] = row
            self._note_corrections(story, by_call[key][-1][0])
        await upsert(connection, calls, [story.row for story in told.values() if story.row is not None])
        for name, table in CHILDREN.items():
            gone = [row for story in told.values() for child, row in story.gone if child == name]
            await delete(connection, table, gone)
            await upsert(connection, table, list(children[name].values()))
        await insert_new(connection, presence_history, self.presence)
        await insert_new(connection, notes, self.notes)
        await insert_new(connection, interventions, self.interventions)
        await write_gaps(connection, self.gaps)
        await insert_new(connection, quarantine, self.quarantine)

    def _place(self, entry: Entry) -> Row:
        return {"outbox": self.outbox, "segment": entry.start.segment, "position": entry.start.offset}

    def _of_a_call(self, entry: Entry) -> CallRecord | None:
        """Return a record that is part of a call's row; any other is taken here."""
        record: Record | BadRecord = entry.record
        if isinstance(record, BadRecord):
            line = record.line.decode("utf-8", "replace")
            self.quarantine.append(self._place(entry) | {"line": line, "error": record.reason})
        elif isinstance(record, PresenceChanged):
            names = ("agent", "at_ms", "reason", "device", "ready_ms", "until_ms", "misses", "reachable", "wants")
            values = {name: getattr(record, name) for name in names} | {"presence": record.presence.value}
            self.presence.append(self._place(entry) | values)
        elif isinstance(record, SupervisorActed):
            pbx, uniqueid = record.call or (None, None)
            values = {name: getattr(record, name) for name in ("at_ms", "subject", "who", "why")}
            acted = {"act": record.act.value, "goes_to": record.to, "pbx": pbx, "uniqueid": uniqueid}
            self.interventions.append(self._place(entry) | values | acted)
        elif isinstance(record, GapTold):
            self.gaps.append(record)
        elif isinstance(record, Noted):
            self._note(entry, 0, "noted", record.at_ms, record.what, record.detail, record.call)
        elif isinstance(record, Ignored):
            if record.call is not None:
                self._note(entry, 0, "ignored", record.at_ms, record.event, record.reason, record.call)
        else:
            return record
        return None

    def _note(
        self, entry: Entry, item: int, kind: str, at_ms: int, what: str, detail: str, call: CallId | None
    ) -> None:
        pbx, uniqueid = call or (None, None)
        row = {"item": item, "kind": kind, "at_ms": at_ms, "what": what, "detail": detail, "pbx": pbx}
        self.notes.append(self._place(entry) | row | {"uniqueid": uniqueid})

    def _note_corrections(self, story: CallStory, last: Entry) -> None:
        assert story.row is not None
        at_ms = story.row["ended_ms"] or story.row["arrived_ms"]
        for item, text in enumerate(story.corrections, start=1):
            self._note(last, item, "corrected", at_ms, "call", text, story.call)

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

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from acd.names import CallId
from acd.records import Ignored, Noted, PresenceChanged, Record
from callcenter.storage.call_fold import CallStory, Row
from callcenter.storage.call_settle import settle
from callcenter.storage.codec import encode
from callcenter.storage.database import IMMEDIATE, REACH_S, reaching
from callcenter.storage.errors import BadRecord, LedgerAway
from callcenter.storage.ledger_rows import CHILDREN, insert_new, storable_call, stories, upsert
from callcenter.storage.outbox import START, Position
from callcenter.storage.outbox_reader import Entry
from callcenter.storage.tables import calls, notes, offers, positions, presence_history, quarantine

APPLY_LOCK = 12346
"""Number of the advisory lock under which records are applied on PostgreSQL."""


class Ledger:
    """Writes and reads the ledger. Every method may raise LedgerAway; the caller decides when to try again."""

    def __init__(self, engine: AsyncEngine, *, reach_s: float = REACH_S) -> None:
        self.engine = engine
        self.quarantined = 0
        """Entries set aside since the start."""
        self._reach_s = reach_s

    # writing ------------------------------------------------------------------------------------------------------

    async def position(self, outbox: str) -> Position:
        """Return how far an outbox is applied; the start for one never seen."""
        async with reaching(self._reach_s), self.engine.connect() as connection:
            return await _position(connection, outbox)

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
        async with reaching(self._reach_s), self.engine.connect() as plain:
            connection = await plain.execution_options(**IMMEDIATE)
            async with connection.begin():
                await _one_at_a_time(connection)
                done = await _position(connection, outbox)
                fresh = [entry for entry in entries if entry.start >= done]
                if not fresh:
                    return done
                batch = _Batch(outbox)
                await batch.apply(connection, fresh)
                end = fresh[-1].end
                await upsert(
                    connection, positions, [{"outbox": outbox, "segment": end.segment, "position": end.offset}]
                )
        self.quarantined += len(batch.quarantine)
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
        query = select(calls).where(calls.c.pbx == pbx, calls.c.ended_ms.is_(None))
        return await self._rows(query.order_by(calls.c.arrived_ms))

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

    async def quarantine(self) -> list[Row]:
        """Return what was set aside."""
        return await self._rows(select(quarantine).order_by(quarantine.c.segment, quarantine.c.position))

    async def outcomes(self, from_ms: int, to_ms: int) -> dict[str | None, int]:
        """Count ended inbound calls without the flag `excluded`, by outcome (None: unknown), that arrived in [from, to)."""
        query = select(calls.c.outcome, func.count()).where(
            calls.c.arrived_ms >= from_ms,
            calls.c.arrived_ms < to_ms,
            calls.c.direction == "inbound",
            calls.c.ended_ms.is_not(None),
            ~calls.c.excluded,
        )
        return dict(await self._pairs(query.group_by(calls.c.outcome)))

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


async def _position(connection: AsyncConnection, outbox: str) -> Position:
    query = select(positions.c.segment, positions.c.position).where(positions.c.outbox == outbox)
    row = (await connection.execute(query)).one_or_none()
    return Position(row[0], row[1]) if row else START


async def _one_at_a_time(connection: AsyncConnection) -> None:
    """Wait until no other service applies records: two leaders' outboxes may hold records of one call, and a fold reads
    before it writes. SQLite's own write lock (BEGIN IMMEDIATE) does the same."""
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(APPLY_LOCK)))


class _Batch:
    """What one transaction is going to write."""

    def __init__(self, outbox: str) -> None:
        self.outbox = outbox
        self.presence: list[Row] = []
        self.notes: list[Row] = []
        self.quarantine: list[Row] = []

    async def apply(self, connection: AsyncConnection, entries: Sequence[Entry]) -> None:
        """Fold the entries and write all rows that changed."""
        by_call: dict[CallId, list[Entry]] = {}
        for entry in entries:
            if not self._take_other(entry):
                by_call.setdefault(storable_call(entry.record.call), []).append(entry)  # type: ignore[union-attr, arg-type]
        told = await stories(connection, by_call)
        children: dict[str, dict[int, Row]] = {name: {} for name in CHILDREN}
        for key, story in told.items():
            for entry in by_call[key]:
                story.take(entry.record)  # type: ignore[arg-type]
            settle(story)
            for name, row in story.changed:
                children[name][id(row)] = row
            self._note_corrections(story, by_call[key][-1])
        await upsert(connection, calls, [story.row for story in told.values() if story.row is not None])
        for name, table in CHILDREN.items():
            await upsert(connection, table, list(children[name].values()))
        await insert_new(connection, presence_history, self.presence)
        await insert_new(connection, notes, self.notes)
        await insert_new(connection, quarantine, self.quarantine)

    def _place(self, entry: Entry) -> Row:
        return {"outbox": self.outbox, "segment": entry.start.segment, "position": entry.start.offset}

    def _take_other(self, entry: Entry) -> bool:
        """Take a record that is not part of a call's row; return whether it was one."""
        record: Record | BadRecord = entry.record
        if isinstance(record, BadRecord):
            line = record.line.decode("utf-8", "replace")
            self.quarantine.append(self._place(entry) | {"line": line, "error": record.reason})
        elif isinstance(record, PresenceChanged):
            names = ("agent", "at_ms", "reason", "device", "ready_ms", "until_ms", "misses", "reachable", "wants")
            values = {name: getattr(record, name) for name in names} | {"presence": record.presence.value}
            self.presence.append(self._place(entry) | values)
        elif isinstance(record, Noted):
            self._note(entry, 0, "noted", record.at_ms, record.what, record.detail, record.call)
        elif isinstance(record, Ignored):
            if record.call is not None:
                self._note(entry, 0, "ignored", record.at_ms, record.event, record.reason, record.call)
        else:
            return False
        return True

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

"""Calls that ended while nobody watched: open in the ledger, without a channel on the PBX.

Theory: after a restart the engine knows only the calls whose channels live. The ledger may hold others that were open when
we died. Once everything that was in the outbox at the snapshot is applied (more may have come since), each of those is closed with what is known: an answered call stays
agent_answered (the first answer decides), any other has no outcome until the second witness tells. Nothing is guessed.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import Protocol

from acd.names import CallId, EndedBy, Outcome
from acd.records import CallClosed, Record
from callcenter.storage.errors import LedgerAway
from callcenter.storage.outbox import Position
from callcenter.storage.projector import Projector

log = logging.getLogger(__name__)

LOOK_S = 0.25


class Sink(Protocol):
    """Where records go (the outbox)."""

    @property
    def end(self) -> Position:
        """The position after the last record."""
        ...

    def append(self, records: Sequence[Record]) -> None:
        """Write records."""


async def close_unwatched(pbx: str, living: Collection[str], at_ms: int, projector: Projector, sink: Sink) -> None:
    """Close what the ledger holds open before `at_ms` on this PBX and is not among the `living` Uniqueids."""
    until = sink.end
    while True:
        await asyncio.sleep(LOOK_S)
        if projector.away is not None or (projector.position < until and projector.depth_bytes()):
            continue
        try:
            rows = await projector.ledger.open_calls(pbx)
        except LedgerAway:
            continue
        break
    gone = [row for row in rows if row["uniqueid"] not in living and row["arrived_ms"] < at_ms]
    records = [
        CallClosed(
            call=CallId(pbx, row["uniqueid"]),
            at_ms=at_ms,
            by=EndedBy.UNKNOWN,
            outcome=Outcome.AGENT_ANSWERED
            if row["answered_ms"] is not None and row["direction"] == "inbound"
            else None,
            reason="",
        )
        for row in gone
    ]
    if records:
        log.info("%s: %d calls had ended while nobody watched", pbx, len(records))
        sink.append(records)

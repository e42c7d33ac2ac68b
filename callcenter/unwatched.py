"""Calls that ended while nobody watched: open in the ledger, without a channel on the PBX, and CEL does not tell.

Theory: after a restart the engine knows only the calls whose channels live. The ledger may hold others that were open when
we died. What CEL tells of them is told first (`callcenter.rebuild`); each that is still open then, once everything that
was in the outbox is applied (more may have come since), is closed with what is known: an answered call stays
agent_answered (the first answer decides), any other has no outcome. Nothing is guessed.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence

from acd.names import CallId, EndedBy, Outcome
from acd.records import CallClosed, Record
from callcenter.storage.errors import LedgerAway
from callcenter.storage.outbox import Position
from callcenter.storage.projector import Projector

log = logging.getLogger(__name__)

LOOK_S = 0.25


async def settled(projector: Projector, until: Position) -> None:
    """Wait until the ledger has everything that stood in the outbox before `until`."""
    while True:
        await asyncio.sleep(LOOK_S)
        if projector.away is None and (projector.position >= until or not projector.depth_bytes()):
            return


async def close_unwatched(
    pbx: str,
    living: Collection[str],
    at_ms: int,
    projector: Projector,
    until: Position,
    record: Callable[[Sequence[Record]], None],
) -> None:
    """Close what the ledger holds open before `at_ms` on this PBX and is not among the `living` Uniqueids. `until`: the
    outbox's end."""
    while True:
        await settled(projector, until)
        try:
            rows = await projector.ledger.open_calls(pbx)
        except LedgerAway:
            continue
        break
    gone = [row for row in rows if row["uniqueid"] not in living and row["arrived_ms"] < at_ms]
    closed = [
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
    if closed:
        log.info("%s: %d calls had ended while nobody watched", pbx, len(closed))
        record(closed)

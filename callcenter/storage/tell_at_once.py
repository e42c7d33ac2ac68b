"""Records of somebody who has no outbox: what the ledger lacks is found and folded in by one transaction.

Theory of operation: a service's records wait in its outbox, and the projector brings them in at its positions. A command
that runs beside it, or after its end, has none. It reads what the ledger knows under the lock of all who write records
(`one_at_a_time`), says what is missing, and that is folded in under a name and positions of its own. So nothing that it
looked at can change before it has written, a crash leaves nothing, and whoever finds nothing missing writes nothing.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from acd.names import CallId
from acd.records import Record
from callcenter.storage.call_fold import CallStory
from callcenter.storage.database import IMMEDIATE, reaching
from callcenter.storage.ledger import Batch, lived_in, one_at_a_time, position_of
from callcenter.storage.ledger_rows import upsert
from callcenter.storage.outbox import Position
from callcenter.storage.outbox_reader import Entry
from callcenter.storage.tables import positions

WITHIN_S = 300.0
"""Longest that one such transaction may take."""


async def tell_at_once(
    engine: AsyncEngine,
    source: str,
    lived: tuple[str, int, int],
    missing: Callable[[dict[CallId, CallStory]], Sequence[Record]],
    *,
    within_s: float = WITHIN_S,
) -> int:
    """Fold in what `missing` says of the ledger's calls of a PBX that lived in [from, to), ms (`lived`: PBX, from, to); return
    how many records that were. `source`: the teller's name among the outboxes. Raises LedgerAway; then nothing is written."""
    async with reaching(within_s), engine.connect() as plain:
        connection = await plain.execution_options(**IMMEDIATE)
        async with connection.begin():
            await _allow_thinking(connection, within_s)
            await one_at_a_time(connection)
            records = missing(await lived_in(connection, *lived))
            if not records:
                return 0
            done = await position_of(connection, source)
            places = [Position(done.segment, done.offset + number) for number in range(len(records) + 1)]
            entries = [
                Entry(begin, end, record) for begin, end, record in zip(places, places[1:], records, strict=False)
            ]
            await Batch(source).apply(connection, entries)
            end = places[-1]
            await upsert(connection, positions, [{"outbox": source, "segment": end.segment, "position": end.offset}])
    return len(records)


async def _allow_thinking(connection: AsyncConnection, within_s: float) -> None:
    """Let this transaction do nothing for longer than the service's may, while what is missing is worked out: days of calls take
    longer, and PostgreSQL would end it each time."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = {round(within_s * 1000)}"))

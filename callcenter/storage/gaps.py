"""Times in which nobody watched, in the ledger: written down as they are told, read for a report and for who tells them from CEL.

Theory of operation: gaps of one PBX do not overlap. A service that stays away has a gap that grows: `callcenter reconcile`
writes down the piece of it that CEL tells, and whoever watches again its whole. So a gap that holds a shorter one takes its
place, and a piece of one on record is no news. A gap that was read once stays read, whatever is told of the same one later.
"""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.records import GapTold
from callcenter.storage.call_fold import Row
from callcenter.storage.ledger_rows import insert_new, storable, upsert
from callcenter.storage.tables_after import gaps
from metrics.completeness import Gap


async def gaps_between(connection: AsyncConnection, from_ms: int, to_ms: int) -> list[Gap]:
    """Return the gaps that lie in [from, to) at least in part, in order, cut to it. Use it inside `reaching`."""
    return [
        Gap(gap.pbx, max(gap.from_ms, from_ms), min(gap.to_ms, to_ms), gap.has_restarted, gap.is_read)
        for gap in await whole_gaps(connection, from_ms, to_ms)
    ]


async def whole_gaps(connection: AsyncConnection, from_ms: int, to_ms: int) -> list[Gap]:
    """Return the gaps that lie in [from, to) at least in part, in order, each whole. Use it inside `reaching`."""
    query = select(gaps).where(gaps.c.to_ms > from_ms, gaps.c.from_ms < to_ms).order_by(gaps.c.from_ms, gaps.c.pbx)
    return [Gap(**row) for row in (await connection.execute(query)).mappings()]


async def write_gaps(connection: AsyncConnection, told: Sequence[GapTold]) -> None:
    """Write down what was told, in this order."""
    for gap in told:
        row = _row(gap)
        same_pbx = gaps.c.pbx == storable(gap.pbx)
        around = select(gaps.c.to_ms).where(same_pbx, gaps.c.from_ms <= row["from_ms"], gaps.c.to_ms > row["to_ms"])
        if (await connection.execute(around.limit(1))).first() is not None:
            continue
        within = (gaps.c.from_ms >= row["from_ms"], gaps.c.to_ms < row["to_ms"])
        await connection.execute(delete(gaps).where(same_pbx, *within))
        await (upsert if gap.is_read else insert_new)(connection, gaps, [row])


def _row(gap: GapTold) -> Row:
    """A clock that was set makes no negative gap."""
    names = ("pbx", "has_restarted", "is_read")
    return {"from_ms": min(gap.from_ms, gap.at_ms), "to_ms": gap.at_ms} | {n: getattr(gap, n) for n in names}

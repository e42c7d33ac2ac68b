"""Times in which nobody watched, out of the ledger: what a report says of its own completeness."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from callcenter.storage.tables_after import gaps
from metrics.completeness import Gap


async def gaps_between(connection: AsyncConnection, from_ms: int, to_ms: int) -> list[Gap]:
    """Return the gaps that lie in [from, to) at least in part, in order, cut to it. Use it inside `reaching`."""
    query = select(gaps).where(gaps.c.to_ms > from_ms, gaps.c.from_ms < to_ms).order_by(gaps.c.from_ms, gaps.c.pbx)
    rows = (await connection.execute(query)).mappings().all()
    return [
        Gap(row["pbx"], max(row["from_ms"], from_ms), min(row["to_ms"], to_ms), row["has_restarted"], row["is_read"])
        for row in rows
    ]

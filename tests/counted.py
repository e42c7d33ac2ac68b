"""What the ledger's rows come to, by the full count alone; and a figure as it is printed."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from callcenter.storage.rolled_figures import reading
from metrics.dictionary import DICTIONARY
from metrics.tables import cell
from metrics.totals import Source, Totals

OUTCOMES = (
    "SELECT outcome, count(*) FROM calls WHERE arrived_ms >= :from_ms AND arrived_ms < :to_ms"
    " AND direction = 'inbound' AND ended_ms IS NOT NULL AND NOT excluded GROUP BY outcome"
)


async def totals_between(engine: AsyncEngine, from_ms: int, to_ms: int) -> dict[str, int | None]:
    """Every total of calls over those that arrived in [from, to), under our default choices."""
    names = [name for name, total in DICTIONARY.totals.items() if total.source is Source.CALLS]
    async with reading(engine, from_rows=True) as figures:
        return (await figures.totals((from_ms, to_ms), names))[from_ms, ""]


async def outcomes_between(engine: AsyncEngine, from_ms: int, to_ms: int) -> dict[str | None, int]:
    """Ended inbound calls without the flag `excluded` that arrived in [from, to), by outcome (None: unknown)."""
    async with engine.connect() as connection:
        found = await connection.execute(text(OUTCOMES), {"from_ms": from_ms, "to_ms": to_ms})
        return {row[0]: row[1] for row in found}


def figure_text(name: str, totals: Totals) -> str:
    """A figure of the dictionary as it is printed, e.g. `71.6%`."""
    return cell(DICTIONARY, name, totals).text

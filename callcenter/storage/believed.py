"""What of the roll-ups can be believed, as one transaction sees it: columns by their definition, days without a mark."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from callcenter.storage.cover import joined
from callcenter.storage.tables_rolled import rolled_definitions, rollup_marks
from metrics.lengths import DAY_MS
from metrics.rolled import column_of, definition
from metrics.totals import Total


@dataclass(frozen=True, slots=True)
class Believed:
    """Read it inside the transaction in which the roll-ups are read."""

    definitions: Mapping[str, str]
    marked: Mapping[str, Sequence[int]]
    """Kind of mark -> days of UTC that are not to be believed, rising."""

    def columns(self, totals: Iterable[Total]) -> dict[str, str]:
        """Return name of the total -> column, for those that have one which holds that very total."""
        found = {total.name: (column_of(total), definition(total)) for total in totals}
        return {
            name: column
            for name, (column, text) in found.items()
            if column is not None and self.definitions.get(column) == text
        }

    def not_to_be(self, kind: str, from_ms: int, to_ms: int) -> list[tuple[int, int]]:
        """Return the marked time within [from, to), as disjoint intervals."""
        days = ((max(day, from_ms), min(day + DAY_MS, to_ms)) for day in self.marked.get(kind, ()))
        return joined((begin, end) for begin, end in days if begin < end)


async def believed(connection: AsyncConnection) -> Believed:
    """Read what this transaction sees."""
    definitions = await connection.execute(select(rolled_definitions.c.total, rolled_definitions.c.definition))
    kinds: dict[str, list[int]] = {}
    days = select(rollup_marks.c.kind, rollup_marks.c.day_ms).distinct().order_by(rollup_marks.c.day_ms)
    for kind, day in await connection.execute(days):
        kinds.setdefault(kind, []).append(day)
    return Believed({row.total: row.definition for row in definitions}, kinds)

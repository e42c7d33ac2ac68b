"""The ledger as the first witness: calls with their talks, and who was at which phone when. Reads the database only.

Theory: calls are asked for by key, as CEL tells them, or by a stretch of time; who was where follows from the changes of
presence (an agent is at his phone from the change that names it to the next that does not), asked for by stretches too,
so that years take no memory.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.names import CallId
from callcenter.storage.database import reaching
from callcenter.storage.tables import calls, presence_history, talks

KEYS_AT_ONCE = 200
READ_S = 60.0

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seat:
    """An agent at a phone."""

    device: str
    agent: str
    from_ms: int
    until_ms: int | None
    """None: he still is."""


class LedgerSide:
    """Reads one ledger. Every method may raise LedgerAway."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def with_talks(self, keys: Iterable[CallId]) -> dict[CallId, tuple[Row, list[Row]]]:
        """Return the rows of these calls, each with its talks in order; unknown ones are left out."""
        wanted = sorted(set(keys))
        found: dict[CallId, tuple[Row, list[Row]]] = {}
        for first in range(0, len(wanted), KEYS_AT_ONCE):
            some = wanted[first : first + KEYS_AT_ONCE]
            for row in await self._rows(select(calls).where(tuple_(calls.c.pbx, calls.c.uniqueid).in_(some))):
                found[CallId(row["pbx"], row["uniqueid"])] = (row, [])
            query = select(talks).where(tuple_(talks.c.pbx, talks.c.uniqueid).in_(some))
            for row in await self._rows(query.order_by(talks.c.opened_ms)):
                found[CallId(row["pbx"], row["uniqueid"])][1].append(row)
        return found

    async def knows_line(self, code: str) -> bool:
        """Tell whether any call is of this line."""
        return bool(await self._rows(select(calls.c.uniqueid).where(calls.c.line_code == code).limit(1)))

    async def arrived(self, from_ms: int, to_ms: int) -> list[CallId]:
        """Return the calls of PBXes that arrived in [from, to), in order; imported ones have no second witness."""
        within = (calls.c.arrived_ms >= from_ms, calls.c.arrived_ms < to_ms, ~calls.c.imported)
        query = select(calls.c.pbx, calls.c.uniqueid).where(*within)
        return [CallId(row["pbx"], row["uniqueid"]) for row in await self._rows(query.order_by(calls.c.arrived_ms))]

    async def seats(self, from_ms: int, to_ms: int) -> list[Seat]:
        """Return who was at which phone in [from, to]."""
        found: list[Seat] = []
        at: dict[str, Row] = {}
        for row in (*await self._before(from_ms), *await self._changes(from_ms, to_ms)):
            agent, was = row["agent"], at.get(row["agent"])
            if was is not None and was["device"] == row["device"]:
                continue
            if was is not None and was["device"]:
                found.append(Seat(was["device"], agent, was["at_ms"], row["at_ms"]))
            at[agent] = row
        return found + [Seat(row["device"], agent, row["at_ms"], None) for agent, row in at.items() if row["device"]]

    async def _before(self, from_ms: int) -> Sequence[Row]:
        """Each agent's newest change before `from_ms`."""
        one = presence_history
        newest = (
            select(one.c.agent, func.max(one.c.at_ms).label("at_ms")).where(one.c.at_ms < from_ms).group_by(one.c.agent)
        ).subquery()
        query = select(one.c.agent, one.c.at_ms, one.c.device).join(
            newest, and_(one.c.agent == newest.c.agent, one.c.at_ms == newest.c.at_ms)
        )
        return await self._rows(query.order_by(one.c.segment, one.c.position))

    async def _changes(self, from_ms: int, to_ms: int) -> Sequence[Row]:
        """Changes in [from, to] that are of another phone than the one before, and each agent's first."""
        one = presence_history
        order = (one.c.at_ms, one.c.segment, one.c.position)
        within = (
            select(
                one.c.agent,
                one.c.at_ms,
                one.c.device,
                func.lag(one.c.device).over(partition_by=one.c.agent, order_by=order).label("was"),
                func.row_number().over(partition_by=one.c.agent, order_by=order).label("number"),
            )
            .where(one.c.at_ms >= from_ms, one.c.at_ms <= to_ms)
            .subquery()
        )
        query = select(within.c.agent, within.c.at_ms, within.c.device).where(
            or_(within.c.number == 1, within.c.device.is_distinct_from(within.c.was))
        )
        return await self._rows(query.order_by(within.c.at_ms, within.c.number))

    async def _rows(self, query: Select[Any]) -> list[Row]:
        async with reaching(READ_S), self._engine.connect() as connection:
            return [dict(row) for row in (await connection.execute(query)).mappings()]

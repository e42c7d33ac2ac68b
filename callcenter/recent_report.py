"""The report's figures of the last minutes, hours and day in a running service, equal to the ledger to the call.

Theory of operation: like the wallboard's day (`callcenter.board.live`) they follow the rows that the ledger tells of
(`settled`), and are read whole in the projector's pauses (`between`, when no transaction runs): at the start, after a transaction
whose end nobody saw, when the plan's choices changed, when this instance begins to lead (another one wrote before: `followers`), and
once an hour, because an import writes beside us. Who stands by shows nothing: the leader's transactions are not told here, and a board
that takes the greater of the two would show what was true once. Reading streams the day's calls in small parts, so the loop that routes calls is never
held for longer than one of them takes. A scrape costs one look at the clock, a copy of some sums, and half a
millisecond for the longest talks of a day of 30,000 calls.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from callcenter.board.day import hours_of_day
from callcenter.storage.database import reaching
from callcenter.storage.figures_sql import sql_of
from callcenter.storage.tables import calls
from metrics.dictionary import DICTIONARY, Dictionary
from metrics.lengths import HOUR_MS
from metrics.report_windows import Change, Edges, ReportWindows, Window, WindowTotals, edges_at
from metrics.totals import Aggregate, Total

READ_S = 20.0
"""Longest that reading may hold the projector up."""
PART = 200
"""Rows taken at a time: under a millisecond of the loop."""
NEVER_MS = 2**62
STATEMENTS = 4
"""So many are kept: the choices of a plan seldom change."""


class RecentReport:
    """Keeps `ReportWindows` in step with the ledger. Belongs to the service's loop."""

    def __init__(
        self,
        *,
        ledger: AsyncEngine,
        now: Callable[[], float],
        zone: Callable[[], str],
        lines: Callable[[], Iterable[str]],
        stands_by: Callable[[], bool] = lambda: False,
        dictionary: Callable[[], Dictionary] = lambda: DICTIONARY,
    ) -> None:
        """ledger: its database. now: seconds on the PBX's clock. zone, lines, dictionary: of the plan in force.
        stands_by: whether another instance leads."""
        self._ledger, self._now, self._zone, self._lines = ledger, now, zone, lines
        self._stands_by, self._dictionary = stands_by, dictionary
        self._windows = ReportWindows(dictionary())
        self._is_current = False
        self._read_ms = 0
        """Beginning of the hour in which the ledger was read whole."""
        self._midnight = (0, 0, "")
        """Beginning and end of the local day that was looked up last, ms, and its zone."""

    async def write_statements(self) -> None:
        """Ask the ledger for nothing, so that its statements are built and written out before calls are routed. Raises
        LedgerAway."""
        await read(self._ledger, self._dictionary(), dict.fromkeys(Window, NEVER_MS))

    def settled(self, changes: Sequence[Change]) -> None:
        """Take the rows of calls that a transaction of the ledger has changed."""
        self._windows.changed(changes)

    def doubt(self) -> None:
        """Nobody saw how a transaction ended: everything is read again, and until then nothing is shown."""
        self._is_current = False

    async def between(self) -> None:
        """Read the ledger if that is due, and let the windows move on. No transaction may run meanwhile. Raises LedgerAway."""
        edges, hour = self._edges(), self._now_ms() // HOUR_MS
        is_same = self._dictionary() is self._windows.dictionary and hour == self._read_ms // HOUR_MS
        if self._is_current and is_same and self._windows.advance(edges):
            return
        self._windows, self._is_current = await read(self._ledger, self._dictionary(), edges), True
        self._read_ms = hour * HOUR_MS

    def frozen(self) -> WindowTotals:
        """Return the sums of this instant; empty until the ledger was read, and while another instance leads."""
        if self._stands_by() or not self._is_current or not self._windows.advance(self._edges()):
            return WindowTotals(self._windows.dictionary)
        return self._windows.frozen(self._lines())

    def _edges(self) -> Edges:
        now_ms, zone = self._now_ms(), self._zone()
        begin, end, of = self._midnight
        if not begin <= now_ms < end or of != zone:
            hours = hours_of_day(now_ms, ZoneInfo(zone))
            self._midnight = begin, end, of = hours[0], hours[-1], zone
        return edges_at(now_ms, begin)

    def _now_ms(self) -> int:
        return int(self._now() * 1000)


@lru_cache(STATEMENTS)
def _rows(totals: tuple[Total, ...]) -> Select[Any]:
    """Return the query of the rows of calls since :since_ms: line, arrival, measures (of a maximum NULL where a call
    has none). One object, for to build it and to write it out takes the loop milliseconds."""
    found = [(total, sql_of(total.measure)) for total in totals]
    measures = [
        (func.coalesce(measure, 0) if total.aggregate is Aggregate.SUM else measure).label(total.name)
        for total, measure in found
    ]
    return (
        select(calls.c.line_code, calls.c.arrived_ms, *measures)
        .where(calls.c.arrived_ms >= bindparam("since_ms"))
        .order_by(calls.c.arrived_ms)
    )


async def read(ledger: AsyncEngine, dictionary: Dictionary, edges: Edges, within_s: float = READ_S) -> ReportWindows:
    """Return the windows as the ledger has them, read in parts. Raises LedgerAway."""
    windows = ReportWindows(dictionary, edges)
    sums = len(windows.totals)
    async with reaching(within_s), ledger.connect() as connection:
        found = await connection.stream(_rows((*windows.totals, *windows.maxima)), {"since_ms": min(edges.values())})
        async for part in found.partitions(PART):
            for line, arrived_ms, *values in part:
                windows.add(line, int(arrived_ms), values[:sums], values[sums:])
    return windows

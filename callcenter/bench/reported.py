"""What the report's benchmarks share: a ledger of a published year's sums, the whole report asked five times, and the full count.

Before each report one late call is appended and one stored call is corrected, as the service writes them. `seconds` is what
`callcenter report` then does with the database, in a process that is warm and has nothing of it in memory: the days that changed
are computed again, and the whole report is made, month by month too, but for different callers and first-call resolution (`distinct_seconds`).
`table_seconds` is the call-service table alone. Right means that the last report equals the one made of the rows
themselves, section by section, and that the table moved with each late call.
"""

import time
from datetime import date
from statistics import median
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.names import EndedBy, Outcome
from callcenter.bench.errors import BenchWrong
from callcenter.days import DEFAULT_ZONE, zone_named
from callcenter.report.build import PUBLIC_FIGURES, Request, build_document
from callcenter.report.period import Interval, Period
from callcenter.sample.told import told
from callcenter.sample.year import SampleCall
from callcenter.storage.figures import EVERYTHING, Scope
from callcenter.storage.ledger import Ledger
from callcenter.storage.outbox import Position
from callcenter.storage.outbox_reader import Entry
from callcenter.storage.rolled_figures import RolledFigures, reading
from callcenter.storage.rollup import refresh
from metrics.callers import FirstCall
from metrics.document import Cell, Document
from metrics.lengths import DAY_MS
from metrics.report import call_service
from metrics.staff import StaffCount
from metrics.tables import terms

RUNS = 5
STAFF = StaffCount("2020-01-01", "default", "12345", total=300, call_takers=280, population=8_500_000)
CORRECTION = """
UPDATE calls SET talk_ms = talk_ms - 1, talk_ended_ms = talk_ended_ms - 1 WHERE (pbx, uniqueid) IN (
    SELECT pbx, uniqueid FROM calls WHERE arrived_ms >= :from_ms AND arrived_ms < :to_ms
    AND outcome = 'agent_answered' AND hold_ms = 0 AND talk_ms > 5000 ORDER BY arrived_ms LIMIT 1)
"""


class Watched(RolledFigures):
    """The figures of one report, with the time that callers' figures took."""

    callers_s = 0.0

    async def distinct_callers(self, from_ms: int, to_ms: int, scope: Scope = EVERYTHING) -> int:
        """As `Figures.distinct_callers`."""
        begun = time.perf_counter()
        found = await super().distinct_callers(from_ms, to_ms, scope)
        self.callers_s += time.perf_counter() - begun
        return found

    async def first_calls(self, from_ms: int, to_ms: int, now_ms: int, scope: Scope = EVERYTHING) -> FirstCall:
        """As `Figures.first_calls`."""
        begun = time.perf_counter()
        found = await super().first_calls(from_ms, to_ms, now_ms, scope)
        self.callers_s += time.perf_counter() - begun
        return found


class Desk:
    """Somebody who asks for the report of a period while calls come in late."""

    def __init__(self, engine: AsyncEngine, period: Period) -> None:
        self.engine = engine
        self.period = period
        self.request = Request(period, period.to_ms + 30 * DAY_MS, interval=Interval.MONTH, staff=[STAFF])
        self._ledger = Ledger(engine)
        self._late = 0

    async def something_changes(self) -> None:
        """A call of some day is told late, and one of another day is corrected."""
        self._late += 1
        days = (self.period.to_ms - self.period.from_ms) // DAY_MS
        told_ms, corrected_ms = (self.period.from_ms + (self._late * n) % days * DAY_MS for n in (61, 97))
        late = SampleCall(
            *(f"late-{self._late}", "inbound", "general", "13900000000", told_ms + DAY_MS // 2),
            *(told_ms + DAY_MS // 2 + 100_000, EndedBy.CALLER, told_ms + DAY_MS // 2),
            agent="1001",
            answered_ms=told_ms + DAY_MS // 2 + 9_000,
            talk_ms=91_000,
            outcome=Outcome.AGENT_ANSWERED,
        )
        entries = [Entry(Position(self._late, n), Position(self._late, n + 1), one) for n, one in enumerate(told(late))]
        await self._ledger.apply("late", entries)
        async with self.engine.begin() as connection:
            found = await connection.execute(
                text(CORRECTION), {"from_ms": corrected_ms, "to_ms": corrected_ms + DAY_MS}
            )
        if found.rowcount != 1:
            raise BenchWrong("no call could be corrected")

    async def ask(self) -> tuple[float, float, Document]:
        """Ask for the whole report; return its seconds without callers' figures, theirs, and the report."""
        begun = time.perf_counter()
        await refresh(self.engine, within_s=5)
        async with reading(self.engine) as figures:
            assert isinstance(figures, RolledFigures)
            watched = Watched(figures.connection, figures.dictionary, figures.kept)
            document = await build_document(watched, self.request)
        return time.perf_counter() - begun - watched.callers_s, watched.callers_s, document

    async def ask_table(self) -> float:
        """Ask for the call-service table alone; return its seconds."""
        begun = time.perf_counter()
        await refresh(self.engine, within_s=5)
        async with reading(self.engine) as figures:
            edges = (self.period.from_ms, self.period.to_ms)
            found = await figures.totals(edges, terms(figures.dictionary, PUBLIC_FIGURES))
            call_service(found[edges[0], ""], figures.dictionary)
        return time.perf_counter() - begun

    async def count(self) -> Document:
        """Make the report of the rows alone."""
        async with reading(self.engine, from_rows=True, within_s=3600) as figures:
            return await build_document(figures, self.request)


async def measure(name: str, engine: AsyncEngine, *, years: int) -> dict[str, Any]:
    """Measure on a filled ledger, all its years in one report. Raises BenchWrong."""
    period = Period(date(2020, 1, 1), date(2020 + years, 1, 1), zone_named(DEFAULT_ZONE))
    begun = time.perf_counter()
    await refresh(engine)
    first_s = time.perf_counter() - begun
    desk = Desk(engine, period)
    _, _, document = await desk.ask()
    whole, callers, tables = [], [], []
    for _ in range(RUNS):
        before = answered(document)
        await desk.something_changes()
        seconds, callers_s, document = await desk.ask()
        if answered(document) != before + 1:
            raise BenchWrong(f"{before} answered calls, one more told late: the report has {answered(document)}")
        whole.append(seconds)
        callers.append(callers_s)
    for _ in range(RUNS):
        await desk.something_changes()
        tables.append(await desk.ask_table())
    _, _, document = await desk.ask()
    begun = time.perf_counter()
    counted = await desk.count()
    count_s = time.perf_counter() - begun
    if document != counted:
        wrong = [one.key for one, other in zip(document.sections, counted.sections, strict=True) if one != other]
        raise BenchWrong(f"the roll-ups differ from the full count in: {', '.join(wrong) or 'notes'}")
    return {
        "name": name,
        "seconds": round(median(whole), 3),
        "table_seconds": round(median(tables), 3),
        "distinct_seconds": round(median(callers), 3),
        "calls": await _calls(engine),
        "first_rollup_seconds": round(first_s, 1),
        "full_count_seconds": round(count_s, 2),
    }


def answered(document: Document) -> int:
    """Return the first cell of the call-service table."""
    cell = next(section for section in document.sections if section.key == "call_service").rows[0].contents[1]
    if not isinstance(cell, Cell) or cell.value is None:
        raise BenchWrong("the call-service table has no answered calls")
    return int(cell.value)


async def _calls(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM calls")) or 0)

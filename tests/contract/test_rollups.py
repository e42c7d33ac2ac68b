"""Roll-ups equal the full count, whatever was written by whom, however far they are brought up to date, on both databases."""

import asyncio
import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.names import HandOverResult, OfferResult, Outcome
from acd.records import CallOpened, CallWaiting, PresenceChanged, Record
from agents.presence import Presence
from callcenter.storage import rollup
from callcenter.storage.database import open_engine
from callcenter.storage.errors import LedgerAway
from callcenter.storage.figures import EVERYTHING, Found, Group, RawFigures, Scope
from callcenter.storage.ledger import Ledger
from callcenter.storage.migrate import upgrade
from callcenter.storage.rolled_figures import RolledFigures, reading
from callcenter.storage.rollup import refresh
from callcenter.storage.rollup_sql import fill
from metrics.bins import Bins
from metrics.choices import Choices
from metrics.dictionary import DICTIONARY, Dictionary, build
from metrics.lengths import DAY_MS, HOUR_MS
from metrics.totals import Source, Total
from tests.contract.calls_told import NOON_MS, Told, entries
from tests.contract.test_ledger_figures import any_call

BEGIN_MS = NOON_MS // DAY_MS * DAY_MS - 2 * DAY_MS
PERIODS: tuple[Sequence[int], ...] = (
    (BEGIN_MS + 16 * HOUR_MS, BEGIN_MS + 16 * HOUR_MS + 4 * DAY_MS),
    tuple(BEGIN_MS - 20_700_000 + n * DAY_MS for n in range(7)),
    tuple(range(BEGIN_MS, BEGIN_MS + 5 * DAY_MS, 6 * HOUR_MS)),
    (BEGIN_MS + 1, BEGIN_MS + DAY_MS, BEGIN_MS + 3 * DAY_MS + 777, BEGIN_MS + 4 * DAY_MS + 900_000),
    (-DAY_MS, 2 * NOON_MS),
)
"""Whole local days of Shanghai; days of Nepal (+05:45); quarters of days; edges on no grid; all there is."""
GROUPS = (
    (Group.NONE, tuple(DICTIONARY.totals)),
    (Group.LINE, tuple(name for name, total in DICTIONARY.totals.items() if total.source is not Source.STATES)),
    (Group.NEED, tuple(name for name, total in DICTIONARY.totals.items() if total.source is Source.CALLS)),
    (Group.AGENT, tuple(name for name, total in DICTIONARY.totals.items() if total.source is not Source.CALLS)),
)
CALL_TOTALS = GROUPS[2][1]
SCOPES = (EVERYTHING, Scope(line="tax"), Scope("nj"))


async def differences(
    engine: AsyncEngine, draw: random.Random | None = None, dictionary: Dictionary = DICTIONARY
) -> list[Any]:
    """What a report would show differently from the full count at the same instant, by each group; of a drawn period and
    scope, else of everything in the first two: the hours of one are hours of UTC, those of the other are not."""
    found = []
    periods, scope = (PERIODS[:2], EVERYTHING) if draw is None else ((draw.choice(PERIODS),), draw.choice(SCOPES))
    async with reading(engine, dictionary) as figures:
        counting = RawFigures(figures.connection, dictionary)  # type: ignore[attr-defined]  # what is read here has a connection
        for edges in periods:
            for group, names in GROUPS:
                read, counted = [await one.totals(edges, names, scope, group) for one in (figures, counting)]
                if read != counted:
                    wrong = {key: values for key, values in read.items() if counted.get(key) != values}
                    found.append((edges, group, scope, wrong or counted.keys() - read.keys()))
            names = GROUPS[1][1]
            apart = [await one.by_line_and_need(edges[0], edges[-1], names, scope) for one in (figures, counting)]
            bins = [await one.bins(edges, CALL_TOTALS, scope) for one in (figures, counting)]
            in_rows = await counting.totals(edges, CALL_TOTALS, scope)
            if apart[0] != apart[1]:
                found.append((edges, "line and need", scope, apart))
            if not bins[0] == bins[1] == turned(in_rows, edges):
                found.append((edges, "bins", scope, bins))
    return found


def turned(found: Found, edges: Sequence[int]) -> Bins:
    """Totals by bin as columns."""
    return Bins(edges[:-1], {name: [found[begin, ""][name] for begin in edges[:-1]] for name in CALL_TOTALS})


def told_call(draw: random.Random, name: str) -> list[Record]:
    """Records of any call, of some line, platform, need and agents, within five days."""
    told = any_call(draw, name)
    later_ms = BEGIN_MS + draw.randrange(5 * DAY_MS) - told.arrived_ms
    if draw.random() < 0.4:
        told.offer_ended(told.offered(2, draw.choice(("1001", "1002"))), 9, draw.choice(list(OfferResult)))
    if draw.random() < 0.2:
        told.handed_over(3, 9, draw.choice(list(HandOverResult)))
    records = []
    for record in told.records:
        moved: dict[str, Any] = {"at_ms": record.at_ms + later_ms}
        if isinstance(record, CallOpened):
            moved |= {"line": draw.choice(("general", "tax")), "platform_id": draw.choice(("gz", "nj"))}
        if isinstance(record, CallWaiting):
            moved |= {"need": draw.choice(("general >= 1", "tax"))}
        records.append(replace(record, **moved))
    if draw.random() < 0.2:
        del records[draw.randrange(len(records))]
    return records


def told_states(draw: random.Random) -> list[Record]:
    """Some changes of some agents' states, in any order."""
    return [
        PresenceChanged(
            f"10{draw.randrange(3):02}",
            BEGIN_MS + draw.randrange(-DAY_MS, 6 * DAY_MS, HOUR_MS // 2),
            draw.choice(list(Presence)),
            *("", None, 0, None, 0, True, ""),
        )
        for _ in range(draw.randrange(1, 12))
    ]


CORRECTIONS = (
    "UPDATE calls SET arrived_ms = arrived_ms - 90000000, menu_ms = NULL WHERE uniqueid = {some}",
    "UPDATE calls SET excluded = NOT excluded, is_test = false, blocked = false WHERE uniqueid = {some}",
    "UPDATE calls SET blocked = true, excluded = true, outcome = NULL, outcome_reason = '' WHERE uniqueid = {some}",
    "UPDATE calls SET line_code = 'tax' WHERE uniqueid = {some}",
    "UPDATE talks SET agent = '1009', hold_ms = hold_ms + 1 WHERE uniqueid = {some}",
    "UPDATE placements SET need = 'other' WHERE uniqueid = {some}",
    "DELETE FROM offers WHERE uniqueid = {some}",
    "DELETE FROM hand_overs WHERE uniqueid = {some}",
    "DELETE FROM calls WHERE uniqueid = {some}",
    "UPDATE presence_history SET presence = 'dialling' WHERE position = {place} AND segment = 1",
    "DELETE FROM presence_history WHERE position = {place} AND segment = 1",
)
"""What a person with SQL, or an import, might do."""


async def correct(engine: AsyncEngine, draw: random.Random) -> None:
    some = f"(SELECT min(uniqueid) FROM calls WHERE uniqueid > 'any-{draw.randrange(10)}')"
    statement = draw.choice(CORRECTIONS).format(some=some, place=draw.randrange(40))
    async with engine.begin() as connection:
        await connection.execute(text(statement))


class Writer:
    """Somebody who writes to the ledger."""

    def __init__(self, name: str, ledger: Ledger, draw: random.Random) -> None:
        self.name = name
        self.ledger = ledger
        self.draw = draw
        self.written = 0

    async def write(self, records: Sequence[Record]) -> None:
        await self.ledger.apply(self.name, entries(records, self.written))
        self.written += len(records)

    async def act_patiently(self, act: str) -> None:
        """Try again while another has SQLite's lock, as the projector does."""
        for _ in range(100):
            try:
                return await self.act(act)
            except (LedgerAway, OperationalError):
                continue
        raise AssertionError(f"{act}: the database never answered")

    async def act(self, act: str) -> None:
        if act == "calls":
            told = [told_call(self.draw, f"any-{self.draw.randrange(40)}") for _ in range(self.draw.randrange(1, 6))]
            await self.write([record for one in told for record in one])
        elif act == "states":
            await self.write(told_states(self.draw))
        elif act == "correction":
            await correct(self.ledger.engine, self.draw)
        elif act == "a slice":
            await refresh(self.ledger.engine, within_s=0)
        else:
            await refresh(self.ledger.engine)


ACTS = st.lists(
    st.sampled_from(("calls", "calls", "states", "states", "correction", "a slice", "all")), min_size=4, max_size=14
)


def test_any_writes_and_refreshes_in_any_order_read_as_the_full_count(database_url: str) -> None:
    numbers = itertools.count()
    with asyncio.Runner() as runner:
        engine = open_engine(database_url)
        runner.run(upgrade(engine))

        @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.randoms(use_true_random=False), ACTS)
        def check(draw: random.Random, acts: list[str]) -> None:
            writer = Writer(f"box-{next(numbers)}", Ledger(engine), draw)
            for act in acts:
                runner.run(writer.act(act))
            assert runner.run(differences(engine, draw)) == []
            assert runner.run(refresh(engine)) == 0
            assert runner.run(differences(engine, draw)) == []

        try:
            check()
        finally:
            runner.run(engine.dispose())


async def filled(engine: AsyncEngine, draw: random.Random) -> Writer:
    """A ledger with calls and states, all of it rolled up."""
    writer = Writer("box", Ledger(engine), draw)
    for act in ("calls", "states") * 8 + ("all",):
        await writer.act(act)
    return writer


async def run_sql(engine: AsyncEngine, statement: str) -> int:
    async with engine.begin() as connection:
        return (await connection.execute(text(statement))).rowcount


async def marked_days(engine: AsyncEngine) -> set[tuple[str, int]]:
    async with engine.connect() as connection:
        return {(row.kind, row.day_ms) for row in await connection.execute(text("SELECT * FROM rollup_marks"))}


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("rolled_quarters", "offered"),
        ("rolled_hours", "offered"),
        ("rolled_days", "seat_answers"),
        ("rolled_lines", "seat_talk_ms"),
        ("rolled_agents", "seat_offers"),
        ("rolled_states", "spent_ready_ms"),
    ],
)
async def test_report_reads_the_rollups_and_not_the_rows(engine: AsyncEngine, table: str, column: str) -> None:
    await filled(engine, random.Random(1))
    assert await differences(engine) == []
    assert await run_sql(engine, f"UPDATE {table} SET {column} = {column} + 1 WHERE {column} > 0")
    assert await differences(engine)


async def test_late_call_marks_its_own_day_only_and_is_counted_before_any_refresh(engine: AsyncEngine) -> None:
    draw = random.Random(2)
    writer = await filled(engine, draw)
    assert await marked_days(engine) == set()
    await writer.write(
        Told("late", BEGIN_MS + DAY_MS + 5).queued(0).talks(3, 9).ends(9, Outcome.AGENT_ANSWERED).records
    )
    assert await marked_days(engine) == {("calls", BEGIN_MS + DAY_MS)}
    assert await differences(engine) == []
    assert await refresh(engine) == 0
    assert await marked_days(engine) == set()
    assert await differences(engine) == []


@pytest.mark.parametrize("choices", [Choices(hold_in_talk=False), Choices(short_s=11, ivr_hangups_offered=False)])
async def test_other_choices_read_as_their_own_full_count(engine: AsyncEngine, choices: Choices) -> None:
    await filled(engine, random.Random(3))
    assert await differences(engine, None, build(choices)) == []


async def test_changed_definition_moves_the_report_at_once(engine: AsyncEngine) -> None:
    await filled(engine, random.Random(4))
    changed = Total("offered", DICTIONARY.totals["outbound_attempts"].measure)
    other = replace(DICTIONARY, totals={**DICTIONARY.totals, "offered": changed})
    edges = PERIODS[-1]
    async with reading(engine) as figures:
        old = await figures.totals(edges, ("offered",))
    async with reading(engine, other) as figures:
        assert await figures.totals(edges, ("offered",)) != old
    assert await differences(engine, None, other) == []


async def test_columns_of_another_version_are_not_believed_and_begun_anew(engine: AsyncEngine) -> None:
    await filled(engine, random.Random(5))
    await run_sql(engine, "UPDATE rolled_definitions SET definition = 'older' WHERE total = 'offered'")
    for table in ("rolled_quarters", "rolled_hours", "rolled_days", "rolled_lines"):
        await run_sql(engine, f"UPDATE {table} SET offered = offered + 7")
    assert await differences(engine) == []
    assert await refresh(engine, anew=False) == 0
    assert await differences(engine) == []
    assert await refresh(engine) == 0
    async with reading(engine) as figures:
        assert isinstance(figures, RolledFigures)
        assert set(figures.kept.columns(DICTIONARY.totals.values())) == set(DICTIONARY.totals)
    assert await differences(engine) == []


async def test_slice_killed_in_the_middle_has_not_happened(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = random.Random(6)
    writer = await filled(engine, draw)
    for act in ("calls", "states", "correction"):
        await writer.act(act)
    before = await marked_days(engine)
    calls = itertools.count(1)

    def killed(*arguments: Any) -> Any:
        if next(calls) == 3:
            raise ZeroDivisionError
        return fill(*arguments)

    monkeypatch.setattr(rollup, "fill", killed)
    with pytest.raises(ZeroDivisionError):
        await refresh(engine)
    assert await marked_days(engine) == before != set()
    assert await differences(engine) == []


async def test_two_services_that_write_and_refresh_at_once_are_read_right_at_every_instant(
    database_url: str, engine: AsyncEngine
) -> None:
    other = open_engine(database_url)
    writers = [Writer(f"box-{n}", Ledger(one), random.Random(n)) for n, one in enumerate((engine, other))]
    readers = random.Random(8)
    found = []

    async def work(writer: Writer) -> None:
        for act in ("calls", "states", "a slice", "correction", "calls", "all", "states", "calls", "a slice"):
            await writer.act_patiently(act)

    async def read(tasks: list[asyncio.Task[None]]) -> None:
        while not all(task.done() for task in tasks):
            found.extend(await differences(engine, readers))

    tasks = [asyncio.create_task(work(writer)) for writer in writers]
    await asyncio.gather(*tasks, read(tasks))
    assert found == []
    assert await refresh(other) == 0
    assert await differences(engine) == []
    await other.dispose()


async def test_emptied_table_is_not_read_from_the_rollups(engine: AsyncEngine) -> None:
    await filled(engine, random.Random(9))
    is_postgresql = engine.dialect.name == "postgresql"
    for table in ("calls", "presence_history"):
        await run_sql(engine, f"TRUNCATE {table} CASCADE" if is_postgresql else f"DELETE FROM {table}")
        assert await differences(engine) == []

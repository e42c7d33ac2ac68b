"""What the board adds up from changed rows is what the ledger's own query gives, on both databases, whatever the order."""

import random
from datetime import UTC

from sqlalchemy.ext.asyncio import AsyncEngine

from callcenter.board.day import hours_of_day
from callcenter.board.live import LiveBoard
from callcenter.board.today import Today
from callcenter.board.view import Trust
from callcenter.storage.count_sql import counting
from callcenter.storage.figures import Group
from callcenter.storage.ledger import Ledger
from callcenter.storage.rolled_figures import reading
from callcenter.storage.rollup import refresh
from metrics.dictionary import FIGURES
from tests.contract.calls_told import NOON_MS, entries
from tests.contract.test_exporter_ledger import a_run
from tests.counted import totals_between
from tests.scenarios.world import PLAN


async def test_records_are_applied_in_batches_of_any_size_the_days_totals_follow(
    ledger: Ledger, engine: AsyncEngine
) -> None:
    dice, today = random.Random(5), Today()
    told = entries(a_run(5))
    hours = hours_of_day(NOON_MS, UTC)
    ledger.on_calls = today.changed
    at = 0
    while at < len(told):
        if at > len(told) // 3 and not today.edges:
            async with reading(engine) as figures:
                today.begin(hours, await figures.totals(hours, today.names, group=Group.LINE))
        size = dice.randrange(1, 60)
        await ledger.apply("box", told[at : at + size])
        at += size
    await ledger.apply("box", told[-3:])  # told again: applied before, so nothing changes
    totals = await totals_between(engine, hours[0], hours[-1])
    assert totals["offered"]
    for name in ("connect_rate", "offered", "agent_answered", "avg_wait_s", "avg_talk_s", today.level):
        assert today.value(name) == FIGURES[name].value(totals), name
        assert today.value(name, "general") == FIGURES[name].value(totals), name
    assert today.abandoned() == str(sum(totals[f"abandoned_{how}"] or 0 for how in ("ivr", "queue", "ringing")))


async def test_board_after_the_start_reads_its_day_with_statements_that_were_written_out_before(
    ledger: Ledger, engine: AsyncEngine
) -> None:
    board = LiveBoard(
        plan=lambda: PLAN,
        engine=lambda: None,
        now=lambda: NOON_MS / 1000,
        trust=lambda is_current: Trust(True, True, is_current, "build"),
        ledger=engine,
    )
    counting.cache_clear()
    board.write_statements()
    written = counting.cache_info().misses
    await ledger.apply("box", entries(a_run(5)))
    await board.between()
    assert board._is_current
    assert counting.cache_info().misses == written
    await refresh(engine)
    board.doubt()
    await board.between()
    assert counting.cache_info().misses == written

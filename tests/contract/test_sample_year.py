"""Drawn years: they have exactly the sums they were drawn from, and their rows are what their records would become."""

from random import Random

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from callcenter.sample.load import load
from callcenter.sample.rows import call_row, offer_rows, placement_rows, talk_rows
from callcenter.sample.sums import YEAR_2020, split
from callcenter.sample.told import told
from callcenter.sample.year import year_of
from callcenter.storage.ledger import Ledger
from callcenter.storage.rolled_figures import reading
from callcenter.storage.tables import calls, offers, placements, presence_history, talks
from tests.contract.calls_told import entries

SMALL = YEAR_2020.scaled(2000)


async def test_rows_are_what_the_records_become(ledger: Ledger, engine: AsyncEngine) -> None:
    drawn = list(year_of(SMALL, seed=4))
    records = [record for call in drawn for record in told(call)]
    for first in range(0, len(records), 500):
        await ledger.apply("box", entries(records[first : first + 500], first))
    async with engine.connect() as connection:
        for table, rows in (
            (calls, [call_row(call) for call in drawn]),
            (placements, [row for call in drawn for row in placement_rows(call)]),
            (offers, [row for call in drawn for row in offer_rows(call)]),
            (talks, [row for call in drawn for row in talk_rows(call)]),
        ):
            folded = [dict(row) for row in (await connection.execute(select(table))).mappings()]
            key = [column.name for column in table.primary_key]
            by_key = {tuple(row[name] for name in key): row for row in folded}
            assert by_key == {tuple(row[name] for name in key): row for row in rows}


async def test_loaded_year_has_the_sums_it_was_drawn_from(engine: AsyncEngine) -> None:
    assert await load(engine, year_of(SMALL)) == SMALL.offered + SMALL.outbound + SMALL.unreached
    names = ("offered", "agent_answered", "wait_ms", "talk_in_ms", "longest_in_ms", "outbound_attempts")
    names += ("outbound_answered", "talk_out_ms", "longest_out_ms")
    async with reading(engine) as figures:
        found = await figures.totals((SMALL.from_ms, SMALL.to_ms), names)
    assert tuple(found[SMALL.from_ms, ""].values()) == (
        *(SMALL.offered, SMALL.answered, SMALL.wait_ms, SMALL.talk_in_ms, SMALL.longest_in_ms),
        *(SMALL.outbound + SMALL.unreached, SMALL.outbound, SMALL.talk_out_ms, SMALL.longest_out_ms),
    )
    async with engine.connect() as connection:
        assert (await connection.execute(select(presence_history).limit(1))).first() is not None


def test_split_keeps_sum_count_and_largest_or_says_that_it_cannot() -> None:
    for count, total, longest in (
        (5, 100, 20),
        (1, 7, 7),
        (400, 9000, 8000),
        (7, 0, None),
        (0, 0, None),
        (90, 100, None),
    ):
        parts = split(Random(1), count, total, longest)
        assert (len(parts), sum(parts)) == (count, total)
        assert min(parts, default=0) >= 0 and (longest is None or max(parts) == longest)
    for count, total, longest in ((5, 100, 19), (2, 5, 6), (0, 1, None)):
        with pytest.raises(ValueError, match="cannot add up"):
            split(Random(1), count, total, longest)


def test_drawn_year_has_as_many_offers_a_call_as_a_busy_centre() -> None:
    drawn = [call for call in year_of(YEAR_2020.scaled(60)) if call.direction == "inbound"]
    assert 1.1 <= sum(len(list(offer_rows(call))) for call in drawn) / len(drawn) < 1.2

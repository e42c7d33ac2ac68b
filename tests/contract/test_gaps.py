"""Times in which nobody watched are rows of the ledger, on both databases; a gap that was read stays read."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.records import GapTold
from callcenter.storage.ledger import Ledger
from callcenter.storage.rolled_figures import reading
from metrics.completeness import Gap
from tests.contract.calls_told import NOON_MS, entries

TOLD = GapTold("pbx-1", NOON_MS, NOON_MS + 35_000, has_restarted=True)
READ = GapTold("pbx-1", NOON_MS, NOON_MS + 35_000, has_restarted=True, is_read=True)
OTHER = GapTold("pbx-2", NOON_MS + 20_000, NOON_MS + 60_000)


async def gaps(engine: AsyncEngine, from_ms: int, to_ms: int) -> list[Gap]:
    async with reading(engine) as figures:
        return list(await figures.gaps(from_ms, to_ms))


@pytest.mark.parametrize("records", [[TOLD, READ], [READ, TOLD], [READ, READ, TOLD, TOLD]])
async def test_gap_told_and_read_in_any_order_is_one_row_and_stays_read(
    ledger: Ledger, engine: AsyncEngine, records: list[GapTold]
) -> None:
    for number, record in enumerate(records):
        await ledger.apply(f"outbox-{number}", entries([record]))

    assert await gaps(engine, 0, 2**53) == [Gap("pbx-1", NOON_MS, NOON_MS + 35_000, True, True)]
    assert await ledger.quarantine() == []


async def test_gaps_are_cut_to_the_period_and_those_beside_it_left_out(ledger: Ledger, engine: AsyncEngine) -> None:
    await ledger.apply("outbox", entries([TOLD, OTHER]))

    found = await gaps(engine, NOON_MS + 30_000, NOON_MS + 40_000)

    assert [(gap.pbx, gap.length_ms, gap.is_read) for gap in found] == [
        ("pbx-1", 5_000, False),
        ("pbx-2", 10_000, False),
    ]
    assert await gaps(engine, NOON_MS - 10, NOON_MS) == []
    assert await gaps(engine, NOON_MS + 60_000, NOON_MS + 70_000) == []


async def test_gap_that_ends_before_it_began_is_empty(ledger: Ledger, engine: AsyncEngine) -> None:
    await ledger.apply("outbox", entries([GapTold("pbx-1", NOON_MS + 5, NOON_MS)]))

    assert [gap.length_ms for gap in await gaps(engine, NOON_MS - 1, NOON_MS + 1)] == [0]


async def test_gap_that_went_on_takes_the_place_of_its_piece_and_a_piece_of_it_is_no_news(
    ledger: Ledger, engine: AsyncEngine
) -> None:
    piece = GapTold("pbx-1", NOON_MS, NOON_MS + 10_000, is_read=True)
    beside = GapTold("pbx-2", NOON_MS + 1_000, NOON_MS + 9_000)
    whole = Gap("pbx-1", NOON_MS, NOON_MS + 35_000, True, False)

    await ledger.apply("outbox", entries([piece, beside, TOLD]))
    assert await gaps(engine, 0, 2**53) == [whole, Gap("pbx-2", NOON_MS + 1_000, NOON_MS + 9_000)]

    await ledger.apply("reconcile", entries([piece]))
    assert (await gaps(engine, 0, 2**53))[0] == whole

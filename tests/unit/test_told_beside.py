"""A command tells gaps beside the running service: it lets go of them, and reads its figures anew."""

import asyncio
from typing import Any

import pytest

from acd.names import CallId
from callcenter.rebuild.beside import notice
from callcenter.rebuild.gaps import SOURCE, Gaps
from callcenter.rebuild.look_back import LookBack
from callcenter.storage.errors import LedgerAway
from callcenter.storage.live_state import MemoryLiveState
from callcenter.storage.outbox import Position
from tests.unit.cel_timeline import ms
from tests.unit.rebuild_world import PEOPLE, plan

KNOWN, LOST = CallId("pbx", "pbx-1"), CallId("pbx", "pbx-2")


class Ledger:
    """Positions as scripted (None: away), one gap read, one call with an outcome."""

    def __init__(self, *positions: Position | None, of: str = SOURCE) -> None:
        self.ledger = self.reader = self
        self.identity = "ours"
        self.scripted = list(positions)
        self.of = of

    async def positions(self) -> dict[str, Position]:
        if not self.scripted:
            raise asyncio.CancelledError
        if (found := self.scripted.pop(0)) is None:
            raise LedgerAway("away")
        return {self.of: found, self.identity: Position(1, len(self.scripted))}

    async def read_gaps(self) -> dict[str, list[int]]:
        return {"pbx": [ms(30)], "other": [ms(40)]}

    async def call(self, pbx: str, uniqueid: str) -> dict[str, Any]:
        return {"outcome": "abandoned_queue" if CallId(pbx, uniqueid) == KNOWN else None}


class Board:
    """Counts doubts."""

    doubts = 0

    def doubt(self) -> None:
        self.doubts += 1


async def noticed(
    *positions: Position | None, of: str = SOURCE, stands_by: bool = False
) -> tuple[int, list[int], set[CallId]]:
    """Doubts, ends of the gaps that are left, calls that are still unknown."""
    gaps, ledger, board = Gaps(MemoryLiveState()), Ledger(*positions, of=of), Board()
    gaps.watched("pbx", ms(1))
    for at_s in (30, 40):
        gaps.open("pbx", ms(at_s), "", PEOPLE)
    back = LookBack(gaps, ledger, end=lambda: Position(1, 0), record=lambda records: None, cel=None, plan=plan)  # type: ignore[arg-type]  # a stand-in
    back.unknown |= {KNOWN, LOST}
    with pytest.raises(asyncio.CancelledError):
        followers: Any = [board]  # a stand-in
        await notice(back, followers, lambda: stands_by, sleep=lambda s: asyncio.sleep(0))
    return board.doubts, [gap.to_ms for gap in gaps.unread("pbx", ms(50))], back.unknown


@pytest.mark.parametrize(
    ("positions", "doubts"),
    [
        ((None, Position(0, 5), None, Position(0, 5)), 0),
        ((Position(0, 5), Position(0, 9), Position(0, 9), None, Position(0, 9)), 1),
    ],
    ids=["told before the start", "told beside it"],
)
async def test_command_told_something_its_gap_is_let_go_and_figures_are_read_anew_once(
    positions: tuple[Position | None, ...], doubts: int
) -> None:
    assert await noticed(*positions) == (doubts, [ms(40)], {LOST})


async def test_stand_by_brings_what_it_had_decided_into_the_ledger_the_leaders_figures_are_read_anew() -> None:
    """Once killed as the leader, it is back with records that nobody had stored."""
    doubts, _, _ = await noticed(Position(3, 5), Position(3, 9), Position(3, 9), Position(3, 11), of="theirs")
    assert doubts == 2


async def test_leader_writes_as_it_does_all_day_the_stand_by_reads_nothing_of_it() -> None:
    doubts, _, _ = await noticed(Position(3, 5), Position(3, 9), Position(3, 11), of="theirs", stands_by=True)
    assert doubts == 0


async def test_ledger_is_away_nothing_is_let_go() -> None:
    assert await noticed(None, None) == (0, [ms(30), ms(40)], {KNOWN, LOST})

"""The keeper of sound files: each closed one is judged once; what a dead service left is taken up after the restart."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from acd.names import CallId, EndedBy, RecordingKind, RecordingStatus, Via
from acd.records import (
    CallClosed,
    Noted,
    Record,
    RecordingClosed,
    RecordingJudged,
    RecordingOpened,
    RecordingPaused,
    TalkClosed,
    TalkOpened,
)
from callcenter import recordings, sound_file
from callcenter.recordings import RecordingKeeper
from callcenter.storage.outbox import Position
from tests.unit.test_sound_file import PATH, a_file

CALL = CallId("pbx1", "u1")


class Told:
    """What the keeper told; the keeper hears it again, as from the driver."""

    def __init__(self, folder: Path | None) -> None:
        self.records: list[Record] = []
        self.news = asyncio.Event()
        self.keeper = RecordingKeeper(folder, self.tell, lambda: 77)

    def tell(self, records: Sequence[Record]) -> None:
        self.records += records
        self.keeper.observe(records)
        self.news.set()

    async def judged(self, count: int) -> list[RecordingJudged]:
        async with asyncio.timeout(20):
            while len(found := [one for one in self.records if isinstance(one, RecordingJudged)]) < count:
                self.news.clear()
                await self.news.wait()
        return found


class Ledger:
    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.asked = 0

    async def unjudged_recordings(self, pbx: str) -> list[dict[str, Any]]:
        self.asked += 1
        return self.rows


class Projector:
    """Away at the first look, behind at the second."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.looks = 0

    @property
    def away(self) -> str | None:
        self.looks += 1
        return "gone" if self.looks == 1 else None

    @property
    def position(self) -> Position:
        return Position(1, 100 if self.looks > 2 else 50)

    def depth_bytes(self) -> int:
        return 9


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[Told]:
    told = Told(tmp_path)
    task = asyncio.create_task(told.keeper.run())
    yield told
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_file_is_closed_it_is_judged_and_other_records_are_not(told: Told, tmp_path: Path) -> None:
    a_file(tmp_path, 1.0)
    told.keeper.observe([RecordingOpened(CALL, 1, RecordingKind.TALK, PATH), RecordingClosed(CALL, 2, PATH, 16_044)])
    (judged,) = await told.judged(1)
    assert (judged.call, judged.at_ms, judged.path, judged.status) == (CALL, 77, PATH, RecordingStatus.KEPT)
    assert (judged.size, judged.length_ms, len(judged.sha256)) == (16_044, 1000, 64)


@pytest.mark.parametrize(
    ("length_s", "is_short"), [(5.0, False), (4.1, False), (3.5, True)], ids=["whole", "a-little-less", "cut-off"]
)
async def test_file_is_clearly_shorter_than_the_talk_without_its_pause_it_is_kept_and_noted(
    told: Told, tmp_path: Path, length_s: float, is_short: bool
) -> None:
    a_file(tmp_path, length_s)
    talk = TalkOpened(CALL, "1-1", 1000, "8001", "seat", "1001", Via.ENGINE)
    second = TalkOpened(CALL, "1-2", 2000, "701", "specialist", "701", Via.ENGINE)
    pause = [RecordingPaused(CALL, at_ms, PATH, at_ms == 4000) for at_ms in (4000, 9000)]
    told.keeper.observe([talk, second, *pause, TalkClosed(CALL, "1-1", 10_000, 0), TalkClosed(CALL, "1-2", 11_000, 0)])
    told.keeper.observe([RecordingClosed(CALL, 11_000, PATH, None), CallClosed(CALL, 11_000, EndedBy.AGENT, None, "")])
    (judged,) = await told.judged(1)
    assert judged.status is RecordingStatus.KEPT
    notes = [one.detail for one in told.records if isinstance(one, Noted)]
    assert notes == (["3500 of 5000 ms"] if is_short else [])


async def test_file_is_missing_the_log_says_whose(told: Told, caplog: pytest.LogCaptureFixture) -> None:
    told.keeper.observe([RecordingClosed(CALL, 2, PATH, 0)])
    (judged,) = await told.judged(1)
    assert judged.status is RecordingStatus.NOT_RECORDED
    assert "pbx1/u1 is not recorded" in caplog.text


async def test_look_fails_in_a_way_of_its_own_the_next_file_is_judged(
    told: Told, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def look(folder: Path | None, path: str, size: int | None) -> sound_file.Look:
        if path == "first":
            raise MemoryError
        return sound_file.look_at(folder, path, size)

    monkeypatch.setattr(recordings, "look_at", look)
    told.keeper.observe([RecordingClosed(CALL, 2, "first", 1), RecordingClosed(CALL, 2, PATH, 0)])
    (judged,) = await told.judged(1)
    assert judged.path == PATH
    assert "first of pbx1/u1 was not looked at" in caplog.text


async def test_service_died_open_files_of_dead_calls_are_closed_and_all_unjudged_ones_judged_once(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "LOOK_S", 0.0)
    rows = [
        {"uniqueid": "open", "path": "a", "closed_ms": None, "size": None},
        {"uniqueid": "closed", "path": "b", "closed_ms": 5, "size": 0},
        {"uniqueid": "lives", "path": "c", "closed_ms": None, "size": None},
    ]
    ledger = Ledger(rows)
    for _ in range(2):
        await told.keeper.settle("pbx1", ["lives"], Projector(ledger), Position(1, 100))  # type: ignore[arg-type]  # a stand-in
    judged = await told.judged(2)
    assert {(one.call.uniqueid, one.path) for one in judged} == {("open", "a"), ("closed", "b")}
    assert [one for one in told.records if isinstance(one, RecordingClosed)] == [
        RecordingClosed(CallId("pbx1", "open"), 77, "a", None)
    ]
    assert ledger.asked == 1

"""Looking back, with a real file and a ledger of our own: late rows are waited for, what CEL does not tell is said."""

import asyncio
import gc
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from acd.names import CallId, EndedBy, Outcome
from acd.records import CallClosed, CallOpened, GapTold, Noted, Record
from callcenter import unwatched
from callcenter.courtesy import giving_way
from callcenter.rebuild import look_back
from callcenter.rebuild.gaps import Gaps
from callcenter.rebuild.look_back import REBUILT, UNKNOWN, LookBack
from callcenter.rebuild.lost import LEDGER_BEHIND
from callcenter.storage.call_fold import CallStory
from callcenter.storage.live_state import MemoryLiveState
from callcenter.storage.outbox import Position
from callcenter.storage.outbox_reader import OutboxReader
from tests.unit.cel_timeline import ms
from tests.unit.rebuild_world import PEOPLE, Ledger, Spoken, plan

CALL = CallId("pbx", "pbx-1")


class Projector:
    """All that was recorded is in the ledger at once."""

    away = None
    position = Position(9, 9)

    def __init__(self, folder: Path) -> None:
        self.has_begun = asyncio.Event()
        self.has_begun.set()
        self.reader = OutboxReader(folder)
        self.ledger = self
        self.kept = Ledger()
        self.records: list[Record] = []

    def depth_bytes(self) -> int:
        return 0

    def record(self, records: Sequence[Record]) -> None:
        self.records += records
        self.kept.take(one for one in records if not isinstance(one, Noted | GapTold))

    async def lived_in(self, pbx: str, from_ms: int, to_ms: int) -> dict[CallId, CallStory]:
        return dict(self.kept.stories)

    async def last_arrival(self, pbx: str, before_ms: int) -> int | None:
        return max((ms for row in self.kept.rows() if (ms := row["arrived_ms"]) < before_ms), default=None)

    async def open_calls(self, pbx: str) -> list[dict[str, object]]:
        return [row for row in self.kept.rows() if row["ended_ms"] is None]


class Scene:
    """A file, a gap from second 1 to 30, a ledger that knows one open call."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "callcenter.csv"
        self.projector = Projector(folder)
        self.gaps = Gaps(MemoryLiveState())
        opened = CallOpened(CALL, ms(0.001), "general", "12345", "138", "", "", False, "gz")
        self.projector.kept.take([opened])
        self.look_back = LookBack(
            self.gaps,
            self.projector,  # type: ignore[arg-type]  # a stand-in
            end=lambda: Position(1, 0),
            record=self.projector.record,
            cel=str(self.path),
            plan=plan,
        )

    async def run(self) -> None:
        self.gaps.watched("pbx", ms(1))
        await self.look_back.run(self.gaps.open("pbx", ms(30), "", PEOPLE), ())

    def write(self, lines: list[str]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))

    def notes(self) -> list[str]:
        return [one.what for one in self.projector.records if isinstance(one, Noted)]

    def gaps_told(self) -> list[tuple[int, int, bool]]:
        told = [one for one in self.projector.records if isinstance(one, GapTold)]
        return [(one.from_ms, one.at_ms, one.is_read) for one in told]

    def outcome(self) -> object:
        return self.projector.kept.row()["outcome"]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(unwatched, "LOOK_S", 0.0)
    monkeypatch.setattr(look_back, "LOOKS_S", (0.0, 0.01, 0.02))
    return Scene(tmp_path)


def gave_up() -> list[str]:
    cel = Spoken()
    cel.arrives(0)
    cel.ends(9, "trunk", by="trunk")
    return cel.lines


async def test_open_call_is_told_and_the_gap_is_done(scene: Scene) -> None:
    scene.write(gave_up())
    await scene.run()
    assert (scene.outcome(), scene.notes()) == ("abandoned_queue", [REBUILT])
    assert scene.gaps_told() == [(ms(1), ms(30), False), (ms(1), ms(30), True)]
    assert (scene.gaps.unread("pbx", ms(30)), scene.look_back.unknown) == ([], set())


async def test_end_is_written_late_it_is_waited_for(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look_back, "LOOKS_S", (0.05,) * 20)
    lines = gave_up()
    scene.write(lines[:-1])
    task = asyncio.ensure_future(scene.run())
    while not scene.look_back.looks:  # noqa: ASYNC110 -- a worker thread reads, it sets no event
        await asyncio.sleep(0)
    scene.write(lines[-1:])
    await task
    assert (scene.outcome(), scene.notes()) == ("abandoned_queue", [REBUILT])


async def test_no_cel_call_is_closed_as_unknown_and_told_at_the_next_start(scene: Scene) -> None:
    await scene.run()
    assert scene.projector.records[-1] == CallClosed(CALL, ms(30), EndedBy.UNKNOWN, None, "")
    assert (scene.notes(), scene.look_back.unknown) == ([UNKNOWN], {CALL})
    assert scene.gaps_told() == [(ms(1), ms(30), False)]
    scene.write(gave_up())
    await scene.look_back.run(scene.gaps.open("pbx", ms(31), "", PEOPLE), ())
    assert scene.outcome() == Outcome.ABANDONED_QUEUE
    assert scene.projector.kept.row()["ended_ms"] == ms(9)
    assert (scene.gaps.unread("pbx", ms(31)), scene.look_back.unknown) == ([], set())


async def test_end_is_not_in_cel_call_is_unknown_and_a_note_names_it(scene: Scene) -> None:
    before = Spoken()
    before.arrives(-20, "earlier")
    scene.write([line.replace("pbx-1", "pbx-0") for line in before.lines])
    scene.write(gave_up()[:-1])
    await scene.run()
    assert (scene.outcome(), scene.notes(), scene.look_back.unknown) == (None, [UNKNOWN], {CALL})
    (note,) = [one for one in scene.projector.records if isinstance(one, Noted)]
    assert "pbx-1" in note.detail
    assert scene.gaps.unread("pbx", ms(30)) == []  # its rows are all there: nothing more will come


@pytest.mark.parametrize("left", [str(ms(25)), ""])
async def test_ledger_was_put_back_lost_time_is_a_gap_and_its_calls_are_told(scene: Scene, left: str) -> None:
    scene.projector.kept.take([CallClosed(CALL, ms(0.5), EndedBy.CALLER, Outcome.ABANDONED_QUEUE, "")])
    cel = Spoken()
    cel.arrives(-20)
    cel.ends(-19, "trunk", by="trunk")
    cel.arrives(10, "lost")
    cel.offered(11, "8101", "3-1", "lost")
    cel.begins(11, "leg", "lost", "8101")
    cel.talks(12, 20, "leg", caller="lost")
    cel.ends(21, "lost", by="trunk")
    scene.write(cel.lines)
    mark = scene.projector.reader.folder / "lost"
    mark.write_text(left, encoding="ascii")
    scene.gaps.watched("pbx", ms(29))
    await scene.look_back.run(scene.gaps.open("pbx", ms(30), "", PEOPLE), ())
    until = ms(25 if left else 29)
    assert (ms(0.001), until, False) in scene.gaps_told() and (ms(0.001), until, True) in scene.gaps_told()
    assert scene.notes() == [LEDGER_BEHIND, REBUILT]
    (talk,) = scene.projector.kept.talks("pbx-2")
    assert (talk["agent"], talk["kind"]) == ("8101", "unknown")  # who sat there is lost, too
    assert (scene.gaps.unread("pbx", ms(30)), mark.exists()) == ([], False)


async def test_ledger_is_a_new_one_what_was_told_to_another_is_said(scene: Scene) -> None:
    scene.projector.kept.stories.clear()
    (scene.projector.reader.folder / "lost").write_text(str(ms(25)), encoding="ascii")
    scene.gaps.watched("pbx", ms(29))
    await scene.look_back.run(scene.gaps.open("pbx", ms(30), "", PEOPLE), ())
    assert (scene.notes(), scene.gaps_told()) == ([LEDGER_BEHIND], [(ms(29), ms(30), False)])


async def test_link_blinked_nothing_was_open_nothing_is_said(scene: Scene) -> None:
    scene.projector.kept.stories.clear()
    scene.gaps.watched("pbx", ms(29))
    await scene.look_back.run(scene.gaps.open("pbx", ms(30), "", PEOPLE), ())
    assert scene.projector.records == [GapTold("pbx", ms(29), ms(30))]


def test_heavy_work_gives_way_and_leaves_the_process_as_it_was() -> None:
    before = (sys.getswitchinterval(), gc.isenabled())
    with pytest.raises(ZeroDivisionError), giving_way():
        with giving_way():  # another thread's work meanwhile: the last one sets back
            pass
        assert (sys.getswitchinterval() < before[0], gc.isenabled()) == (True, False)
        raise ZeroDivisionError
    assert (sys.getswitchinterval(), gc.isenabled()) == before


async def test_end_that_is_still_to_come_is_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look_back, "LOOKS_S", ())
    scene, cel = Scene(tmp_path), Spoken()
    cel.arrives(0.0)
    cel.ends(20.0, "trunk", by="trunk")
    scene.write([line.replace("1700000020.000000", "2800000000.000000") for line in cel.lines])

    await scene.run()

    row = scene.projector.kept.row()
    assert (row["ended_ms"], row["ended_by"]) == (ms(30), EndedBy.UNKNOWN)
    assert scene.notes() == [UNKNOWN]

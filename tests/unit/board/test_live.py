"""The live board: what it tells when something happens, and that what it tells makes the whole state."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from acd import events as ev
from acd.engine import Engine
from acd.names import LineState
from acd.plan import Exit
from acd.records import Record
from callcenter.board import live
from callcenter.board.delta import applied
from callcenter.board.fanout import Screen
from callcenter.board.live import LiveBoard
from callcenter.board.view import SECTIONS, Trust
from callcenter.storage.database import open_engine
from callcenter.storage.followers import follow
from callcenter.storage.ledger import Ledger
from callcenter.storage.migrate import upgrade
from metrics.choices import Choices
from metrics.dictionary import build
from tests.contract.calls_told import NOON_MS, Told, all_records, entries, worked_example
from tests.scenarios.world import PLAN, T0, Timeline, ms

NOW = NOON_MS / 1000 + 3600


class Hall:
    """A board over an engine whose clock stands where a test puts it."""

    def __init__(self, ledger: AsyncEngine, now: float = T0 + 100) -> None:
        self.t = Timeline()
        self.now = now
        self.leads = True
        self.board = LiveBoard(
            plan=lambda: self.t.engine.plan,
            engine=self.engine,
            now=lambda: self.now,
            trust=lambda is_current: Trust(True, self.leads, is_current, "build"),
            ledger=ledger,
        )

    def engine(self) -> Engine | None:
        return self.t.engine if self.leads else None

    def happened(self) -> None:
        """Tell the board what the timeline said since the last time."""
        self.board.observe([one for _, one in self.t.said if isinstance(one, Record)])
        self.t.said.clear()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(f"sqlite+aiosqlite:///{tmp_path / 'ledger.sqlite3'}")
    await upgrade(engine)
    yield engine
    await engine.dispose()


@asynccontextmanager
async def running(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(live, "TICK_S", 0.001)
    monkeypatch.setattr(live, "BEAT_S", 0.02)
    task = asyncio.create_task(hall.board.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class Reader:
    """What the page does with the messages."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.state: Mapping[str, Any] = {}
        self.number: int | None = None
        self.kinds: list[str] = []

    async def read(self) -> None:
        text = await self.screen.taken()
        assert text is not None
        for one in text.decode().strip().split("\n\n"):
            kind, data = one.split("\n", 1)
            self.kinds.append(kind.removeprefix("event: "))
            message = json.loads(data.removeprefix("data: "))
            if self.kinds[-1] == "state":
                self.state, self.number = message["state"], message["number"]
            elif self.kinds[-1] == "delta":
                assert message["number"] == (self.number or 0) + 1
                self.number, self.state = message["number"], applied(self.state, message["delta"])
            else:
                assert message["number"] == self.number

    async def until(self, holds: Any) -> None:
        async with asyncio.timeout(20):
            while not holds(self.state):
                await self.read()


async def test_callers_come_and_go_screens_follow_by_differences(
    database: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall = Hall(database)
    async with running(hall, monkeypatch):
        reader = Reader(hall.board.join("me"))
        await reader.read()
        assert set(reader.state) == set(SECTIONS)
        hall.t.login(1, "1001")
        hall.t.arrive(2, "a", caller_number="13812345678<b>")
        hall.t.arrive(40, "b")
        hall.happened()
        await reader.until(lambda state: state["figures"]["waiting"]["text"] == "2")
        assert {row["number"] for row in reader.state["callers"].values()} == {"138****5678", ""}
        assert reader.state["agents"]["1001"]["state"] == "ringing"
        assert reader.state["lines"]["general"]["from_ms"] == ms(2)
        assert reader.state["figures"]["oldest_wait"] == {"from_ms": ms(2), "level": "alarm"}
        hall.t.gone(50, "a")
        hall.t.gone(51, "b")
        hall.happened()
        await reader.until(lambda state: state["figures"]["waiting"]["text"] == "0")
        assert reader.state["callers"] == {}
        late = Reader(hall.board.join("late"))
        await late.read()
        await reader.until(lambda state: reader.number == late.number or late.state == state)
        assert late.state == reader.state
    assert reader.kinds[0] == "state"
    assert set(reader.kinds[1:]) <= {"delta", "beat"}


async def test_nothing_happens_a_beat_comes_all_the_same(
    database: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall = Hall(database)
    async with running(hall, monkeypatch):
        reader = Reader(hall.board.join("me"))
        async with asyncio.timeout(20):
            while reader.kinds.count("beat") < 3:
                await reader.read()


async def test_line_is_renamed_and_drained_while_watched_the_screen_shows_it(
    database: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall = Hall(database)
    async with running(hall, monkeypatch):
        reader = Reader(hall.board.join("me"))
        await reader.read()
        renamed = replace(PLAN.lines["general"], name="新名<script>", name_en="")
        hall.t.tell(1, ev.PlanChanged(replace(PLAN, lines={**PLAN.lines, "general": renamed}), ms(1)))
        hall.t.tell(2, ev.LineOrdered("enterprise", LineState.EMERGENCY, ms(2), Exit(line="general"), "me", ""))
        hall.happened()
        await reader.until(lambda state: state["lines"]["general"]["name"] == "新名<script>")
        assert reader.state["lines"]["general"]["name_en"] == "新名<script>"
        shown = reader.state["lines"]["enterprise"]
        assert (shown["state"], shown["to"]) == ("emergency", "general")


async def test_hours_of_every_line_are_over_nobody_is_logged_in_that_is_an_alarm_no_more(
    database: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall = Hall(database)
    async with running(hall, monkeypatch):
        reader = Reader(hall.board.join("me"))
        await reader.read()
        assert reader.state["figures"]["ready"]["level"] == "alarm"
        closed = {code: replace(line, is_open=False) for code, line in PLAN.lines.items()}
        hall.t.tell(1, ev.PlanChanged(replace(PLAN, lines=closed), ms(1)))
        hall.happened()
        await reader.until(lambda state: state["figures"]["ready"]["level"] == "none")
        assert {line["state"] for line in reader.state["lines"].values()} == {"closed"}


async def test_service_does_not_lead_any_more_the_screen_says_so(
    database: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall = Hall(database)
    hall.t.arrive(1, "a")
    async with running(hall, monkeypatch):
        reader = Reader(hall.board.join("me"))
        await reader.read()
        hall.leads = False
        await reader.until(lambda state: not state["service"]["leader"])
        assert reader.state["figures"]["waiting"]["text"] == "0"


async def test_board_meets_an_error_of_ours_it_goes_on_and_the_log_says_so(
    database: AsyncEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hall = Hall(database)
    is_broken, met = True, asyncio.Event()

    def broken(*values: object) -> dict[str, dict[str, object]]:
        if is_broken:
            met.set()
            raise RuntimeError("a fault")
        return {"service": {"build": "after"}}

    async with running(hall, monkeypatch):
        reader = Reader(hall.board.join("me"))
        await reader.read()
        monkeypatch.setattr(live, "compose", broken)
        async with asyncio.timeout(20):
            await met.wait()
        is_broken = False
        await reader.until(lambda state: state["service"].get("build") == "after")
    assert "could not be brought up to date" in caplog.text


# the ledger ------------------------------------------------------------------------------------------------------------


async def test_calls_are_stored_today_is_that_of_the_ledger_from_the_start_on(database: AsyncEngine) -> None:
    ledger, hall = Ledger(database), Hall(database, NOW)
    ledger.on_calls = hall.board.settled
    before = Told("before", NOON_MS).talks(5, 60).ends(60, None)
    await ledger.apply("outbox-1", entries(before.records))
    await hall.board.between()
    await ledger.apply("outbox-2", entries(all_records(worked_example())))
    figures = json.loads(hall.board._whole().decode().split("data: ")[1])["state"]["figures"]
    shown = {name: figures[name]["text"] for name in ("offered", "agent_answered", "abandoned", "connect_rate")}
    assert shown == {"offered": "7", "agent_answered": "3", "abandoned": "2", "connect_rate": "42.9%"}


async def test_nobody_saw_how_a_transaction_ended_the_day_is_read_again(database: AsyncEngine) -> None:
    ledger, hall = Ledger(database), Hall(database, NOW)
    await hall.board.between()
    await ledger.apply("outbox-1", entries(all_records(worked_example())))  # of another process: nobody tells us
    await hall.board.between()
    assert hall.board._today.text("offered") == "0"
    hall.board.doubt()
    await hall.board.between()
    assert hall.board._today.text("offered") == "6"


async def test_day_is_over_the_next_one_begins_empty(database: AsyncEngine) -> None:
    ledger, hall = Ledger(database), Hall(database, NOW)
    await ledger.apply("outbox-1", entries(all_records(worked_example())))
    await hall.board.between()
    assert hall.board._today.text("offered") == "6"
    hall.now += 86_400
    await hall.board.between()
    assert hall.board._today.text("offered") == "0"


async def test_plan_chooses_another_threshold_the_board_shows_that_rate_as_the_report_does(
    database: AsyncEngine,
) -> None:
    ledger, hall = Ledger(database), Hall(database, NOW)
    await ledger.apply("outbox-1", entries(all_records(worked_example())))
    chosen = [build(), build(Choices(level_s=30))]
    hall.board._dictionary = lambda: chosen[-1]
    await hall.board.between()
    figures = json.loads(hall.board._whole().decode().split("data: ")[1])["state"]
    assert (figures["service"]["level_s"], figures["figures"]["service_level"]["text"]) == (30, "50.0%")


async def test_row_of_the_ledger_is_not_as_expected_the_day_is_read_again(
    database: AsyncEngine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger, hall = Ledger(database), Hall(database, NOW)
    follow(ledger, tmp_path, (hall.board,))
    await ledger.apply("outbox-1", entries(all_records(worked_example())))
    await hall.board.between()
    ledger.on_calls([(None, {"arrived_ms": NOON_MS})])
    assert "LiveBoard could not follow the ledger: it is read anew" in caplog.text
    await hall.board.between()
    assert hall.board._today.text("offered") == "6"

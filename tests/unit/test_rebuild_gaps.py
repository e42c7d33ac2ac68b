"""Gaps are kept until they were read, and no longer than sense has it."""

import asyncio
import sqlite3

import pytest

from callcenter.rebuild.gaps import KEEP_GAPS, KEEP_MS, MARGIN_MS, Gaps, Person
from callcenter.storage.live_state import MemoryLiveState

PEOPLE = {"8101": Person("1001", "seat")}


def test_gap_runs_from_the_last_watched_instant_to_the_snapshot() -> None:
    gaps = Gaps(MemoryLiveState())
    gaps.watched("a", 1_000_000)
    gap = gaps.open("a", 1_060_000, "", PEOPLE)
    assert (gap.watched_ms, gap.from_ms, gap.to_ms) == (1_000_000, 1_000_000 - MARGIN_MS, 1_060_000)
    assert gaps.open("a", 1_061_000, "", {}).watched_ms == 1_060_000
    assert gaps.open("b", 1_061_000, "", {}).watched_ms == 1_061_000  # never watched: nothing was missed


async def test_pbx_has_no_name_before_the_first_connect_later_instants_are_kept_under_its_name() -> None:
    gaps = Gaps(MemoryLiveState())
    now = ("", False, 1_000)
    later = [("a", True, 2_000), ("a", True, 3_000), ("a", False, 4_000)]

    async def sleep(_: float) -> None:
        nonlocal now
        if not later:
            raise asyncio.CancelledError
        now = later.pop(0)

    with pytest.raises(asyncio.CancelledError):
        await gaps.follow(lambda: now[0], lambda: now[1], lambda: now[2], sleep=sleep)
    assert gaps.open("a", 60_000, "", {}).watched_ms == 3_000


async def test_disk_is_full_for_a_while_it_is_said_once_and_the_instant_is_kept_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Full(MemoryLiveState):
        """Takes nothing at first."""

        tries = 0

        def put(self, name: str, value: str) -> None:
            self.tries += 1
            if self.tries <= 3:
                raise sqlite3.OperationalError("database or disk is full")
            super().put(name, value)

    live, now_ms = Full(), 1_000

    async def sleep(_: float) -> None:
        nonlocal now_ms
        now_ms += 1_000
        if now_ms > 6_000:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await Gaps(live).follow(lambda: "a", lambda: True, lambda: now_ms, sleep=sleep)
    assert live.get("watched:a") == "6000"
    assert caplog.text.count("disk is full") == 1


def test_gap_that_was_not_read_is_there_after_a_restart_with_its_people() -> None:
    live = MemoryLiveState()
    Gaps(live).watched("a", 1_000)
    first = Gaps(live).open("a", 50_000, "2026-11-24 04:00:00", PEOPLE)
    second = Gaps(live).open("a", 90_000, "2026-11-24 04:01:00", {})
    assert Gaps(live).unread("a", 90_000) == [first, second]
    assert (first.has_restarted, second.has_restarted) == (False, True)
    Gaps(live).done(first)
    assert Gaps(live).unread("a", 90_000) == [second]
    assert Gaps(live).unread("b", 90_000) == []


def test_old_and_countless_gaps_are_given_up() -> None:
    live = MemoryLiveState()
    gaps = Gaps(live)
    gaps.open("a", 1_000, "", {})
    for number in range(KEEP_GAPS + 5):
        gaps.open("a", KEEP_MS + 2_000 + number, "", {})
    unread = gaps.unread("a", KEEP_MS + 5_000)
    assert [gap.to_ms for gap in unread] == [KEEP_MS + 2_000 + n for n in range(5, KEEP_GAPS + 5)]
    assert len(live.values("gap:")) == KEEP_GAPS


def test_time_that_nobody_watched_is_untold_until_its_gap_was_read() -> None:
    live = MemoryLiveState()
    gaps = Gaps(live)
    assert gaps.untold_ms("a", 0, 99_000, is_watched=False) == 0, "never watched: nothing was missed"
    gaps.watched("a", 10_000)
    assert gaps.untold_ms("a", 0, 15_000, is_watched=True) == 0
    assert gaps.untold_ms("a", 0, 15_000, is_watched=False) == 5_000, "an outage that goes on"
    first = gaps.open("a", 50_000, "", {})
    assert gaps.untold_ms("a", 0, 99_000, is_watched=True) == 40_000
    assert gaps.untold_ms("a", 30_000, 99_000, is_watched=True) == 20_000, "of today alone"
    assert gaps.untold_ms("b", 0, 99_000, is_watched=True) == 0
    second = gaps.open("a", 60_000, "", {})

    for known in (gaps, Gaps(live)):
        assert known.untold_ms("a", 0, 99_000, is_watched=True) == 50_000
    gaps.done(first)
    assert gaps.untold_ms("a", 0, 99_000, is_watched=True) == 10_000
    gaps.done(second)
    assert gaps.untold_ms("a", 0, 99_000, is_watched=True) == 0


def test_gap_of_another_version_is_forgotten() -> None:
    live = MemoryLiveState()
    for number, text in enumerate(
        ("", "[]", '{"from": 1}', '{"from": 1, "to": 2, "restarted": 0, "people": {"x": 1}}')
    ):
        live.put(f"gap:a:{number}", text)
    assert Gaps(live).unread("a", 100) == []
    assert live.values("gap:") == {}

"""What every store of live state does, in memory and on disk."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from acd.records import PresenceChanged
from agents.presence import Presence
from callcenter.storage.errors import StateUnusable
from callcenter.storage.live_state import LiveState, MemoryLiveState, SqliteLiveState

ACW = PresenceChanged("1001", 10, Presence.ACW, "", "phone-1", 5, 30_010, 1, True, "break")


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveState]:
    store: LiveState = MemoryLiveState() if request.param == "memory" else SqliteLiveState(tmp_path / "live.sqlite3")
    yield store
    store.close()


def test_newest_state_of_each_agent_comes_back_whole(store: LiveState) -> None:
    store.put_agent(replace(ACW, presence=Presence.TALKING, until_ms=None))
    store.put_agent(replace(ACW, agent="1000", device=None))
    store.put_agent(ACW)
    assert store.agents() == [replace(ACW, agent="1000", device=None), ACW]


def test_forgotten_agent_is_gone_and_forgetting_twice_is_harmless(store: LiveState) -> None:
    store.put_agent(ACW)
    store.forget("1001")
    store.forget("1001")
    assert store.agents() == []


def test_small_values_are_kept_replaced_listed_and_dropped(store: LiveState) -> None:
    assert store.get("epoch") is None
    store.put("epoch", "1")
    store.put("epoch", "2")
    store.put("lockout:1002", "5")
    store.put("lockout:1001", "6")
    assert store.get("epoch") == "2"
    assert list(store.values("lockout:").items()) == [("lockout:1001", "6"), ("lockout:1002", "5")]
    store.drop("epoch")
    store.drop("epoch")
    assert store.get("epoch") is None and len(store.values("")) == 2


def test_state_of_another_is_taken_over_nothing_of_before_is_left_but_what_is_kept(store: LiveState) -> None:
    store.put_agent(ACW)
    store.put("epoch", "7")
    store.put("line:general", "drained")
    store.become([replace(ACW, agent="1002")], {"line:tax": "open", "epoch": "9"}, {"epoch", "more"})
    assert store.agents() == [replace(ACW, agent="1002")]
    assert store.values("") == {"epoch": "7", "line:tax": "open"}
    store.become([], {}, ())
    assert (store.agents(), store.values("")) == ([], {})


def test_state_that_cannot_be_kept_whole_leaves_that_of_before(tmp_path: Path) -> None:
    store = SqliteLiveState(tmp_path / "live.sqlite3")
    store.put_agent(ACW)
    with pytest.raises(sqlite3.Error):
        store.become([replace(ACW, agent="1002")] * 2, {}, ())
    assert store.agents() == [ACW]
    store.close()


def test_what_was_put_is_there_for_the_next_process_without_a_close(tmp_path: Path) -> None:
    first = SqliteLiveState(tmp_path / "live.sqlite3")
    first.put_agent(ACW)
    first.put("epoch", "7")
    second = SqliteLiveState(tmp_path / "live.sqlite3")
    assert (second.agents(), second.get("epoch")) == ([ACW], "7")
    first.close()
    second.close()


def test_checkpoint_keeps_the_log_small(tmp_path: Path) -> None:
    store = SqliteLiveState(tmp_path / "live.sqlite3")
    sizes = []
    for _ in range(3):
        for n in range(300):
            store.put_agent(replace(ACW, misses=n))
        sizes.append((tmp_path / "live.sqlite3-wal").stat().st_size)
        store.checkpoint()
    assert sizes[0] == sizes[1] == sizes[2] or max(sizes) < 1.1 * min(sizes)
    assert store.agents() == [replace(ACW, misses=299)]
    store.close()


def test_file_that_is_no_database_is_refused_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "live.sqlite3").write_bytes(b"not a database" * 100)
    with pytest.raises(StateUnusable, match=r"live\.sqlite3"):
        SqliteLiveState(tmp_path / "live.sqlite3")

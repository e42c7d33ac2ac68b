"""What a service knows of agents when it takes over: which of the shared state, its copy and its own file is used."""

import asyncio
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import pytest

from acd.records import PresenceChanged
from agents.presence import Presence
from callcenter import succession
from callcenter.storage.live_state import MemoryLiveState
from callcenter.storage.mirror import Mirror
from callcenter.storage.shared_state import Claim, Kept, MemorySharedState, as_bytes, fields_of
from callcenter.succession import EPOCH, Succession

PBX = "pbx-1"
A = Claim(PBX, 100, "a")
READY = PresenceChanged("1001", 10, Presence.READY, "", "phone-1", 5, None, 0, True, "")
OTHER = replace(READY, agent="1002")


class World:
    """A stand-by `b`; `shared` is the store where leader `a` has written."""

    def __init__(self) -> None:
        self.shared = MemorySharedState()
        self.own = MemoryLiveState()
        self.mirror = Mirror(self.shared)
        self.now = 1000.0
        self.rounds = 0
        self.stands_by = True
        self.heir = Succession(self.shared, self.own, self.mirror, "b", sleep=self._sleep, monotonic=lambda: self.now)

    async def _sleep(self, pause_s: float) -> None:
        self.now += pause_s
        self.rounds -= 1
        if self.rounds <= 0:
            await asyncio.Event().wait()

    async def leader_writes(self, *agents: PresenceChanged, claim: Claim = A, **values: str) -> None:
        fields = fields_of(agents, {name.replace("_", ":"): value for name, value in values.items()})
        await self.shared.replace(claim, [(name, as_bytes(value)) for name, value in fields.items()])

    async def follow(self, rounds: int = 1) -> None:
        """Follow for so many rounds."""
        self.rounds = rounds
        task = asyncio.create_task(self.heir.follow(lambda: PBX if self.stands_by else None))
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_leader_is_gone_its_newest_state_is_taken_over_and_shared_on() -> None:
    world = World()
    world.own.put_agent(replace(READY, agent="1009"))
    world.own.put(EPOCH, "50")
    world.own.put("login:1009", "2")
    await world.leader_writes(READY, OTHER, line_general="drained")

    await world.heir.take_over(PBX, 200)

    assert world.own.agents() == [READY, OTHER]
    assert world.own.values("") == {EPOCH: "50", "line:general": "drained"}
    assert await world.mirror.finish(1.0)
    kept = await world.shared.read(PBX)
    assert kept is not None and kept.rank == (200, "b")
    assert kept.content() == ([READY, OTHER], {"line:general": "drained"}, 0)


@pytest.mark.parametrize("led", ["100", "101"])
async def test_service_comes_back_after_its_own_crash_its_own_file_has_the_very_last_change(led: str) -> None:
    world = World()
    world.own.put(EPOCH, led)
    world.own.put_agent(replace(READY, misses=1))
    await world.leader_writes(READY, claim=Claim(PBX, 100, "b"))

    await world.heir.take_over(PBX, 200)

    assert world.own.agents() == [replace(READY, misses=1)]


async def test_another_led_in_the_same_second_the_greater_name_was_the_leader() -> None:
    world = World()
    world.own.put(EPOCH, "100")
    await world.leader_writes(READY, claim=Claim(PBX, 100, "c"))
    await world.heir.take_over(PBX, 200)
    assert world.own.agents() == [READY]


async def test_nothing_was_shared_the_own_file_serves_and_nobody_is_logged_out() -> None:
    world = World()
    world.own.put_agent(READY)
    await world.heir.take_over(PBX, 200)
    assert world.own.agents() == [READY]
    assert await world.mirror.finish(1.0)
    kept = await world.shared.read(PBX)
    assert kept is not None and kept.content().agents == [READY]


async def test_store_is_away_at_the_take_over_the_copy_serves_and_the_log_says_its_age(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    world = World()
    await world.leader_writes(READY)
    await world.follow()
    world.shared.away = "gone"
    world.now += 30

    await world.heir.take_over(PBX, 200)

    assert world.own.agents() == [READY]
    assert "gone" in caplog.text and "copied 31 s ago from a (epoch 100)" in caplog.text


async def test_store_never_was_there_the_own_file_serves(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.own.put_agent(READY)
    world.shared.away = "gone"
    await world.follow()
    assert await world.heir.last_epoch(PBX) == 0
    await world.heir.take_over(PBX, 200)
    assert world.own.agents() == [READY]
    assert "own file" in caplog.text


class FrozenSharedState(MemorySharedState):
    """Takes everything and answers nothing."""

    async def take(self, claim: Claim) -> Kept | None:
        await asyncio.Event().wait()
        raise AssertionError


async def test_store_hangs_the_take_over_goes_on_after_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(succession, "TAKE_S", 0.01)
    own = MemoryLiveState()
    own.put_agent(READY)
    shared = FrozenSharedState()
    await Succession(shared, own, Mirror(shared), "b").take_over(PBX, 200)
    assert own.agents() == [READY]


async def test_store_has_a_newer_claim_than_ours_the_own_file_serves(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.own.put_agent(READY)
    await world.leader_writes(OTHER, claim=Claim(PBX, 900, "z"))
    assert await world.heir.last_epoch(PBX) == 900
    await world.heir.take_over(PBX, 200)
    assert world.own.agents() == [READY]
    assert "epoch 900" in caplog.text


async def test_leader_changes_the_stand_by_follows_round_by_round() -> None:
    world = World()
    await world.follow()
    assert world.own.agents() == []
    await world.leader_writes(READY)
    await world.follow()
    assert world.own.agents() == [READY]
    await world.leader_writes(READY, OTHER)
    await world.follow()
    assert world.own.agents() == [READY, OTHER]
    world.shared.away = "gone"
    assert await world.heir.last_epoch(PBX) == 100, "what it has seen it remembers"


async def test_service_does_not_stand_by_nothing_is_copied_over_its_own_file() -> None:
    world = World()
    world.stands_by = False
    world.own.put_agent(OTHER)
    await world.leader_writes(READY)
    await world.follow(3)
    assert world.own.agents() == [OTHER]


async def test_store_goes_and_comes_back_while_standing_by_the_state_says_so() -> None:
    world = World()
    assert world.heir.state() == "ok"
    world.shared.away = "gone"
    await world.follow()
    assert world.heir.state() == "gone"
    world.shared.away = None
    await world.follow()
    assert world.heir.state() == "ok"
    world.shared.away = "gone"
    await world.follow()
    await world.heir.take_over(PBX, 200)
    assert world.heir.state() == "ok", "who leads is asked for what he writes"
    assert not await world.mirror.finish(1.0)


async def test_leader_ends_and_resigns_the_stand_by_knows_and_takes_all_of_it() -> None:
    world = World()
    first = Succession(world.shared, MemoryLiveState(), mirror := Mirror(world.shared), "a")
    await first.resign()
    await first.take_over(PBX, 100)
    mirror.put("agent:1001", READY)
    assert await mirror.finish(1.0)
    await world.follow()
    assert not world.heir.has_resigned(100)

    await first.resign()
    await world.follow()
    assert world.heir.has_resigned(100) and not world.heir.has_resigned(101)

    await world.heir.take_over(PBX, 101)
    assert world.own.agents() == [READY]
    await first.resign()
    assert await world.shared.resigned(PBX) == 0, "a word of an older leader says nothing of the new one"


async def test_leader_ends_and_the_store_is_away_nothing_is_said_and_nothing_fails() -> None:
    world = World()
    await world.heir.take_over(PBX, 100)
    world.shared.away = "gone"
    await world.heir.resign()
    await world.follow()
    assert not world.heir.has_resigned(100)


class FullState(MemoryLiveState):
    """A store on a disk that is full."""

    def become(self, agents: Sequence[PresenceChanged], values: Mapping[str, str], keep: Collection[str]) -> None:
        raise sqlite3.OperationalError("database or disk is full")


async def test_disk_is_full_the_take_over_goes_on_with_the_own_file(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    await world.leader_writes(READY)
    own = FullState()
    own.put_agent(OTHER)
    await Succession(world.shared, own, Mirror(world.shared), "b").take_over(PBX, 200)
    assert own.agents() == [OTHER]
    assert "disk is full" in caplog.text


async def test_fields_cannot_be_read_it_is_said_once_and_not_at_every_copy(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    await world.shared.replace(A, [("agent:1001", b"{"), ("agent:1002", as_bytes(OTHER))])
    for _ in range(3):
        await world.follow()
    assert world.own.agents() == [OTHER]
    assert caplog.text.count("1 fields of the shared state cannot be read") == 1

"""The mirror: what is shared and when, and that nothing of it is ever lost by a store that comes and goes."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

import pytest

from acd.records import PresenceChanged
from agents.presence import Presence
from callcenter.storage.errors import StateMissing
from callcenter.storage.live_state import MemoryLiveState
from callcenter.storage.mirror import BATCH, Mirror, MirroredLiveState
from callcenter.storage.shared_state import Claim, MemorySharedState, fields_of

PBX = "pbx-1"
OURS, NEWER = Claim(PBX, 100, "a"), Claim(PBX, 200, "b")
READY = PresenceChanged("1001", 10, Presence.READY, "", "phone-1", 5, None, 0, True, "")


class World:
    """A leader's live state, its mirror, and a store in memory. Pauses take no time, but let others work."""

    def __init__(self, shared: MemorySharedState | None = None) -> None:
        self.shared = shared or MemorySharedState()
        self.slept: list[float] = []
        self.mirror = Mirror(self.shared, sleep=self._sleep)
        self.live = MirroredLiveState(MemoryLiveState(), self.mirror)
        self.task: asyncio.Task[None] | None = None

    async def _sleep(self, pause_s: float) -> None:
        self.slept.append(pause_s)
        await asyncio.sleep(0)

    def lead(self, claim: Claim = OURS) -> None:
        self.mirror.lead(claim, fields_of(self.live.agents(), self.live.values("")))

    async def run(self) -> None:
        """Let the mirror work until nothing is open, or it has tried for a while."""
        if self.task is None:
            self.task = asyncio.create_task(self.mirror.run())
        for _ in range(50):
            await asyncio.sleep(0)

    async def end(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    async def content(self) -> tuple[list[PresenceChanged], dict[str, str]]:
        kept = await self.shared.read(PBX)
        assert kept is not None
        return kept.content()[:2]


async def test_service_does_not_lead_nothing_is_shared() -> None:
    world = World()
    world.live.put_agent(READY)
    world.live.put("line:general", "drained")
    await world.run()
    assert not world.shared.states
    await world.end()


async def test_service_begins_to_lead_all_it_knows_is_shared_but_what_is_its_own_alone() -> None:
    world = World()
    world.live.put_agent(READY)
    world.live.put("line:general", "drained")
    world.live.put("epoch", "7")
    world.lead()
    await world.run()
    assert await world.content() == ([READY], {"line:general": "drained"})
    assert world.live.get("epoch") == "7"
    await world.end()


async def test_agents_and_values_change_the_newest_of_each_is_shared() -> None:
    world = World()
    world.live.put("line:general", "drained")
    world.lead()
    await world.run()
    before = world.shared.written
    for misses in range(5):
        world.live.put_agent(replace(READY, misses=misses))
    world.live.put("login:1001", "3")
    world.live.drop("line:general")
    await world.run()
    assert await world.content() == ([replace(READY, misses=4)], {"login:1001": "3"})
    assert world.shared.written - before == 3, "one write for each field, whatever it went through"
    world.live.forget("1001")
    await world.run()
    assert (await world.content())[0] == []
    await world.end()


async def test_many_change_at_once_they_go_in_batches() -> None:
    world = World()
    world.lead()
    await world.run()
    agents = [replace(READY, agent=str(number)) for number in range(1000, 1000 + 2 * BATCH + 1)]
    for one in agents:
        world.live.put_agent(one)
    assert world.mirror.behind == len(agents)
    await world.run()
    assert ((await world.content())[0], world.mirror.behind) == (agents, 0)
    await world.end()


async def test_store_is_away_the_mirror_says_so_tries_with_growing_pauses_and_writes_everything_anew() -> None:
    world = World()
    world.lead()
    await world.run()
    world.shared.away = "gone"
    world.slept.clear()
    world.live.put_agent(READY)
    await world.run()
    assert world.mirror.away == "gone"
    tries = world.slept
    assert tries[0] == 0.5 and tries == sorted(tries) and max(tries) == 5.0

    world.shared.states.clear()
    world.live.put_agent(replace(READY, agent="1002"))
    world.shared.away = None
    await world.run()
    assert (await world.content())[0] == [READY, replace(READY, agent="1002")]
    assert (world.mirror.away, world.mirror.behind) == (None, 0)
    await world.end()


async def test_store_stays_away_the_memory_of_the_mirror_does_not_grow_with_time() -> None:
    world = World()
    world.shared.away = "gone"
    world.lead()
    for misses in range(10_000):
        world.live.put_agent(replace(READY, misses=misses))
    assert world.mirror.behind == 1


async def test_store_was_emptied_everything_is_written_anew() -> None:
    world = World()
    world.live.put("line:general", "drained")
    world.lead()
    await world.run()
    world.shared.states.clear()
    world.live.put_agent(READY)
    await world.run()
    assert await world.content() == ([READY], {"line:general": "drained"})
    await world.end()


class ForgetfulSharedState(MemorySharedState):
    """Forgets a whole state as soon as it was written, as a Redis without memory does."""

    tries = 0

    async def replace(self, claim: Claim, fields: Iterable[tuple[str, bytes]]) -> None:
        self.tries += 1
        raise StateMissing


async def test_store_forgets_whatever_is_written_it_is_tried_again_and_not_in_a_hurry() -> None:
    shared = ForgetfulSharedState()
    world = World(shared)
    world.live.put_agent(READY)
    world.lead()
    await world.run()
    assert shared.tries > 1
    assert len(world.slept) >= shared.tries - 1 and min(world.slept) >= 0.5
    await world.end()


async def test_newer_leader_has_written_the_mirror_ends_and_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.live.put_agent(READY)
    world.lead()
    await world.run()
    await world.shared.take(NEWER)
    world.live.put_agent(replace(READY, misses=2))
    await world.run()
    assert world.task is not None and world.task.done()
    assert (await world.content())[0] == [READY]
    assert world.mirror.away is not None and "epoch 200" in world.mirror.away
    assert "not shared any more" in caplog.text


class SlowSharedState(MemorySharedState):
    """A change happens while a whole state is written."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile = lambda: None

    async def replace(self, claim: Claim, fields: Iterable[tuple[str, bytes]]) -> None:
        whole = list(fields)
        self.meanwhile()
        await super().replace(claim, whole)


async def test_agent_changes_while_a_whole_state_is_written_the_change_follows() -> None:
    shared = SlowSharedState()
    world = World(shared)
    world.live.put_agent(READY)
    world.live.put("line:general", "drained")
    late = replace(READY, presence=Presence.NOT_READY)

    def meanwhile() -> None:
        world.live.put_agent(late)
        world.live.drop("line:general")

    shared.meanwhile = meanwhile
    world.lead()
    await world.run()
    assert await world.content() == ([late], {})
    await world.end()


class BlockedSharedState(MemorySharedState):
    """Never answers a change."""

    async def change(self, claim: Claim, puts: Mapping[str, bytes], drops: Collection[str]) -> None:
        await asyncio.Event().wait()


async def test_service_ends_what_is_open_is_shared_first_even_if_a_write_was_cut() -> None:
    shared = BlockedSharedState()
    world = World(shared)
    world.lead()
    await world.run()
    world.live.put_agent(READY)
    await world.run()
    await world.end()
    assert await world.mirror.finish(1.0)
    assert (await world.content())[0] == [READY]


async def test_service_ends_the_store_is_away_it_is_said_and_not_waited_for() -> None:
    world = World()
    world.lead()
    world.shared.away = "gone"
    assert not await world.mirror.finish(1.0)
    assert await World().mirror.finish(1.0), "who never led has nothing to share"

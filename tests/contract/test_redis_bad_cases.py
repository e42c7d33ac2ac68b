"""A real Redis that is killed, frozen, shut, emptied, or full of what is not ours: a leader's mirror and a successor."""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from asyncio_redis.encoders import UTF8Encoder

from acd.records import PresenceChanged
from agents.presence import Presence
from callcenter.storage.errors import NewerLeader, SharedStateAway, StateUnreadable
from callcenter.storage.live_state import MemoryLiveState
from callcenter.storage.mirror import Mirror, MirroredLiveState
from callcenter.storage.redis_state import RedisSharedState
from callcenter.storage.shared_state import Claim, Content, fields_of
from callcenter.succession import Succession
from config.settings import RedisLogin
from tests.contract.shared import PBX, STATE_KEY, SharedRedis

pytestmark = pytest.mark.redis
READY = PresenceChanged("1001", 10, Presence.READY, "", "phone-1", 5, None, 0, True, "")
OURS = Claim(PBX, 100, "a")
WITHIN_S = 40.0


class Leader:
    """Live state of a leader, mirrored to the real Redis."""

    def __init__(self, redis: SharedRedis, claim: Claim = OURS, deadline_s: float = 0.5) -> None:
        self.shared = redis.store(deadline_s)
        self.mirror = Mirror(self.shared)
        self.live = MirroredLiveState(MemoryLiveState(), self.mirror)
        self.claim = claim
        self.task = asyncio.create_task(self.mirror.run())

    def lead(self) -> None:
        self.mirror.lead(self.claim, fields_of(self.live.agents(), self.live.values("")))

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.shared.close()


@pytest.fixture
async def leader(shared_redis: SharedRedis) -> AsyncIterator[Leader]:
    leader = Leader(shared_redis)
    leader.live.put_agent(READY)
    leader.lead()
    yield leader
    shared_redis.server.thaw()
    await leader.close()


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline = asyncio.get_running_loop().time() + WITHIN_S
    while asyncio.get_running_loop().time() < deadline:
        if await holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {WITHIN_S:g} s: {what}")


async def until_shared(redis: SharedRedis, *agents: PresenceChanged) -> None:
    """Wait until Redis has exactly these."""
    store = redis.store()

    async def is_so() -> bool:
        try:
            kept = await store.read(PBX)
        except (SharedStateAway, StateUnreadable):
            return False
        return kept is not None and kept.content() == Content(list(agents), {}, 0)

    await until(is_so, "Redis has what the leader has")
    await store.close()


async def until_away(leader: Leader, *, is_away: bool = True) -> None:
    async def is_so() -> bool:
        return (leader.mirror.away is not None) is is_away

    await until(is_so, f"the mirror says whether Redis is away: {is_away}")


async def test_redis_is_killed_while_agents_change_nobody_waits_and_all_is_there_when_it_is_back(
    shared_redis: SharedRedis, leader: Leader, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await until_shared(shared_redis, READY)
    await asyncio.to_thread(shared_redis.server.kill_now)
    others = [replace(READY, agent=str(number)) for number in range(1002, 1302)]
    began = time.perf_counter()
    for one in others:
        leader.live.put_agent(one)
    took_s = time.perf_counter() - began
    await until_away(leader)

    await asyncio.to_thread(shared_redis.server.resume_now)
    await until_shared(shared_redis, READY, *others)
    await until_away(leader, is_away=False)
    assert leader.mirror.behind == 0
    assert took_s < WITHIN_S, "a change waits for no Redis"
    assert [word for word in ("is not shared:", "is shared again") if word in caplog.text] == [
        "is not shared:",
        "is shared again",
    ]
    assert shared_redis.server.password not in caplog.text


async def test_redis_comes_back_empty_everything_is_written_anew(shared_redis: SharedRedis, leader: Leader) -> None:
    await until_shared(shared_redis, READY)
    await asyncio.to_thread(shared_redis.server.kill_now)
    await asyncio.to_thread(lambda: shared_redis.server.resume_now(empty=True))

    leader.live.put_agent(replace(READY, agent="1002"))

    await until_shared(shared_redis, READY, replace(READY, agent="1002"))


async def test_redis_is_flushed_behind_our_back_the_next_change_writes_everything(
    shared_redis: SharedRedis, leader: Leader
) -> None:
    await until_shared(shared_redis, READY)
    async with shared_redis.stranger() as stranger:
        await stranger.flushdb()
        await stranger.script_flush()

    leader.live.put_agent(replace(READY, agent="1002"))

    await until_shared(shared_redis, READY, replace(READY, agent="1002"))


async def test_redis_is_frozen_each_call_ends_at_its_deadline_and_thawed_it_has_everything(
    shared_redis: SharedRedis, leader: Leader
) -> None:
    await until_shared(shared_redis, READY)
    shared_redis.server.freeze()
    other = shared_redis.store(0.3)
    leader.live.put_agent(replace(READY, presence=Presence.NOT_READY, reason="break"))

    with pytest.raises(SharedStateAway, match=r"no answer within 0\.3 s"):
        await other.read(PBX)
    await until_away(leader)
    assert "no answer within 0.5 s" in str(leader.mirror.away)

    shared_redis.server.thaw()
    await until_shared(shared_redis, replace(READY, presence=Presence.NOT_READY, reason="break"))
    await other.close()


async def test_redis_is_frozen_a_successor_waits_for_its_deadline_and_leads_with_its_copy(
    shared_redis: SharedRedis, leader: Leader, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await until_shared(shared_redis, READY)
    store, own = shared_redis.store(), MemoryLiveState()
    copied = asyncio.Event()

    async def once(_: float) -> None:
        copied.set()
        await asyncio.Event().wait()

    heir = Succession(store, own, Mirror(store), "b", sleep=once)
    follows = asyncio.create_task(heir.follow(lambda: PBX))
    async with asyncio.timeout(WITHIN_S):
        await copied.wait()
    shared_redis.server.freeze()

    async with asyncio.timeout(WITHIN_S):
        await heir.take_over(PBX, 200)

    assert own.agents() == [READY]
    assert "no answer within" in caplog.text and "copied" in caplog.text
    follows.cancel()
    await asyncio.gather(follows, return_exceptions=True)
    await store.close()


@pytest.mark.parametrize("password", ["wrong-word", ""])
async def test_password_is_wrong_or_missing_the_error_says_what_to_correct_and_shows_no_password(
    shared_redis: SharedRedis, password: str
) -> None:
    store = shared_redis.store(password=password)
    with pytest.raises(SharedStateAway, match="correct the password in CALLCENTER_REDIS_URL") as refused:
        await store.read(PBX)
    assert "wrong-word" not in f"{refused.value} {store!r}"
    await store.close()


async def test_nobody_listens_there_is_said_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        store = RedisSharedState(RedisLogin("127.0.0.1", taken.getsockname()[1], None))
        with pytest.raises(SharedStateAway):
            await store.last_epoch(PBX)


async def test_something_else_answers_there_the_call_ends_at_its_deadline() -> None:
    ended = asyncio.Event()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()
        ended.set()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        store = RedisSharedState(RedisLogin("127.0.0.1", server.sockets[0].getsockname()[1], None), deadline_s=0.3)
        with pytest.raises(SharedStateAway):
            await store.last_epoch(PBX)
        await store.close()
        await ended.wait()


async def test_garbage_lies_under_our_key_it_is_no_state_and_the_leader_writes_its_own_over_it(
    shared_redis: SharedRedis, leader: Leader
) -> None:
    await until_shared(shared_redis, READY)
    store = shared_redis.store()
    async with shared_redis.stranger() as stranger:
        await stranger.set(STATE_KEY, b"not a hash")
    with pytest.raises(StateUnreadable, match="no hash"):
        await store.read(PBX)
    assert await store.take(Claim(PBX, 50, "b")) is None

    leader.live.put_agent(replace(READY, agent="1002"))

    await until_shared(shared_redis, READY, replace(READY, agent="1002"))
    await store.close()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b"epoch", b"one"),
        (b"epoch", b"-5"),
        (b"epoch", b"inf"),
        (b"epoch", b"9" * 40),
        (b"instance", b"\xff" * 1000),
        (b"\xff\xfe", b"\xff"),
    ],
)
async def test_field_of_the_state_is_garbage_a_successor_leads_all_the_same(
    shared_redis: SharedRedis, leader: Leader, field: bytes, value: bytes
) -> None:
    await until_shared(shared_redis, READY)
    await leader.close()
    async with shared_redis.stranger() as stranger:
        await stranger.hset(STATE_KEY, field, value)
    successor = Leader(shared_redis, Claim(PBX, 200, "b"), deadline_s=5.0)
    own = MemoryLiveState()
    heir = Succession(successor.shared, own, successor.mirror, "b")

    assert await heir.last_epoch(PBX) in (0, OURS.epoch)
    await heir.take_over(PBX, 200)
    successor.mirror.put("agent:1009", replace(READY, agent="1009"))

    await until_shared(shared_redis, *own.agents(), replace(READY, agent="1009"))
    assert own.agents() == ([] if field == b"epoch" else [READY])
    await successor.close()


async def test_state_is_of_an_unknown_version_it_is_not_used_and_is_replaced(
    shared_redis: SharedRedis, leader: Leader, caplog: pytest.LogCaptureFixture
) -> None:
    await until_shared(shared_redis, READY)
    await leader.close()
    async with shared_redis.stranger() as stranger:
        await stranger.hset(STATE_KEY, b"format", b"99")
    successor = Leader(shared_redis, Claim(PBX, 200, "b"), deadline_s=5.0)
    own = MemoryLiveState()
    own.put_agent(replace(READY, agent="1005"))

    await Succession(successor.shared, own, successor.mirror, "b").take_over(PBX, 200)

    assert own.agents() == [replace(READY, agent="1005")]
    assert "its format is '99', not '1'" in caplog.text
    await until_shared(shared_redis, replace(READY, agent="1005"))
    await successor.close()


async def test_old_leader_thaws_and_writes_late_it_is_refused_and_ends_its_mirror(
    shared_redis: SharedRedis, leader: Leader, caplog: pytest.LogCaptureFixture
) -> None:
    await until_shared(shared_redis, READY)
    store = shared_redis.store()
    await store.take(Claim(PBX, 200, "b"))

    leader.live.put_agent(replace(READY, agent="1002"))

    async with asyncio.timeout(WITHIN_S):
        await leader.task
    assert leader.mirror.away is not None and "epoch 200" in leader.mirror.away
    with pytest.raises(NewerLeader):
        await store.replace(OURS, [])
    await until_shared(shared_redis, READY)
    await store.close()


async def test_redis_may_not_be_written_the_mirror_says_redis_own_words(
    shared_redis: SharedRedis, leader: Leader
) -> None:
    await until_shared(shared_redis, READY)
    async with shared_redis.stranger(UTF8Encoder()) as stranger:
        await stranger.config_set("maxmemory", "1")
        leader.live.put_agent(replace(READY, agent="1002"))

        async def says_why() -> bool:
            return "maxmemory" in (leader.mirror.away or "")

        await until(says_why, "the mirror says Redis' own words")  # it says of a machine that stalls, first: no answer
        await stranger.config_set("maxmemory", "0")
    await until_shared(shared_redis, READY, replace(READY, agent="1002"))


async def test_call_is_cancelled_the_connection_is_not_used_again(shared_redis: SharedRedis) -> None:
    store = shared_redis.store()
    await store.last_epoch(PBX)
    shared_redis.server.freeze()
    asks = asyncio.create_task(store.read(PBX))
    await asyncio.sleep(0.05)
    asks.cancel()
    await asyncio.gather(asks, return_exceptions=True)
    assert "not connected" in repr(store)

    shared_redis.server.thaw()
    assert await store.read(PBX) is None
    await store.close()

"""What every shared state does, in memory and in a real Redis: claims, changes, whole states, and late writers."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from acd.records import PresenceChanged
from agents.presence import Presence
from callcenter.storage.errors import NewerLeader, StateMissing
from callcenter.storage.redis_state import PIECE
from callcenter.storage.shared_state import Claim, MemorySharedState, SharedState, as_bytes, fields_of
from tests.contract.shared import PBX, SharedRedis

ACW = PresenceChanged("1001", 10, Presence.ACW, "", "phone-1", 5, 30_010, 1, True, "break")
OLD, NEW = Claim(PBX, 1_700_000_000, "a-1"), Claim(PBX, 1_700_000_020, "b-2")
STATE = {name: as_bytes(value) for name, value in fields_of([ACW], {"line:general": "drained", "epoch": "7"}).items()}


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.redis)])
def redis(request: pytest.FixtureRequest) -> SharedRedis | None:
    """The real one; None: the twin in memory."""
    return SharedRedis(request.getfixturevalue("private_redis")) if request.param == "redis" else None


@pytest.fixture
async def shared(redis: SharedRedis | None) -> AsyncIterator[SharedState]:
    """An empty store."""
    if redis is not None:
        await redis.empty()
    store = MemorySharedState() if redis is None else redis.store()
    yield store
    await store.close()


async def test_nothing_was_shared_there_is_nothing_to_take(shared: SharedState) -> None:
    assert await shared.read(PBX) is None
    assert await shared.take(NEW) is None
    assert await shared.last_epoch(PBX) == 0


async def test_leader_shares_its_state_another_reads_it_whole(shared: SharedState) -> None:
    await shared.replace(OLD, STATE.items())

    kept = await shared.read(PBX)

    assert kept is not None and kept.rank == OLD.rank
    assert kept.content() == ([ACW], {"line:general": "drained"}, 0)
    assert await shared.last_epoch(PBX) == OLD.epoch
    assert await shared.read("another-pbx") is None


async def test_leader_changes_fields_only_those_are_others(shared: SharedState) -> None:
    await shared.replace(OLD, STATE.items())
    ready = replace(ACW, presence=Presence.READY, until_ms=None)

    await shared.change(
        OLD, {"agent:1001": as_bytes(ready), "value:税": "增值税".encode()}, ["value:line:general", "x"]
    )

    kept = await shared.read(PBX)
    assert kept is not None
    assert kept.content() == ([ready], {"税": "增值税"}, 0)


async def test_successor_takes_the_state_it_is_told_whose_it_was_and_the_old_leader_writes_no_more(
    shared: SharedState,
) -> None:
    await shared.replace(OLD, STATE.items())

    kept = await shared.take(NEW)

    assert kept is not None and (kept.rank, kept.content().agents) == (OLD.rank, [ACW])
    for late in (shared.change(OLD, {"agent:1001": b"late"}, []), shared.replace(OLD, []), shared.take(OLD)):
        with pytest.raises(NewerLeader) as refused:
            await late
        assert (refused.value.epoch, refused.value.instance) == NEW.rank
    after = await shared.read(PBX)
    assert after is not None and after.content().agents == [ACW]


async def test_successor_has_taken_what_was_there_is_not_its_own_until_it_writes_a_whole_state(
    shared: SharedState,
) -> None:
    await shared.replace(OLD, STATE.items())
    await shared.take(NEW)
    again = await shared.take(NEW)
    assert again is not None and again.rank == NEW.rank

    await shared.replace(NEW, [("agent:1001", STATE["agent:1001"])])
    await shared.change(NEW, {}, ["agent:1001"])

    kept = await shared.read(PBX)
    assert kept is not None and (kept.rank, dict(kept.fields)) == (NEW.rank, {})


async def test_store_was_emptied_a_change_says_that_all_must_be_written(shared: SharedState) -> None:
    with pytest.raises(StateMissing):
        await shared.change(OLD, {"agent:1001": b"x"}, [])
    assert await shared.read(PBX) is None


async def test_two_claim_in_one_second_the_greater_name_is_the_newer(shared: SharedState) -> None:
    first, second = Claim(PBX, 9, "a"), Claim(PBX, 9, "b")
    await shared.replace(first, STATE.items())
    await shared.take(second)
    with pytest.raises(NewerLeader):
        await shared.change(first, {}, ["agent:1001"])


async def test_state_of_a_province_is_replaced_in_pieces_and_comes_back_whole(shared: SharedState) -> None:
    agents = [replace(ACW, agent=str(number)) for number in range(10_000, 10_000 + 3 * PIECE + 1)]
    fields = {name: as_bytes(value) for name, value in fields_of(agents, {}).items()}
    await shared.replace(OLD, STATE.items())

    await shared.replace(OLD, fields.items())

    kept = await shared.read(PBX)
    assert kept is not None and dict(kept.fields) == fields
    assert kept.content().agents == agents


async def test_what_cannot_be_read_is_left_out_and_counted(shared: SharedState) -> None:
    fields = {
        "agent:1001": as_bytes(replace(ACW, agent="1002")),
        "agent:1003": b"\xff{",
        "agent:1004": b'{"r":"CallClosed"}',
        "value:line:general": b"\xff\xfe",
        "skill:tax": b"of a later version",
        "agent:1005": as_bytes(replace(ACW, agent="1005")),
    }
    await shared.replace(OLD, fields.items())

    kept = await shared.read(PBX)

    assert kept is not None
    assert kept.content() == ([replace(ACW, agent="1005")], {}, 5)


async def test_leader_resigns_his_successor_is_told_and_only_of_him(shared: SharedState) -> None:
    assert await shared.resigned(PBX) == 0
    with pytest.raises(StateMissing):
        await shared.resign(OLD)
    await shared.replace(OLD, STATE.items())
    assert await shared.resigned(PBX) == 0

    await shared.resign(OLD)

    assert await shared.resigned(PBX) == OLD.epoch
    kept = await shared.take(NEW)
    assert kept is not None and dict(kept.fields) == STATE
    assert await shared.resigned(PBX) == 0
    with pytest.raises(NewerLeader):
        await shared.resign(OLD)
    await shared.replace(NEW, STATE.items())
    assert await shared.resigned(PBX) == 0

"""The lab's Redis: from this machine, and fetched."""

import asyncio
import shutil

import pytest

from callcenter.lab.errors import PeerUnavailableError
from callcenter.lab.redis import Redis
from callcenter.storage.errors import SharedStateAway
from callcenter.storage.redis_state import RedisSharedState
from callcenter.storage.shared_state import Claim
from config.settings import load_settings
from tests.integration.conftest import missing

pytestmark = pytest.mark.redis
CLAIM = Claim("pbx", 7, "a")


def store(server: Redis) -> RedisSharedState:
    login = load_settings(_env_file=None, redis_url=server.url).redis
    assert login is not None
    return RedisSharedState(login, deadline_s=20.0)


async def test_redis_killed_has_what_it_had_when_it_is_back_or_nothing_if_it_shall_be_empty() -> None:
    server = Redis()
    try:
        await server.start()
    except PeerUnavailableError as error:
        missing(error)
    shared = store(server)
    try:
        await shared.replace(CLAIM, [])
        await asyncio.to_thread(server.kill_now)
        with pytest.raises(SharedStateAway):
            await shared.last_epoch(CLAIM.pbx)
        await asyncio.to_thread(server.resume_now)
        assert await shared.last_epoch(CLAIM.pbx) == 7
        await asyncio.to_thread(server.kill_now)
        await asyncio.to_thread(lambda: server.resume_now(empty=True))
        await shared.close()
        assert await shared.last_epoch(CLAIM.pbx) == 0
    finally:
        await shared.close()
        await server.stop()
    assert server.process is None and not server.folder.exists()


async def test_redis_not_on_this_machine_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, **options: None if name == "redis-server" else which(name))
    try:
        server = await Redis().start()
    except PeerUnavailableError as error:
        missing(error)
    shared = store(server)
    assert await shared.last_epoch(CLAIM.pbx) == 0
    await shared.close()
    await server.stop()

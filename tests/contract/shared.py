"""What the contracts of the shared state stand on: a Redis of the run, emptied for each test."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncio_redis
from asyncio_redis.encoders import BaseEncoder, BytesEncoder

from callcenter.lab.redis import Redis
from callcenter.storage.redis_state import KEY, RedisSharedState
from config.settings import RedisLogin, load_settings

PBX = "pbx-1"
STATE_KEY = (KEY + PBX).encode()


def login_of(url: str) -> RedisLogin:
    """What a service with this URL uses."""
    login = load_settings(_env_file=None, redis_url=url).redis
    assert login is not None
    return login


class SharedRedis:
    """A real Redis as the service sees it, and beside it as a stranger does."""

    def __init__(self, server: Redis) -> None:
        self.server = server

    def store(self, deadline_s: float = 5.0, password: str | None = None) -> RedisSharedState:
        """A service's own way to it; patient by default, so that a busy machine is no failure."""
        url = self.server.url if password is None else self.server.url.replace(self.server.password, password)
        return RedisSharedState(login_of(url), deadline_s=deadline_s)

    async def empty(self) -> None:
        """Nothing is in it."""
        async with self.stranger() as stranger:
            await stranger.flushdb()

    @contextlib.asynccontextmanager
    async def stranger(self, encoder: BaseEncoder | None = None) -> AsyncIterator[Any]:
        """A connection on which a test does what no service does: in bytes, or as the encoder says."""
        encoder = encoder or BytesEncoder()
        connection = await asyncio_redis.Connection.create(
            "127.0.0.1", self.server.port, encoder=encoder, auto_reconnect=False
        )
        await connection.auth(encoder.decode_to_native(self.server.password.encode()))
        try:
            yield connection
        finally:
            connection.close()

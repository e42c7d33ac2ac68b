"""The live state of a service, alone or one of a pair that shares it: what the pair adds is in one place.

Theory of operation. `own` is the service's own store. Alone, `live` is that store and nothing else is here. Of a pair, the
changes of `live` are mirrored into the shared store while the service leads, and `heir` is what it makes of the shared state
while it stands by and when it takes over. Two tasks of the service (`works`) do all of it, behind the routing; `share` brings what
is still open there in the end.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from callcenter.storage.live_state import LiveState, SqliteLiveState
from callcenter.storage.mirror import Mirror, MirroredLiveState
from callcenter.storage.redis_state import RedisSharedState
from callcenter.succession import Succession
from config.settings import RedisLogin

SHARE_S = 1.0
"""How long the end may take for changes that are not shared yet."""


class Pair:
    """This service's half of a pair; without a Redis it is alone."""

    def __init__(self, own: SqliteLiveState, redis: RedisLogin | None, instance: str) -> None:
        self.own = own
        self.live: LiveState = own
        self.heir: Succession | None = None
        """None: alone."""
        if redis is not None:
            self._shared = RedisSharedState(redis)
            self._mirror = Mirror(self._shared)
            self.live = MirroredLiveState(own, self._mirror)
            self.heir = Succession(self._shared, own, self._mirror, instance)

    def works(self, stands_by_at: Callable[[], str | None]) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        """Return name and work of what goes on by itself. `stands_by_at`: the PBX's name while we stand by, else None."""
        if self.heir is None:
            return []
        return [("mirror", self._mirror.run()), ("succession", self.heir.follow(stands_by_at))]

    def state(self) -> str | None:
        """Return `ok`, or why the shared state is not up to date; None: alone."""
        return self.heir.state() if self.heir is not None else None

    async def share(self) -> None:
        """Share what is open, for SHARE_S at most, and let the other one lead; `works` have ended and nothing changes any more."""
        if self.heir is not None and await self._mirror.finish(SHARE_S):
            await self.heir.resign()

    async def end(self) -> None:
        """Let go of the stores."""
        if self.heir is not None:
            await self._shared.close()
        self.own.close()

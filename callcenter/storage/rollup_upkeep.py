"""What the service does for its roll-ups: once a minute it has the changed days computed again, so that a report finds few left."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncEngine

from callcenter.storage.errors import LedgerAway
from callcenter.storage.rollup import refresh

EVERY_S = 60.0

log = logging.getLogger(__name__)
Sleep = Callable[[float], Awaitable[object]]


class RollupKeeper:
    """Start `run` as a task; `stop` lets it end after the slice under way (a transaction must not be cancelled inside)."""

    def __init__(self, engine: AsyncEngine, *, every_s: float = EVERY_S, sleep: Sleep = asyncio.sleep) -> None:
        self._engine = engine
        self._every_s = every_s
        self._sleep = sleep
        self._is_stopping = False
        self._has_begun = False
        self._working: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Go on until cancelled while it sleeps. A database that is away is tried again the next time."""
        while True:
            await self._sleep(self._every_s)
            self._working = asyncio.create_task(self.step())
            await asyncio.shield(self._working)

    async def step(self) -> None:
        """Compute all changed days. Only the first time the columns may be begun anew: while an older and a newer version
        run side by side, they would else take turns in it."""
        try:
            await refresh(self._engine, anew=not self._has_begun, is_stopping=lambda: self._is_stopping)
            self._has_begun = True
        except LedgerAway as error:
            log.info("roll-ups not brought up to date: %s", error)

    async def stop(self, within_s: float) -> None:
        """Wait for the slice under way, also for one that has been asked for and has not begun."""
        self._is_stopping = True
        if self._working is not None:
            _, late = await asyncio.wait({self._working}, timeout=within_s)
            if late:
                log.info("roll-ups: a slice is still under way")

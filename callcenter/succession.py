"""What a stand-by knows of agents and lines when it takes over: the state that the leader shared, or what is next best.

Theory of operation. While it stands by, the service copies the leader's shared state into its own file every few seconds. When
it has claimed the PBX and before its engine is told anything, it takes the shared state (whoever led before can write it no
more) and uses it if it is newer than what this service wrote itself as a leader; a service that comes back after its own crash
finds its own epoch there, and its own file has the very last change. If the shared store is away, the copy serves, or whatever the
own file holds: a take-over waits `TAKE_S` for it at most, and the log says what the agents' states are of. A leader who is
ended by his operator resigns there once he has fallen silent, so that nobody waits for his heartbeat to be missed.
"""

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable

from callcenter.storage.errors import NewerLeader, SharedStateAway, StateMissing, StateUnreadable
from callcenter.storage.live_state import LiveState
from callcenter.storage.mirror import Mirror
from callcenter.storage.shared_state import OWN_VALUES, Claim, Kept, SharedState, fields_of

FOLLOW_S = 1.0
"""Between two looks at whether the leader has resigned."""
COPY_LOOKS = 3
"""Looks between two copies."""
TAKE_S = 1.5
EPOCH = "epoch"
"""Name of the small value that holds the epoch with which this service led last."""

log = logging.getLogger(__name__)
Sleep = Callable[[float], Awaitable[object]]


class Succession:
    """Follows the shared state of a PBX, and takes it over."""

    def __init__(
        self,
        shared: SharedState,
        own: LiveState,
        mirror: Mirror,
        instance: str,
        *,
        sleep: Sleep = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """own: the service's own store, which is not told to the mirror."""
        self._shared = shared
        self._own = own
        self._mirror = mirror
        self._instance = instance
        self._sleep = sleep
        self._monotonic = monotonic
        self._claim: Claim | None = None
        """With which we lead; None: we never did."""
        self._resigned = 0
        """Epoch of the newest leader that was seen to resign."""
        self._epoch = 0
        """Newest epoch that was seen in the shared state."""
        self._copied: tuple[Kept, float] | None = None
        """The copy that lies in our own file, and when it was made; None: there is none."""
        self._unread = 0
        """Fields of the newest state that could not be read."""
        self.away: str | None = None
        """Why the shared state could not be copied; None while it can, and while we do not stand by."""

    async def follow(self, stands_by_at: Callable[[], str | None]) -> None:
        """Look at the leader, and copy what he shares, until cancelled. `stands_by_at`: the PBX's name while we stand by, else
        None."""
        looks = 0
        while True:
            if (pbx := stands_by_at()) is not None:
                if looks % COPY_LOOKS == 0:
                    await self._copy(pbx, stands_by_at)
                looks += 1
                with contextlib.suppress(SharedStateAway, StateUnreadable):
                    self._resigned = await self._shared.resigned(pbx) or self._resigned
            await self._sleep(FOLLOW_S)

    def has_resigned(self, epoch: int) -> bool:
        """Return whether the leader of this epoch has said that he does nothing more."""
        return self._resigned == epoch

    async def last_epoch(self, pbx: str) -> int:
        """Return the newest epoch that is known of the shared state; never fails."""
        try:
            self._epoch = max(self._epoch, await self._shared.last_epoch(pbx))
        except (SharedStateAway, StateUnreadable) as error:
            log.warning("epochs that only Redis knows are left out: %s", error)
        return self._epoch

    async def take_over(self, pbx: str, epoch: int) -> None:
        """We lead: have the newest state in our own file, and share it from now on. Never fails, and ends within TAKE_S."""
        claim = self._claim = Claim(pbx, epoch, self._instance)
        self.away = None
        try:
            async with asyncio.timeout(TAKE_S):
                kept = await self._shared.take(claim)
        except (SharedStateAway, StateUnreadable, NewerLeader, TimeoutError) as error:
            why = str(error) or f"no answer within {TAKE_S:g} s"
            log.warning("the shared state is of no use: %s; agents are as %s", why, self._next_best())
        else:
            if kept is None:
                log.info("nothing is shared yet: agents are as %s", self._next_best())
            elif self._is_newer(kept):
                self._become(kept)
                log.info("agents are as %s left them (epoch %d)", kept.instance, kept.epoch)
            else:
                log.info("agents are as this service's own file has them")
        self._mirror.lead(claim, fields_of(self._own.agents(), self._own.values("")))

    async def resign(self) -> None:
        """We have led and do nothing more, and all is shared: let the other one lead at once. Never fails."""
        if self._claim is not None:
            with contextlib.suppress(SharedStateAway, StateUnreadable, StateMissing, NewerLeader):
                await self._shared.resign(self._claim)

    def state(self) -> str:
        """Return in a word or a sentence how it stands: `ok`, or why the shared state is not up to date."""
        return self._mirror.away or self.away or "ok"

    async def _copy(self, pbx: str, stands_by_at: Callable[[], str | None]) -> None:
        try:
            kept = await self._shared.read(pbx)
        except (SharedStateAway, StateUnreadable) as error:
            if stands_by_at() is None:
                return  # we lead by now: the mirror says how it stands
            if self.away is None:
                log.warning("what the leader shares cannot be read: %s; taking over now, we would know less", error)
            self.away = str(error)
            return
        if self.away is not None:
            log.info("what the leader shares can be read again")
        self.away = None
        if kept is not None and stands_by_at() is not None:
            self._epoch = max(self._epoch, kept.epoch)
            if self._is_newer(kept):
                self._become(kept)
                if self._copied is None or self._copied[0].rank != kept.rank:
                    log.info("standing by with the state of %s (epoch %d)", kept.instance, kept.epoch)
                self._copied = kept, self._monotonic()

    def _is_newer(self, kept: Kept) -> bool:
        led = self._own.get(EPOCH) or ""
        return kept.rank > (int(led) if led.isdecimal() else 0, self._instance)

    def _become(self, kept: Kept) -> None:
        agents, values, unread = kept.content()
        if unread and unread != self._unread:
            log.warning("%d fields of the shared state cannot be read: left out", unread)
        self._unread = unread
        try:
            self._own.become(agents, values, OWN_VALUES)
        except sqlite3.Error as error:
            log.error("the state folder takes no state that was shared: %s", error)

    def _next_best(self) -> str:
        if self._copied is None:
            return "this service's own file has them"
        kept, at = self._copied
        return f"they were copied {self._monotonic() - at:.0f} s ago from {kept.instance} (epoch {kept.epoch})"

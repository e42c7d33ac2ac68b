"""Brings a leader's live state into the shared one, behind the routing: what is written there is what a stand-by takes over.

Theory of operation. The live state stays what it is: synchronous, written through to the service's own file. `MirroredLiveState`
is that store, which also tells the mirror of each change. The mirror remembers the newest value of each field and which of them
are not yet shared: never more than there are fields, however long the shared store is away. One task writes what is open,
a few times a second at most. Whatever fails, everything is written anew as soon as the store is there again, for nobody knows what
of a failed write has arrived. A mirror that meets a newer leader's claim has nothing to say any more and ends.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from acd.records import PresenceChanged
from callcenter.storage.errors import NewerLeader, SharedStateAway, StateMissing, StateUnreadable
from callcenter.storage.live_state import LiveState
from callcenter.storage.shared_state import AGENT, OWN_VALUES, VALUE, Claim, SharedState, Value, as_bytes

PAUSE_S = 0.05
"""Between two writes: changes of that time go together."""
BATCH = 50
AGAIN_MIN_S = 0.5
AGAIN_MAX_S = 5.0

log = logging.getLogger(__name__)
Sleep = Callable[[float], Awaitable[object]]


class Mirror:
    """Start `run` as a task; `lead` begins it. The attributes say how it is doing."""

    def __init__(self, shared: SharedState, *, sleep: Sleep = asyncio.sleep) -> None:
        self._shared = shared
        self._sleep = sleep
        self._claim: Claim | None = None
        """None until we lead."""
        self._fields: dict[str, Value] = {}
        self._open: dict[str, None] = {}
        """Names of fields that are not shared yet, in order."""
        self._is_whole_open = False
        self._changed = asyncio.Event()
        self.away: str | None = None
        """Why the shared state lacks what is new; None while it is written."""

    def __repr__(self) -> str:
        return f"<Mirror {self._claim} {len(self._fields)} fields, {self.behind} open, away: {self.away}>"

    @property
    def behind(self) -> int:
        """How many fields are not shared yet."""
        return len(self._fields) if self._is_whole_open else len(self._open)

    @property
    def _is_open(self) -> bool:
        return self._is_whole_open or bool(self._open)

    def lead(self, claim: Claim, fields: Mapping[str, Value]) -> None:
        """From now on this claim's state is shared, beginning with all of it."""
        self._claim = claim
        self._fields = dict(fields)
        self._write_anew()

    def put(self, name: str, value: Value) -> None:
        """A field has a new value."""
        if self._claim is not None:
            self._fields[name] = value
            self._open[name] = None
            self._changed.set()

    def drop(self, name: str) -> None:
        """A field is no more."""
        if self._fields.pop(name, None) is not None:
            self._open[name] = None
            self._changed.set()

    async def run(self) -> None:
        """Go on until cancelled, or until a newer leader writes."""
        again_s = 0.0
        while True:
            await self._changed.wait()
            try:
                await self._write()
            except NewerLeader as error:
                self.away = str(error)
                log.error("what agents do is not shared any more: %s", error)
                return
            except (SharedStateAway, StateUnreadable) as error:
                self._write_anew()
                self._note(str(error))
                again_s = min(max(again_s * 2, AGAIN_MIN_S), AGAIN_MAX_S)
                await self._sleep(again_s)
                continue
            except BaseException:
                self._write_anew()  # cut in the middle of a write
                raise
            again_s = 0.0
            if self._is_whole_open:  # what was written is gone again: a store that forgets is not hurried
                await self._sleep(AGAIN_MIN_S)
                continue
            if self._is_open:
                continue
            self._note(None)
            self._changed.clear()
            await self._sleep(PAUSE_S)

    async def finish(self, within_s: float) -> bool:
        """Write what is open, at the end of a run; return whether all is shared."""
        try:
            async with asyncio.timeout(within_s):
                while self._claim is not None and self._is_open:
                    await self._write()
        except (TimeoutError, NewerLeader, SharedStateAway, StateUnreadable):
            return False
        return True

    def _write_anew(self) -> None:
        self._is_whole_open = True
        self._open.clear()
        self._changed.set()

    async def _write(self) -> None:
        """Write everything, or one batch of changes."""
        assert self._claim is not None
        if self._is_whole_open:
            self._is_whole_open = False
            self._open.clear()
            try:
                names = list(self._fields)
                every = ((name, as_bytes(self._fields[name])) for name in names if name in self._fields)
                await self._shared.replace(self._claim, every)
            except StateMissing:
                self._write_anew()
            return
        names = list(self._open)[:BATCH]
        for name in names:
            del self._open[name]
        puts = {name: as_bytes(self._fields[name]) for name in names if name in self._fields}
        try:
            await self._shared.change(self._claim, puts, [name for name in names if name not in puts])
        except StateMissing:  # Redis was emptied, or somebody wrote there
            self._write_anew()

    def _note(self, away: str | None) -> None:
        if away is not None and self.away is None:
            log.warning("what agents do is not shared: %s; calls go on, a stand-by would know less", away)
        elif away is None and self.away is not None:
            log.info("what agents do is shared again: all %d fields", len(self._fields))
        self.away = away


class MirroredLiveState:
    """A store of live state whose changes are shared. Reading asks the service's own store alone."""

    def __init__(self, own: LiveState, mirror: Mirror) -> None:
        self._own = own
        self._mirror = mirror

    def put_agent(self, change: PresenceChanged) -> None:
        self._own.put_agent(change)
        self._mirror.put(AGENT + change.agent, change)

    def agents(self) -> list[PresenceChanged]:
        return self._own.agents()

    def forget(self, agent: str) -> None:
        self._own.forget(agent)
        self._mirror.drop(AGENT + agent)

    def put(self, name: str, value: str) -> None:
        self._own.put(name, value)
        if name not in OWN_VALUES:
            self._mirror.put(VALUE + name, value)

    def get(self, name: str) -> str | None:
        return self._own.get(name)

    def drop(self, name: str) -> None:
        self._own.drop(name)
        self._mirror.drop(VALUE + name)

    def values(self, prefix: str) -> dict[str, str]:
        return self._own.values(prefix)

    def become(self, agents: Sequence[PresenceChanged], values: Mapping[str, str], keep: Collection[str]) -> None:
        self._own.become(agents, values, keep)

    def close(self) -> None:
        self._own.close()

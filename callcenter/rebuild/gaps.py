"""Times in which nobody watched a PBX: when they began and ended, and who was to be reached at which phone.

Theory: while we are in step with a PBX, the present instant is kept in the live state every second. A snapshot makes a gap
of the last one kept and its own instant. Nobody can log in or out while nobody listens, so who sat where in the gap is
who sits where at the snapshot. The gap is kept until it was read in CEL, so a service that dies over it, or finds no CEL,
tries again at its next start; after `KEEP_MS` it is given up, and what was not told stays unknown.
"""

import asyncio
import json
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

from acd.engine import Engine
from acd.plan import Plan
from callcenter.storage.live_state import LiveState
from metrics.lengths import DAY_MS

log = logging.getLogger(__name__)
Sleep = Callable[[float], Awaitable[object]]

WATCHED_S = 1.0
MARGIN_MS = 15_000
"""How long a link may be dead before we know: what was seen so shortly before the gap is looked at again."""
SAME_MS = 50
"""Two witnesses of one instant differ by less."""
KEEP_MS = 7 * DAY_MS
KEEP_GAPS = 20
SOURCE = "reconcile"
"""Name of `callcenter reconcile` among the outboxes that the ledger keeps positions of."""
WATCHED = "watched:"
"""Name in the live state of the last watched instant, before the PBX's."""
_GAP, _STARTUP = "gap:", "startup:"


@dataclass(frozen=True, slots=True)
class Person:
    """Who is to be reached at a phone."""

    who: str
    """Agent number, or number of a specialist."""
    kind: str
    """`seat` or `specialist`."""


def people_of(plan: Plan, engine: Engine) -> dict[str, Person]:
    """Who is to be reached at which phone: the specialists of the plan, and whoever is logged in."""
    people = {one.number: Person(one.number, "specialist") for one in plan.specialists}
    return people | {agent.device: Person(agent.number, "seat") for agent in engine.agents if agent.device is not None}


@dataclass(frozen=True, slots=True)
class Gap:
    """Nobody watched from `watched_ms` to `to_ms`, instants of the PBX's clock."""

    pbx: str
    watched_ms: int
    to_ms: int
    has_restarted: bool = False
    """Asterisk was started anew within it: every call of before was dropped by then."""
    people: Mapping[str, Person] = field(default_factory=dict)
    """Phone (endpoint, or outside number of a specialist) -> who."""

    @property
    def from_ms(self) -> int:
        """From here on nothing is sure to have been seen."""
        return self.watched_ms - MARGIN_MS


class Gaps:
    """All gaps that were not read yet."""

    def __init__(self, live: LiveState) -> None:
        self._live = live
        self._unread: dict[str, tuple[int, int]] | None = None
        """Key of each gap that was not read yet -> its beginning and end, ms; None: not looked at since the start."""

    def reread(self) -> None:
        """The live state was replaced by what another leader left: look again."""
        self._unread = None

    def watched(self, pbx: str, at_ms: int) -> None:
        """We were in step with the PBX at this instant."""
        self._live.put(WATCHED + pbx, str(at_ms))

    async def follow(
        self,
        pbx: Callable[[], str],
        watches: Callable[[], bool],
        now_ms: Callable[[], int],
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Keep the last instant at which we watched, so that the next one of us knows since when nobody did. `pbx`: its name,
        which nobody knows before the first connect. A disk that refuses is told once, and tried again."""
        is_failing = False
        while True:
            await sleep(WATCHED_S)
            if not watches():
                continue
            try:
                self.watched(pbx(), now_ms())
                is_failing = False
            except sqlite3.Error as error:
                if not is_failing:
                    log.error("the last watched instant cannot be kept: %s", error)
                is_failing = True

    def untold_ms(self, pbx: str, from_ms: int, to_ms: int, *, is_watched: bool) -> int:
        """Return how much of [from, to) nobody watched this PBX and CEL has not told of, milliseconds; gaps never overlap.
        `is_watched`: whether somebody does at its end; else the time since the last watched instant is in it."""
        if self._unread is None:
            self._unread = {}
            for name, text in self._live.values(_GAP).items():
                if (gap := _read("", text)) is not None:
                    self._unread[name] = (gap.watched_ms, gap.to_ms)
        spans = (span for name, span in self._unread.items() if name.startswith(f"{_GAP}{pbx}:"))
        was = None if is_watched else self._live.get(WATCHED + pbx)
        outage = [(int(was), to_ms)] if was is not None and was.isdecimal() else []
        return sum(max(min(end, to_ms) - max(begin, from_ms), 0) for begin, end in (*spans, *outage))

    def open(self, pbx: str, to_ms: int, startup: str, people: Mapping[str, Person]) -> Gap:
        """Make a gap of a snapshot, and keep it. `startup`: the PBX's own word on when it was started; empty: unknown."""
        was = self._live.get(WATCHED + pbx)
        watched_ms = min(int(was), to_ms) if was is not None and was.isdecimal() else to_ms
        before = self._live.get(_STARTUP + pbx)
        if startup:
            self._live.put(_STARTUP + pbx, startup)
        gap = Gap(pbx, watched_ms, to_ms, bool(before and startup and before != startup), people)
        self.keep(gap)
        self.watched(pbx, to_ms)
        return gap

    def keep(self, gap: Gap) -> None:
        """Keep a gap until it was read."""
        self._live.put(_key(gap), _written(gap))
        if self._unread is not None:
            self._unread[_key(gap)] = (gap.watched_ms, gap.to_ms)

    def unread(self, pbx: str, now_ms: int) -> list[Gap]:
        """Return the PBX's gaps, the oldest first; forgets those that are too old or too many."""
        found = []
        for name, text in self._live.values(f"{_GAP}{pbx}:").items():
            gap = _read(pbx, text)
            if gap is None or gap.to_ms < now_ms - KEEP_MS:
                self._forget(name)
            else:
                found.append(gap)
        found.sort(key=lambda gap: gap.to_ms)
        for gap in found[:-KEEP_GAPS]:
            self.done(gap)
        return found[-KEEP_GAPS:]

    def told(self, pbx: str, ends_ms: Collection[int]) -> None:
        """Somebody else read the gaps that end at these instants."""
        names = {f"{_GAP}{pbx}:{ms:015d}" for ms in ends_ms}
        for name in names.intersection(self._live.values(f"{_GAP}{pbx}:")):
            self._forget(name)

    def done(self, gap: Gap) -> None:
        """The gap was read: CEL has nothing more to say of it."""
        self._forget(_key(gap))

    def _forget(self, name: str) -> None:
        self._live.drop(name)
        if self._unread is not None:
            self._unread.pop(name, None)


def _key(gap: Gap) -> str:
    return f"{_GAP}{gap.pbx}:{gap.to_ms:015d}"


def _written(gap: Gap) -> str:
    people = {phone: [person.who, person.kind] for phone, person in gap.people.items()}
    return json.dumps({"from": gap.watched_ms, "to": gap.to_ms, "restarted": gap.has_restarted, "people": people})


def _read(pbx: str, text: str) -> Gap | None:
    """A gap as it was kept; None for one that another version wrote."""
    try:
        kept = json.loads(text)
        people = {phone: Person(who, kind) for phone, (who, kind) in kept["people"].items()}
        return Gap(pbx, int(kept["from"]), int(kept["to"]), bool(kept["restarted"]), people)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None

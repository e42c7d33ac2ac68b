"""The board of a running service: gathers what changed, and tells all screens.

Theory of operation: `observe` and `settled` are called by the engine's task and by the ledger; both only mark. `run` looks at
most once in `TICK_S`, at least once in `BEAT_S`: it brings the sources up to date, composes the state, and tells the
difference. `between` is called by the projector between two transactions, so that reading a whole day never races with one.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncEngine

from acd.engine import Engine
from acd.plan import Plan
from acd.records import Record
from callcenter.board.day import hours_of_day
from callcenter.board.delta import State, difference
from callcenter.board.fanout import MOST_SCREENS, Fanout, Screen, message
from callcenter.board.today import Change, Today
from callcenter.board.view import Trust, compose
from callcenter.board.watch import FloorWatch
from callcenter.storage.count_sql import write_counts
from callcenter.storage.figures import Group, words_of
from callcenter.storage.rolled_figures import reading
from metrics.dictionary import DICTIONARY, Dictionary

log = logging.getLogger(__name__)

TICK_S = 0.1
"""Changes of this time are told together."""
BEAT_S = 1.0
READ_S = 20.0
"""Longest that reading the day may hold the projector up."""


class LiveBoard:
    """What all screens show. Belongs to the service's loop."""

    def __init__(
        self,
        *,
        plan: Callable[[], Plan],
        engine: Callable[[], Engine | None],
        now: Callable[[], float],
        trust: Callable[[bool], Trust],
        ledger: AsyncEngine,
        dictionary: Callable[[], Dictionary] = lambda: DICTIONARY,
        most: int = MOST_SCREENS,
    ) -> None:
        """now: seconds on the PBX's clock. trust: is told whether the day's totals are current. ledger: its database.
        dictionary: under the choices of the plan in force, as the report's. most: screens at the same time."""
        self._plan, self._engine, self._now, self._trust, self._ledger = plan, engine, now, trust, ledger
        self._watch = FloorWatch()
        self._dictionary = dictionary
        self._today = Today(dictionary())
        self._is_current = False
        """Whether the day's totals are those of the ledger."""
        self._zone = ZoneInfo(plan().zone)
        self._read_ms = 0
        """Beginning of the hour in which the ledger was read whole."""
        self._state: State = {}
        self._number = 0
        self._whole_text: tuple[State, bytes] = ({}, b"")
        """A state that was told whole, and the message: hundreds of screens may ask for the same one at once."""
        self._touched = asyncio.Event()
        self.fanout = Fanout(self._whole, most)

    def write_statements(self) -> None:
        """Write out what reading the day asks of the ledger, before calls are routed. Hours are counted from the rows."""
        today = self._today
        totals = [today.dictionary.totals[name] for name in today.names]
        write_counts(self._ledger.dialect.name, totals, words_of(Group.LINE))

    # what others tell

    def observe(self, records: Iterable[Record]) -> None:
        """Mark what a step of the engine has touched."""
        self._watch.observe(records)
        self._touched.set()

    def settled(self, changes: Sequence[Change]) -> None:
        """Take the rows of calls that a transaction of the ledger has changed."""
        self._today.changed(changes)
        self._touched.set()

    def doubt(self) -> None:
        """Nobody saw how a transaction ended: the day is read whole again."""
        self._is_current = False
        self._touched.set()

    async def between(self) -> None:
        """Read the day from the ledger if that is due. No transaction may run meanwhile. Raises LedgerAway."""
        hours = hours_of_day(self._now_ms(), ZoneInfo(self._plan().zone))
        begin = max(edge for edge in hours if edge <= self._now_ms())
        is_same = hours == list(self._today.edges) and self._dictionary() is self._today.dictionary
        if self._is_current and is_same and begin == self._read_ms:
            return
        fresh = Today(self._dictionary())
        async with reading(self._ledger, fresh.dictionary, within_s=READ_S) as figures:
            fresh.begin(hours, await figures.totals(hours, fresh.names, group=Group.LINE))
        self._today, self._zone = fresh, ZoneInfo(self._plan().zone)
        self._is_current, self._read_ms = True, begin
        self._touched.set()

    # screens

    @property
    def is_full(self) -> bool:
        """Whether one more screen would be refused."""
        return self.fanout.is_full

    def join(self, owner: str) -> Screen:
        """Open a screen. Raises TooManyScreens."""
        return self.fanout.join(owner)

    def leave(self, screen: Screen) -> None:
        """Forget a screen."""
        self.fanout.leave(screen)

    def close(self) -> None:
        """End all screens."""
        self.fanout.close()

    async def run(self) -> None:
        """Tell the screens what changes, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT_S):
                    await self._touched.wait()
            self._touched.clear()
            try:
                self._tell()
            except (
                Exception
            ):  # a fault here must not leave the screens with what was true once: they hear nothing and say so
                log.exception("the boards could not be brought up to date")
                self._watch = FloorWatch()
            await asyncio.sleep(TICK_S)

    def _tell(self) -> None:
        self._watch.update(self._engine())
        if not self.fanout.screens:
            self._state = {}
            return
        delta = self._look()
        if delta:
            self._number += 1
            self.fanout.tell(message("delta", self._head() | {"delta": delta}))
        else:
            self.fanout.tell(message("beat", self._head()))

    def _look(self) -> dict[str, dict[str, object]]:
        before = self._state
        now_ms, trust = self._now_ms(), self._trust(self._is_current)
        self._state = compose(self._watch, self._today, self._plan(), self._engine(), now_ms, self._zone, trust)
        return difference(before, self._state)

    def _whole(self) -> bytes:
        if not self._state:
            self._watch.update(self._engine())
            self._look()
        if self._whole_text[0] is not self._state:
            self._whole_text = (self._state, message("state", self._head() | {"state": self._state}))
        return self._whole_text[1]

    def _head(self) -> dict[str, object]:
        return {"number": self._number, "now_ms": self._now_ms()}

    def _now_ms(self) -> int:
        return int(self._now() * 1000)

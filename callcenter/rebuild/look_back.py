"""After a snapshot: looks at what happened while nobody watched, and tells the ledger.

Theory of operation: one task, off the routing path. It waits until the ledger has everything that was in the outbox at
the snapshot, reads CEL in a worker thread, and tells what is missing (`tell`). Rows may come late (Asterisk writes them in
a task of its own, and the end of a call comes last), so as long as a call is over whose HANGUP is not there it looks
again, a few times. What is left then is closed as unknown (`callcenter.unwatched`): a note, a gauge and the log say how
many, and the gap is kept for the next start. All gaps that were not read yet are tried, the oldest first.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from acd.names import CallId
from acd.plan import Plan
from acd.records import GapTold, Noted, Record
from callcenter.courtesy import giving_way
from callcenter.rebuild.gaps import Gap, Gaps
from callcenter.rebuild.lost import tell_lost
from callcenter.rebuild.source import CelAway, read_since
from callcenter.rebuild.tell import Account, Stories, tell
from callcenter.storage.call_fold import CallStory
from callcenter.storage.errors import LedgerAway
from callcenter.storage.outbox import Position
from callcenter.storage.projector import Projector
from callcenter.unwatched import close_unwatched, settled
from callcenter.witness.seek import AHEAD_MS

log = logging.getLogger(__name__)

LOOKS_S = (0.3, 0.5, 1.0, 2.0, 4.0)
"""Pauses between looks at CEL for rows that come late."""
BLINK_MS = 5_000
BEFORE_MS = 2_000
"""Rows of so long before a call arrived are read too."""
UNKNOWN = "calls_unknown"
"""Note of calls that ended while nobody watched and of which CEL does not tell."""
REBUILT = "calls_rebuilt"


@dataclass(slots=True)
class LookBack:
    """Looks at the gaps of one PBX, one after the other."""

    gaps: Gaps
    projector: Projector
    end: Callable[[], Position]
    """The outbox's end."""
    record: Callable[[Sequence[Record]], None]
    """Puts records into the outbox, and counts them."""
    cel: str | None
    """Where CEL is: a path or a database's URL."""
    plan: Callable[[], Plan]
    answered: Callable[[CallId, int], None] = lambda call, at_ms: None
    """Told of living calls whose first talk began in a gap."""
    unknown: set[CallId] = field(default_factory=set)
    """Inbound calls of the gaps looked at since the start that are over without an outcome."""
    looks: int = 0
    """How often CEL was read."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self, gap: Gap, living: Collection[str]) -> None:
        """Look at every gap that was not read yet, this one last. `living`: Uniqueids with a channel at its snapshot."""
        if gap.to_ms > gap.watched_ms:
            self.record([_told(gap)])
        async with self._turn:
            await tell_lost(gap, self.gaps, self.projector, self.record, self.plan())
            gaps = self.gaps.unread(gap.pbx, gap.to_ms)
            for one in gaps:
                await settled(self.projector, self.end())
                await self._look_at(one, living, gap.to_ms + AHEAD_MS)
            await close_unwatched(gap.pbx, living, gap.to_ms, self.projector, self.end(), self.record)
            await settled(self.projector, self.end())
            for one in gaps:
                await self._count_unknown(one)

    async def told_beside(self) -> None:
        """Somebody else told the ledger of gaps (`callcenter.rebuild.beside`). Raises LedgerAway."""
        ledger = self.projector.ledger
        for pbx, ends_ms in (await ledger.read_gaps()).items():
            self.gaps.told(pbx, ends_ms)
        for call in [*self.unknown]:
            row = await ledger.call(*call)
            if row is not None and row["outcome"] is not None:
                self.unknown.discard(call)

    async def _count_unknown(self, gap: Gap) -> None:
        for key, story in (await self._known(gap)).items():
            row = story.row
            is_unknown = row is not None and row["ended_ms"] is not None and row["outcome"] is None
            if is_unknown and row is not None and row["direction"] == "inbound" and not row["excluded"]:
                self.unknown.add(key)
            else:
                self.unknown.discard(key)

    async def _look_at(self, gap: Gap, living: Collection[str], latest_ms: int) -> None:
        """`latest_ms`: no row that tells of a call that is over can be later."""
        known = await self._known(gap)
        from_ms = min([gap.from_ms, *(_arrived_ms(story) for story in known.values())]) - BEFORE_MS
        try:
            account, begins_ms = await self._account(gap, (from_ms, latest_ms), known, living)
        except CelAway as error:
            if _is_worth_a_word(gap, known, living):
                self._say(gap, UNKNOWN, f"what happened from {gap.watched_ms} to {gap.to_ms} is not known: {error}")
            return
        if account.records:
            self.record(account.records)
            self._say(gap, REBUILT, f"{len(account.calls)} calls from CEL")
        for call, at_ms in account.answered.items():
            self.answered(call, at_ms)
        if not account.missing or (begins_ms is not None and begins_ms <= from_ms + BEFORE_MS):
            self.gaps.done(gap)
            if gap.to_ms > gap.watched_ms:
                self.record([_told(gap, is_read=True)])
        if account.missing:
            names = ", ".join(sorted(call.uniqueid for call in account.missing)[:5])
            self._say(gap, UNKNOWN, f"CEL does not have the end of {len(account.missing)} calls: {names}")

    async def _account(
        self, gap: Gap, within: tuple[int, int], known: Stories, living: Collection[str]
    ) -> tuple[Account, int | None]:
        """Return what is to be told, and the instant of the oldest row that was looked at. Read and compare, again as long as something is missing that may still come."""
        for pause_s in (*LOOKS_S, None):
            found = await asyncio.to_thread(_read_and_tell, self.cel, within, gap, known, living, self.plan())
            self.looks += 1
            if not found[0].missing or pause_s is None:
                break
            await asyncio.sleep(pause_s)
        return found

    async def _known(self, gap: Gap) -> Stories:
        while True:
            try:
                return await self.projector.ledger.lived_in(gap.pbx, gap.from_ms, gap.to_ms)
            except LedgerAway:
                await asyncio.sleep(1.0)

    def _say(self, gap: Gap, what: str, detail: str) -> None:
        log.log(logging.WARNING if what == UNKNOWN else logging.INFO, "%s: %s: %s", gap.pbx, what, detail)
        self.record([Noted(gap.to_ms, what, detail)])


def _read_and_tell(
    cel: str | None, within: tuple[int, int], gap: Gap, known: Stories, living: Collection[str], plan: Plan
) -> tuple[Account, int | None]:
    """The work of the thread."""
    with giving_way():
        text = read_since(cel, within[0], latest_ms=within[1])
        return tell(gap, text.rows, text.spoken, known, living, plan), text.begins_ms


def _told(gap: Gap, *, is_read: bool = False) -> GapTold:
    return GapTold(gap.pbx, gap.watched_ms, gap.to_ms, gap.has_restarted, is_read)


def _arrived_ms(story: CallStory) -> int:
    assert story.row is not None
    return int(story.row["arrived_ms"])


def _is_worth_a_word(gap: Gap, known: Stories, living: Collection[str]) -> bool:
    """Whether anything can have happened: a link that blinked tells nothing."""
    over = [story.row for key, story in known.items() if key.uniqueid not in living]
    return gap.to_ms - gap.watched_ms > BLINK_MS or any(row is not None and row["ended_ms"] is None for row in over)

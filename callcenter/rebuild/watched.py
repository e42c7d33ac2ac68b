"""Until when a PBX was watched: by the service of a state folder, and by anybody since. For who tells gaps, and for who reports.

Theory of operation: a service keeps every second the instant until which it was in step with its PBX. An instant of long ago
means that nobody has watched since, unless the ledger has what only a service that watches tells: a call seen live, or a gap
that one wrote down who began to watch (of a pair the other one may lead).
"""

from pathlib import Path

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from acd.names import EndedBy
from callcenter.rebuild.gaps import MARGIN_MS, SOURCE, WATCHED
from callcenter.storage.database import reaching
from callcenter.storage.live_state import values_left
from callcenter.storage.state_dir import LIVE_NAME
from callcenter.storage.tables import calls, notes
from callcenter.storage.tables_after import gaps


def watched_last(folder: Path, before_ms: int) -> dict[str, int]:
    """Return PBX -> the last instant at which the service of this state folder watched it, if that is before `before_ms`; none
    where there is no folder. Blocks. Raises StateUnusable."""
    left = values_left(folder / LIVE_NAME, WATCHED)
    watched = {name.removeprefix(WATCHED): int(text) for name, text in left.items() if text.isdecimal()}
    return {pbx: at_ms for pbx, at_ms in watched.items() if pbx and at_ms < before_ms}


async def is_watched_after(engine: AsyncEngine, pbx: str, at_ms: int) -> bool:
    """Whether anybody has seen a call of this PBX arrive or end since, or has written a gap down, as he does who begins to
    watch. Raises LedgerAway."""
    seen = (calls.c.pbx == pbx, ~calls.c.imported, calls.c.rebuilt_ms.is_(None))
    arrived = select(calls.c.uniqueid).where(*seen, calls.c.arrived_ms > at_ms + MARGIN_MS)
    was_seen = (calls.c.ended_ms > at_ms + MARGIN_MS, calls.c.ended_by != EndedBy.UNKNOWN.value)
    ended = select(calls.c.uniqueid).where(*seen, *was_seen)
    own = select(notes.c.at_ms).where(notes.c.outbox == SOURCE, notes.c.at_ms == gaps.c.to_ms)
    others = select(gaps.c.to_ms).where(gaps.c.pbx == pbx, gaps.c.to_ms > at_ms, ~own.exists())
    async with reaching(), engine.connect() as connection:
        return bool(await connection.scalar(select(or_(arrived.exists(), ended.exists(), others.exists()))))

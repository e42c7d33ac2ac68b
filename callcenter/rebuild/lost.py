"""Makes a gap of the time whose records were told to a ledger that does not have them any more.

Theory of operation: when a ledger is put back from a backup, its outbox notices what is missing between the two
(`callcenter.storage.put_back`). The time from the last call that the ledger has to the oldest record that is left is then a gap
like one in which nobody watched: on record, not read, told from CEL by this service or by `callcenter reconcile`. Who sat at
which phone in it is not known any more, so what was talked in it has a phone and no agent.
"""

import asyncio
from collections.abc import Callable, Sequence

from acd.plan import Plan
from acd.records import GapTold, Noted, Record
from callcenter.rebuild.gaps import Gap, Gaps, Person
from callcenter.storage.errors import LedgerAway
from callcenter.storage.projector import Projector
from callcenter.storage.put_back import lost, told

LEDGER_BEHIND = "ledger_behind"
"""Note of a ledger that was put back from a backup."""
AGAIN_S = 1.0


async def tell_lost(
    gap: Gap, gaps: Gaps, projector: Projector, record: Callable[[Sequence[Record]], None], plan: Plan
) -> None:
    """Put what was lost on record, once. `gap`: the one of this snapshot; what is lost lies before it. Waits for the ledger."""
    await projector.has_begun.wait()
    folder = projector.reader.folder
    found = await asyncio.to_thread(lost, folder)
    if found is None:
        return
    until_ms = gap.watched_ms if found.until_ms is None else min(found.until_ms, gap.to_ms)
    since_ms = await _last_arrival(projector, gap.pbx, until_ms)
    if since_ms is None:
        detail = f"the ledger has no call of before {until_ms}, and what was told to one before is not in it"
        record([Noted(gap.to_ms, LEDGER_BEHIND, detail)])
    else:
        people = {one.number: Person(one.number, "specialist") for one in plan.specialists}
        gaps.keep(Gap(gap.pbx, since_ms, until_ms, people=people))
        detail = f"the ledger was put back from a backup: what was told from {since_ms} to {until_ms} is not in it"
        record(
            [
                GapTold(gap.pbx, since_ms, until_ms, has_restarted=False, is_read=False),
                Noted(gap.to_ms, LEDGER_BEHIND, detail),
            ]
        )
    await asyncio.to_thread(told, folder)


async def _last_arrival(projector: Projector, pbx: str, before_ms: int) -> int | None:
    while True:
        try:
            return await projector.ledger.last_arrival(pbx, before_ms)
        except LedgerAway:
            await asyncio.sleep(AGAIN_S)

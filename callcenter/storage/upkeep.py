"""What storage needs done off the routing loop: fsync of the outbox every second, a checkpoint of live state every minute.

Both block for the disk, so they run in threads. A disk that fails is told once and tried again: neither is needed for a
record or a state to survive the death of the process, only for it to survive a power cut.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable

from callcenter.storage.live_state import SqliteLiveState
from callcenter.storage.outbox import Outbox

SYNC_S = 1.0
CHECKPOINTS = 60
"""Syncs between two checkpoints."""

log = logging.getLogger(__name__)
Sleep = Callable[[float], Awaitable[object]]


async def keep_on_disk(
    outbox: Outbox, live: SqliteLiveState | None = None, *, every_s: float = SYNC_S, sleep: Sleep = asyncio.sleep
) -> None:
    """Run until cancelled."""
    failing = False
    count = 0
    while True:
        await sleep(every_s)
        count += 1
        try:
            await asyncio.to_thread(outbox.sync)
            if live is not None and count % CHECKPOINTS == 0:
                await asyncio.to_thread(live.checkpoint)
            failing = False
        except (OSError, sqlite3.Error) as error:
            if not failing:
                log.error("the disk refuses: %s (a power cut could now cost records)", error)
            failing = True

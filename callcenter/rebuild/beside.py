"""Notices in a running service that `callcenter reconcile` told the ledger something beside it.

Theory of operation: the command writes under positions of its own (`catch_up.SOURCE`). When they have moved, gaps that it read are no
longer ours to read, calls that it told are no longer unknown, and whoever follows the ledger's rows by differences reads them
whole again, since nobody told him these.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from callcenter.rebuild.gaps import SOURCE
from callcenter.rebuild.look_back import LookBack
from callcenter.storage.errors import LedgerAway
from callcenter.storage.followers import Follower
from callcenter.storage.outbox import Position

EVERY_S = 5.0

Sleep = Callable[[float], Awaitable[object]]


async def notice(look_back: LookBack, followers: Sequence[Follower], *, sleep: Sleep = asyncio.sleep) -> None:
    """Look at once, and then every few seconds, until cancelled."""
    seen: Position | None = None
    while True:
        try:
            now = await look_back.projector.ledger.position(SOURCE)
            if now != seen:
                await look_back.told_beside()
                for one in followers if seen is not None else ():
                    one.doubt()
                seen = now
        except LedgerAway:
            pass  # the next time
        await sleep(EVERY_S)

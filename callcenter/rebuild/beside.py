"""Notices in a running service that somebody else told the ledger something beside it: `callcenter reconcile`, or the other one of a pair.

Theory of operation: whoever writes records has positions of his own. When those of the command (`catch_up.SOURCE`) have moved, gaps
that it read are no longer ours to read, and calls that it told are no longer unknown. When any but our own have moved, whoever follows the
ledger's rows by differences reads them whole again, since nobody told him these: a leader who was killed brings what lay in his
outbox into the ledger as soon as he is back, as the stand-by of who leads now. Who stands by shows no figures, and reads nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from callcenter.rebuild.gaps import SOURCE
from callcenter.rebuild.look_back import LookBack
from callcenter.storage.errors import LedgerAway
from callcenter.storage.followers import Follower
from callcenter.storage.outbox import Position

EVERY_S = 5.0

Sleep = Callable[[float], Awaitable[object]]


async def notice(
    look_back: LookBack,
    followers: Sequence[Follower],
    stands_by: Callable[[], bool],
    *,
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Look at once, and then every few seconds, until cancelled. stands_by: whether another instance leads."""
    projector = look_back.projector
    seen: Mapping[str, Position] | None = None
    while True:
        try:
            of_all = await projector.ledger.positions()
            now = {outbox: position for outbox, position in of_all.items() if outbox != projector.reader.identity}
            if seen is None or now.get(SOURCE) != seen.get(SOURCE):
                await look_back.told_beside()
            if seen is not None and now != seen and not stands_by():
                for one in followers:
                    one.doubt()
            seen = now
        except LedgerAway:
            pass  # the next time
        await sleep(EVERY_S)

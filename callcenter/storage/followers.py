"""Whoever keeps figures of the ledger in memory: told what each transaction changed, and given the pauses between them.

When this instance begins to lead, another one wrote to the ledger before it: then everything is read anew, once.

A fault of one of them is no reason for the ledger to stop, nor for the others: it is logged, and its figures are read anew.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from callcenter.storage.call_fold import Row
from callcenter.storage.errors import LedgerAway
from callcenter.storage.ledger import Ledger
from callcenter.storage.projector import Projector

log = logging.getLogger(__name__)


class Follower(Protocol):
    """Keeps in step with the ledger's rows of calls."""

    def settled(self, changes: Sequence[tuple[Row | None, Row]]) -> None:
        """Take the rows that a committed transaction has changed, as they were and as they are."""
        ...

    def doubt(self) -> None:
        """Nobody saw how a transaction ended: rows may have changed that were never told."""
        ...

    async def between(self) -> None:
        """Read from the ledger what is due; no transaction runs meanwhile. Raises LedgerAway."""
        ...


def follow(
    ledger: Ledger, outbox: Path, followers: Sequence[Follower], leads: Callable[[], bool] = lambda: True
) -> Projector:
    """Return the projector of an outbox, whose ledger tells all of them. leads: whether this instance does."""
    led = False

    def settled(changes: Sequence[tuple[Row | None, Row]]) -> None:
        for one in followers:
            try:
                one.settled(changes)
            except Exception:
                log.exception("%s could not follow the ledger: it is read anew", type(one).__name__)
                one.doubt()

    def doubt() -> None:
        for one in followers:
            one.doubt()

    async def between() -> None:
        nonlocal led
        before, led = led, leads()
        if led and not before:
            doubt()
        for one in followers:
            try:
                await one.between()
            except LedgerAway:
                raise
            except Exception:
                log.exception("%s could not read the ledger: tried again", type(one).__name__)

    ledger.on_calls, ledger.on_doubt = settled, doubt
    return Projector(outbox, ledger, between=between)

"""Upkeep brings things to the disk in its rhythm and outlives a disk that fails."""

import asyncio
import logging
from pathlib import Path

import pytest

from acd.names import CallId
from acd.records import CallInMenu
from callcenter.storage.live_state import SqliteLiveState
from callcenter.storage.outbox import Outbox
from callcenter.storage.upkeep import CHECKPOINTS, keep_on_disk


class CountingOutbox(Outbox):
    """Counts syncs; the first few fail."""

    synced = 0
    failures = 0

    def sync(self) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError(5, "Input/output error")
        super().sync()
        self.synced += 1


class CountingState(SqliteLiveState):
    """Counts checkpoints."""

    checkpoints = 0

    def checkpoint(self) -> None:
        super().checkpoint()
        self.checkpoints += 1


async def test_sync_every_turn_checkpoint_every_sixtieth_and_one_word_about_a_failing_disk(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = CountingOutbox(tmp_path / "box", segment_bytes=50)
    outbox.failures = 3
    live = CountingState(tmp_path / "live.sqlite3")
    turns = 0

    async def sleep(seconds: float) -> None:
        nonlocal turns
        assert seconds == 1.0
        turns += 1
        outbox.append([CallInMenu(CallId("pbx-1", "1.1"), turns)])
        if turns > 2 * CHECKPOINTS:
            raise asyncio.CancelledError

    with caplog.at_level(logging.ERROR), pytest.raises(asyncio.CancelledError):
        await keep_on_disk(outbox, live, sleep=sleep)
    assert (outbox.synced, live.checkpoints) == (2 * CHECKPOINTS - 3, 2)
    assert len(caplog.records) == 1
    outbox.close()
    live.close()

"""What a stall of the machine may do to two witnesses of one instant, and no more; and how a test measures beside stalls.

The tests run beside each other on few cores: a channel's dialplan may wait for its turn after the channel was made, and then AMI's
arrival is later than CEL's by more than the 50 ms that production and the long proof allow. That is told of a fault by its
count and its size: an instant taken at the wrong place is wrong in every call.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from tests.integration.office import NEAR_MS

STALLS = 3
"""Instants of one run, of several hundred compared, that may be up to `NEAR_MS` apart."""
MEASURES = 4
_INSTANT = re.compile(r" \w+_ms: ledger (\d+), CEL (\d+)$")


def stalled(mismatches: Sequence[str]) -> list[str]:
    """Return those mismatches that a stall explains: none where they are too many."""
    found = [words for words in mismatches if (told := _INSTANT.search(words)) and _is_near(told)]
    return found if len(found) <= STALLS else []


def _is_near(told: re.Match[str]) -> bool:
    return abs(int(told[1]) - int(told[2])) <= NEAR_MS


async def least(measure: Callable[[], Awaitable[float]], below: float) -> float:
    """Measure until it is below that, a few times at most, and return the least: one stall of the machine decides no test."""
    took = [await measure()]
    while min(took) >= below and len(took) < MEASURES:
        took.append(await measure())
    return min(took)


@contextlib.asynccontextmanager
async def stalls() -> AsyncIterator[list[float]]:
    """By how much this process was late meanwhile, stall by stall, seconds: the machine stood still, the PBX too."""
    late: list[float] = []

    async def watch() -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.1)
            if (over := time.monotonic() - began - 0.1) > 0.1:
                late.append(over)

    watching = asyncio.create_task(watch())
    try:
        yield late
    finally:
        watching.cancel()

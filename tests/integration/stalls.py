"""What a stall of the machine may do to two witnesses of one instant, and no more.

The tests run beside each other on few cores: a channel's dialplan may wait for its turn after the channel was made, and then AMI's
arrival is later than CEL's by more than the 50 ms that production and the long proof allow. That is told of a fault by its
count and its size: an instant taken at the wrong place is wrong in every call.
"""

import re
from collections.abc import Sequence

from tests.integration.office import NEAR_MS

STALLS = 3
"""Instants of one run, of several hundred compared, that may be up to `NEAR_MS` apart."""
_INSTANT = re.compile(r" \w+_ms: ledger (\d+), CEL (\d+)$")


def stalled(mismatches: Sequence[str]) -> list[str]:
    """Return those mismatches that a stall explains: none where they are too many."""
    found = [words for words in mismatches if (told := _INSTANT.search(words)) and _is_near(told)]
    return found if len(found) <= STALLS else []


def _is_near(told: re.Match[str]) -> bool:
    return abs(int(told[1]) - int(told[2])) <= NEAR_MS

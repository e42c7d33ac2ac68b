"""Where in a long CEL file a wanted time begins: found by halving, since Asterisk appends.

Rows are in the order of time but for moments (`MOMENTS_MS`), so the place found lies a little before the wanted time.
"""

import re
from typing import BinaryIO

MOMENTS_MS = 10_000
"""How far rows may be out of order."""
PIECE = 64 * 1024
AHEAD_MS = 60_000
"""So far the clocks of two hosts may differ: a row that is later than now by more is wrong."""
LATEST_S = 253_370_764_800
"""Beginning of the year 9999: no calendar that we print has more, and no PBX's clock shows it."""
_INSTANT = re.compile(rb'"[^"]*","(\d{1,12})\.(\d{6})"')


def place_of(file: BinaryIO, length: int, from_ms: int) -> int:
    """Return the beginning of a line before which no row is of `from_ms` or later."""
    low, high = 0, length
    while high - low > PIECE:
        middle = (low + high) // 2
        at = _next_line(file, middle)
        instant_ms = first_instant_ms(file, at, length)
        if instant_ms is None or instant_ms >= from_ms - MOMENTS_MS:
            high = middle
        else:
            low = at
    return low


def instant_ms_of(line: bytes) -> int | None:
    """Return the instant of a line, None when it has none that can be read."""
    found = _INSTANT.match(line)
    if found is None or int(found[1]) >= LATEST_S:
        return None
    return int(found[1]) * 1000 + int(found[2]) // 1000


def first_instant_ms(file: BinaryIO, offset: int, length: int) -> int | None:
    """Instant of the first readable row at or behind `offset`; None: there is none within reach."""
    file.seek(offset)
    for _ in range(50):
        line = file.readline()
        if not line or file.tell() > length:
            return None
        if (instant_ms := instant_ms_of(line)) is not None:
            return instant_ms
    return None


def _next_line(file: BinaryIO, offset: int) -> int:
    file.seek(offset)
    file.readline()
    return file.tell()

"""A time zone whose midnight is when a test wants it: a TZif file (RFC 8536) with one offset, for processes with PYTHONTZPATH."""

import struct
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

DAY_S = 86_400


def make_zone(folder: Path, name: str, midnight_s: int) -> date:
    """Write the zone `folder/name` in which a day begins at `midnight_s` (Unix seconds); returns that day, as the zone calls it."""
    offset_s = -midnight_s % DAY_S
    if offset_s > DAY_S // 2:
        offset_s -= DAY_S
    head = b"TZif2" + bytes(15) + struct.pack(">6l", 0, 0, 0, 0, 1, 4)
    body = struct.pack(">lBB", offset_s, 0, 0) + b"LAB\0"
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((head + body) * 2 + b"\n\n")
    return datetime.fromtimestamp(midnight_s, timezone(timedelta(seconds=offset_s))).date()

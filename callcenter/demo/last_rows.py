"""Waits until CEL has told the end of everything: Asterisk writes it behind the calls, on a stalled machine by a second."""

import asyncio
from collections.abc import Collection
from pathlib import Path

from callcenter.witness.cel import CelKind, fields_of

TOLD_WITHIN_S = 20.0
LOOK_EVERY_S = 0.1


async def until_told(cel_file: Path, callers: Collection[str], within_s: float = TOLD_WITHIN_S) -> bool:
    """Wait until each of these callers has a channel, and every channel and Linkedid that began has its end.

    Return whether it came to be: what never ends is for the witnesses to tell."""
    deadline = asyncio.get_running_loop().time() + within_s
    while not await asyncio.to_thread(_is_told, cel_file, callers):
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(LOOK_EVERY_S)
    return True


def _is_told(cel_file: Path, callers: Collection[str]) -> bool:
    try:
        text = cel_file.read_text(encoding="utf-8", errors="backslashreplace")
    except FileNotFoundError:
        return not callers
    numbers: set[str] = set()
    begun: set[tuple[str, str]] = set()
    ended: set[tuple[str, str]] = set()
    for line in text.splitlines():
        try:
            row = fields_of(line)
        except ValueError:
            continue  # no row for the witness either, or one that is being written
        if row is None or row["userdeftype"]:
            continue
        channel, linked = ("channel", row["uniqueid"]), ("linked", row["linkedid"])
        if row["eventtype"] == CelKind.CHAN_START:
            numbers.add(row["cidnum"])
            begun |= {channel, linked}
        elif row["eventtype"] == "CHAN_END":
            ended.add(channel)
        elif row["eventtype"] == CelKind.LINKEDID_END:
            ended.add(linked)
    return numbers.issuperset(callers) and begun <= ended

"""Reads that part of CEL which may tell of a gap. Blocks for the disk: made for a worker thread.

Theory of operation: where CEL is kept, which files it was rotated into and how the wanted time is found in them is
`callcenter.witness.store`'s to know. Here the lines that may say something are kept and parsed, a few at a time: between two
pieces of work the thread sleeps, so that the loop which routes calls goes first (`callcenter.courtesy` says the rest).

What cannot be read raises `CelAway` with the reason. A torn or damaged line is left out, as `callcenter.witness.cel` does.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from callcenter.witness.cel import CelKind, CelRow, parse_lines
from callcenter.witness.errors import WitnessError
from callcenter.witness.seek import MOMENTS_MS, instant_ms_of
from callcenter.witness.spoken import LINE_BEGINS, Spoken, SpokenRow, spoken_of, spoken_rows
from callcenter.witness.store import open_cel

MAX_ROWS = 800_000
"""Most rows that are kept, the newest: some 256 MiB. What lies before stays unknown."""
_LINES = 100
"""Lines worked on between two sleeps: about a millisecond."""
_PAUSE_S = 0.0005
_WANTED = tuple({*(f'"{kind}"' for kind in CelKind), *LINE_BEGINS})


class CelAway(Exception):
    """CEL cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class CelText:
    """The part of CEL that was read."""

    rows: tuple[CelRow, ...]
    spoken: dict[str, Spoken]
    begins_ms: int | None
    """Instant from which on every row was looked at, as far as CEL reaches back; None: there was none."""
    ends_ms: int | None = None
    """Instant of about the newest row that was looked at, of whatever kind; None: there was none."""
    is_torn: bool = False
    """A file ended in the middle of a line, which was left out."""
    later: int = 0
    """Rows that are later than any can be, of whatever kind; they were left out."""


def read_since(
    source: str | None,
    from_ms: int,
    *,
    until_ms: int | None = None,
    latest_ms: int | None = None,
    max_rows: int = MAX_ROWS,
) -> CelText:
    """Read all rows from `from_ms` on. `source`: path of the CSV file or an SQLite file, or a database URL. `until_ms`: rows of
    after it need not be read; None: to the end. `latest_ms`: no row can be later (it is left out). Raises CelAway."""
    if source is None:
        raise CelAway("CALLCENTER_CEL is not set")
    try:
        read = asyncio.run(_read(source, from_ms, until_ms, latest_ms, max_rows))
    except WitnessError as error:
        raise CelAway(str(error)) from error
    return _parsed(read)


@dataclass(slots=True)
class _Read:
    """The lines that may be of use, and from when to when they are whole."""

    lines: Sequence[str]
    begins_ms: int | None
    ends_ms: int | None = None
    is_torn: bool = False
    later: int = 0


async def _read(source: str, from_ms: int, until_ms: int | None, latest_ms: int | None, max_rows: int) -> _Read:
    lines: deque[str] = deque(maxlen=max_rows)
    store = open_cel(source)
    read = _Read(lines, await store.oldest_ms())
    async for piece in store.pieces(from_ms):
        told = piece.lines if latest_ms is None else [line for line in piece.lines if not _is_later(line, latest_ms)]
        read.later += len(piece.lines) - len(told)
        lines += (line for line in told if line.startswith(_WANTED))
        read.is_torn |= piece.torn
        newest_ms = next((at for line in reversed(told) if (at := instant_ms_of(line.encode())) is not None), None)
        if newest_ms is not None:
            read.ends_ms = max(read.ends_ms or newest_ms, newest_ms)
            if until_ms is not None and newest_ms > until_ms + MOMENTS_MS:
                break
        await asyncio.sleep(_PAUSE_S)
    read.lines = list(lines)
    if len(lines) == max_rows:
        read.begins_ms = instant_ms_of(lines[0].encode())
    return read


def _is_later(line: str, latest_ms: int) -> bool:
    instant_ms = instant_ms_of(line.encode())
    return instant_ms is not None and instant_ms > latest_ms


def _parsed(read: _Read) -> CelText:
    lines = read.lines
    rows: list[CelRow] = []
    said: list[SpokenRow] = []
    for first in range(0, len(lines), _LINES):
        some = lines[first : first + _LINES]
        rows += parse_lines(some).rows
        said += spoken_rows(some)
        time.sleep(_PAUSE_S)
    rows.sort(key=lambda row: row.at_us)
    spoken = spoken_of(said)
    while said:  # to free them all at once would hold the lock for long
        del said[-_LINES:]
        time.sleep(_PAUSE_S)
    return CelText(tuple(rows), spoken, read.begins_ms, read.ends_ms, read.is_torn, read.later)

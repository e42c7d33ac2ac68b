"""Notices that the ledger or the state folder was put back from a backup, so that the two do not fit any more.

Theory of operation: an outbox keeps the segment of its stored position and everything behind it, and each process begins a segment
of its own. So the ledger's position always lies in a segment that is there, and never behind what earlier processes left. It is otherwise only if

- the *ledger* was put back: the position's segment is long gone. What was told between is in neither. The outbox's folder
  keeps a mark with the instant of the oldest record that is left, until somebody has told when the lost time began (`rebuild.lost`).
- the *folder* was put back, or the machine it is on: the position lies behind its end. All that was in it is told, and what came since
  would lie before the position and never be read. So the outbox begins anew: a fresh name, without the old segments.

Its end is that of the first start since the ledger was last reached, kept in a file: processes that could not reach the ledger may have
written since, and none of that is told. Both are found before the first record is applied, and survive a kill at any
point: each is found again, or has left its mark.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

from callcenter.storage.outbox import START, Position, segment_path, segments
from callcenter.storage.outbox_reader import OutboxReader

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lost:
    """Records that were told to a ledger which does not have them any more."""

    until_ms: int | None
    """Instant of the oldest record that is left (PBX clock); None: none is."""


def end_before(reader: OutboxReader) -> Position:
    """Return where the outbox ended at the first start since the ledger was last reached; without one, where it ends now."""
    try:
        segment, offset = map(int, _since(reader.folder).read_text(encoding="ascii").split())
    except (FileNotFoundError, ValueError):
        return reader.end()
    return Position(segment, offset)


def keep_end(reader: OutboxReader, end: Position) -> None:
    """Keep it over the starts to come, until the ledger was reached. For a process that has written nothing yet."""
    path = _since(reader.folder)
    fresh = path.with_suffix(".new")
    fresh.write_text(f"{end.segment} {end.offset}", encoding="ascii")
    fresh.replace(path)


def reached(reader: OutboxReader) -> None:
    """The ledger's position was compared: what is written from now on is read from there."""
    _since(reader.folder).unlink(missing_ok=True)


def begin_anew(reader: OutboxReader, name: str, end: Position) -> None:
    """Give an outbox that is older than the ledger a fresh name, and drop what was put back: all of it is told. `end`: where that
    ended."""
    log.error("%s is older than the ledger (put back?): its records are told already, it begins anew", reader.folder)
    for number in segments(reader.folder):
        if number < end.segment:
            segment_path(reader.folder, number).unlink(missing_ok=True)
    reader.rename(name)


def mark_lost(reader: OutboxReader, position: Position) -> None:
    """Mark what lies between the ledger's position and the oldest segment that is left, if anything does."""
    numbers = segments(reader.folder)
    if not numbers or numbers[0] == 1 or position.segment >= numbers[0]:
        return
    log.error("the ledger is older than %s (put back?): what was told between is lost", reader.folder)
    until_ms = _first_instant(reader)
    _mark(reader.folder).write_text("" if until_ms is None else str(until_ms), encoding="ascii")


def lost(folder: Path) -> Lost | None:
    """Return what nobody has told of yet; None: nothing is lost."""
    try:
        text = _mark(folder).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    return Lost(int(text) if text.isdecimal() else None)


def told(folder: Path) -> None:
    """The lost time is on record."""
    _mark(folder).unlink(missing_ok=True)


def _since(folder: Path) -> Path:
    return folder / "since"


def _mark(folder: Path) -> Path:
    return folder / "lost"


def _first_instant(reader: OutboxReader) -> int | None:
    instants = (getattr(entry.record, "at_ms", None) for entry in reader.read(START, 50))
    return next((at_ms for at_ms in instants if at_ms is not None), None)

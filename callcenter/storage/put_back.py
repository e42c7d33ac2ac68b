"""Notices that the ledger or the state folder was put back from a backup, so that the two do not fit any more.

Theory of operation: an outbox keeps the segment of its stored position and everything behind it, and each process begins a segment
of its own. So the ledger's position always lies in a segment that is there, and never behind what an earlier process left. It is otherwise only if

- the *ledger* was put back: the position's segment is long gone. What was told between is in neither. The outbox's folder
  keeps a mark with the instant of the oldest record that is left, until somebody has told when the lost time began (`rebuild.lost`).
- the *folder* was put back, or the machine it is on: the position lies behind its end. All that is in it was told, and what comes now
  would lie before the position and never be read. So the outbox begins anew: a fresh name, without the old segments.

Both are found before the first record is applied, and survive a kill at any point: each is found again, or has left its mark.
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


def begin_anew(reader: OutboxReader, name: str, end: Position) -> None:
    """Give an outbox that is older than the ledger a fresh name, and drop what earlier processes left: all of it is told.
    `end`: where it ended at the start of this process."""
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


def _mark(folder: Path) -> Path:
    return folder / "lost"


def _first_instant(reader: OutboxReader) -> int | None:
    instants = (getattr(entry.record, "at_ms", None) for entry in reader.read(START, 50))
    return next((at_ms for at_ms in instants if at_ms is not None), None)

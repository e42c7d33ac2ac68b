"""Reads the CSV file that cel_custom writes (config/asterisk/cel_custom_callcenter.conf) into typed rows.

Theory of operation: independence is settled here, once. Of the columns only those are read that Asterisk fills by
itself; caller number, extension, application, application data and user event type are left in the file, because the
service or its dialplan writes into them (a wish is an extension, a label is a caller name). Of the rows only the six
kinds of `CelKind` are kept, and none that `CELGenUserEvent` made, whatever it calls itself. So nothing behind this
module can learn what the service believes.

A line is a row: Asterisk writes each with one write. A last line without its end is torn (the PBX is writing it, or
died doing so); a line inside the file that is no row is a bad line (a torn one with the next row behind it). Both are
reported, neither stops the reading. Rows are not in the order of time in the file; they are sorted by instant, and
rows of one instant keep the file's order.
"""

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from callcenter.witness.errors import NoCelFile
from callcenter.witness.seek import LATEST_S

COLUMNS = (
    "eventtype",
    "eventtime",
    "cidnum",
    "exten",
    "context",
    "channame",
    "appname",
    "appdata",
    "uniqueid",
    "linkedid",
    "peer",
    "userdeftype",
    "eventextra",
)
"""The file's columns, in order. The file itself has no header; a copy may have one, made of these names."""


class CelKind(StrEnum):
    """The kinds of rows that may speak: each is written by Asterisk's core, none by a dialplan."""

    CHAN_START = "CHAN_START"
    ANSWER = "ANSWER"
    BRIDGE_ENTER = "BRIDGE_ENTER"
    BRIDGE_EXIT = "BRIDGE_EXIT"
    HANGUP = "HANGUP"
    LINKEDID_END = "LINKEDID_END"


@dataclass(frozen=True, slots=True)
class CelRow:
    """One row of CEL. Fields that its kind does not have are empty."""

    kind: CelKind
    at_us: int
    """Microseconds since the epoch on the PBX's clock."""
    uniqueid: str
    linkedid: str
    channel: str
    """Channel name, e.g. `PJSIP/8101-0000000a`."""
    context: str
    """Where in the dialplan the channel stood."""
    bridge_id: str = ""
    hangup_cause: int | None = None
    hangup_source: str = ""
    """Channel name of who hung up; `dialplan/builtin` for Hangup(); empty when the PBX was told to."""
    dial_status: str = ""
    """How the channel's last dial ended, by CEL itself: CANCEL when the caller hung up meanwhile; empty: none ended."""

    @property
    def at_ms(self) -> int:
        """The instant, cut to milliseconds."""
        return self.at_us // 1000


COUNTED = frozenset({"CHAN_END", "APP_START", "APP_END"})
"""Kinds that the core writes as one of a pair: never read for what they say, only counted (is the other one there?)."""


@dataclass(frozen=True, slots=True)
class CelMark:
    """That such a row is there."""

    kind: str
    at_us: int
    uniqueid: str


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line of the file that is no row."""

    number: int
    """1 is the first line."""
    why: str


@dataclass(frozen=True, slots=True)
class CelRows:
    """What the file says, and what of it could not be read."""

    rows: tuple[CelRow, ...]
    """In the order of time."""
    bad: tuple[BadLine, ...] = ()
    torn: bool = False
    """The last line was cut off; it is not among the rows."""
    newest_ms: int | None = None
    """Instant of the newest row of any kind, those that may not speak included; None for an empty file."""


def read_cel(path: Path) -> CelRows:
    """Read a CEL file. Raises `NoCelFile` when there is none."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise NoCelFile(str(path)) from error
    lines = data.decode("utf-8", "backslashreplace").split("\n")
    last = lines.pop()
    return parse_lines(lines, torn=bool(last))


def parse_lines(lines: Iterable[str], *, torn: bool = False) -> CelRows:
    """Parse whole lines of the file (pure). `torn`: a piece of one more line was left out."""
    rows: list[CelRow] = []
    bad: list[BadLine] = []
    newest_us: int | None = None
    for number, line in enumerate(lines, 1):
        try:
            fields = fields_of(line)
            if fields is None:
                continue
            at_us = microseconds_of(fields["eventtime"])
            newest_us = at_us if newest_us is None else max(newest_us, at_us)
            row = row_of(fields, at_us)
        except ValueError as error:
            bad.append(BadLine(number, str(error)))
            continue
        if row is not None:
            rows.append(row)
    rows.sort(key=lambda row: row.at_us)
    return CelRows(tuple(rows), tuple(bad), torn, None if newest_us is None else newest_us // 1000)


def fields_of(line: str) -> dict[str, str] | None:
    """Return a line's columns by name, None for an empty line or a header. Raises ValueError."""
    if not line.strip():
        return None
    try:
        values = next(csv.reader([line], strict=True))
    except csv.Error as error:
        raise ValueError(f"not CSV: {error}") from error
    if len(values) != len(COLUMNS):
        raise ValueError(f"{len(values)} columns instead of {len(COLUMNS)}")
    return None if tuple(values) == COLUMNS else dict(zip(COLUMNS, values, strict=True))


def microseconds_of(text: str) -> int:
    """`1795482036.153765` as integer microseconds, without a float in between. Raises ValueError."""
    seconds, dot, fraction = text.partition(".")
    if not (dot and len(fraction) == 6 and seconds.isdecimal() and fraction.isdecimal()):
        raise ValueError(f"eventtime {text!r} is not epoch.microseconds (dateformat in cel.conf must stay unset)")
    if len(seconds) > len(str(LATEST_S)) or int(seconds) >= LATEST_S:
        raise ValueError(f"eventtime {text[:40]!r} is later than any clock shows")
    return int(seconds) * 1_000_000 + int(fraction)


def mark_of(fields: Mapping[str, str], at_us: int) -> CelMark | None:
    """Return the mark of a row that is only counted, None for any other."""
    kind = fields["eventtype"]
    if fields["userdeftype"] or kind not in COUNTED or not fields["uniqueid"]:
        return None
    return CelMark(kind, at_us, fields["uniqueid"])


def row_of(fields: Mapping[str, str], at_us: int) -> CelRow | None:
    """Return the row, None for one that may not speak. Raises ValueError."""
    if fields["userdeftype"] or fields["eventtype"] not in CelKind.__members__:
        return None
    if not fields["uniqueid"]:
        raise ValueError("no uniqueid")
    extra = json.loads(fields["eventextra"] or "{}")
    if not isinstance(extra, dict):
        raise ValueError("eventextra is not a JSON object")
    cause = extra.get("hangupcause")
    return CelRow(
        kind=CelKind(fields["eventtype"]),
        at_us=at_us,
        uniqueid=fields["uniqueid"],
        linkedid=fields["linkedid"],
        channel=fields["channame"],
        context=fields["context"],
        bridge_id=str(extra.get("bridge_id", "")),
        hangup_cause=cause if isinstance(cause, int) else None,
        hangup_source=str(extra.get("hangupsource", "")),
        dial_status=str(extra.get("dialstatus", "")),
    )

"""Weekly hours of a line or a specialist: `Mon-Fri 09:00-17:00`, several separated by `;`; and a line's dated exceptions.

A date that an exception names has that exception's hours instead of its weekday's: none for a holiday, a weekday's for a
Saturday that is worked instead. An exception that names the line comes before one for all lines; one for all lines leaves
lines alone that have no hours. Pure: the local instant, in the plan's zone, is an argument.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from acd.plan import DayException, Line

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_SPAN = re.compile(r"^(\w{3})(?:-(\w{3}))?\s+(\d{2}):(\d{2})-(\d{2}):(\d{2})$")


@dataclass(frozen=True, slots=True)
class Span:
    """The same minutes on some days: [from, to), minutes since local midnight; 24:00 is 1440."""

    days: frozenset[int]
    """0 is Monday."""
    from_minute: int
    to_minute: int


@dataclass(frozen=True, slots=True)
class Hours:
    """When somebody can be called; no spans means always."""

    spans: tuple[Span, ...] = ()

    def is_open(self, local: datetime) -> bool:
        """Return whether `local`, an instant in the plan's zone, lies within a span."""
        minute = local.hour * 60 + local.minute
        return not self.spans or any(
            local.weekday() in span.days and span.from_minute <= minute < span.to_minute for span in self.spans
        )


def parse_day(text: str) -> Hours | None:
    """Read the hours of one date: `09:00-12:00; 13:30-17:00`; None for an empty text (closed all day). Raises ValueError."""
    spans = tuple(_span(f"Mon-Sun {part.strip()}") for part in text.split(";") if part.strip())
    return Hours(spans) if spans else None


def parse_hours(text: str) -> Hours:
    """Read hours. Raises ValueError, with one sentence, for what cannot be read."""
    return Hours(tuple(_span(part.strip()) for part in text.split(";") if part.strip()))


def line_is_open(line: Line, exceptions: Iterable[DayException], local: datetime) -> bool:
    """Return whether a line takes new callers at `local`."""
    today = local.date().isoformat()
    named: DayException | None = None
    for one in exceptions:
        if one.date != today or not (line.code in one.lines or (not one.lines and line.hours)):
            continue
        if named is None or not named.lines:
            named = one
    if named is None:
        return parse_hours(line.hours).is_open(local)
    hours = parse_day(named.hours)
    return hours is not None and hours.is_open(local)


def _span(text: str) -> Span:
    match = _SPAN.match(text)
    if not match or match[1] not in DAYS or (match[2] or match[1]) not in DAYS:
        raise ValueError(f"{text!r} is not of the form 'Mon-Fri 09:00-17:00'")
    first, last = DAYS.index(match[1]), DAYS.index(match[2] or match[1])
    days = range(first, last + 1) if first <= last else (*range(first, 7), *range(last + 1))
    from_minute, to_minute = _minute(match[3], match[4]), _minute(match[5], match[6])
    if from_minute >= to_minute:
        raise ValueError(f"{text!r}: must end after it begins, on the same day")
    return Span(frozenset(days), from_minute, to_minute)


def _minute(hour: str, minute: str) -> int:
    if int(minute) > 59 or int(hour) * 60 + int(minute) > 24 * 60:
        raise ValueError(f"{hour}:{minute} is no time of day")
    return int(hour) * 60 + int(minute)

"""The hours of a local day as instants."""

from datetime import datetime, timedelta, tzinfo

from callcenter.days import midnight_ms, steps_of_day
from metrics.lengths import HOUR_MS


def hours_of_day(now_ms: int, zone: tzinfo) -> list[int]:
    """Return the edges of the hours of the day in which an instant lies, ms, from one midnight of the zone to the next.

    24 hours, or as many as the day of a change to or from summer time has.
    """
    day = datetime.fromtimestamp(now_ms / 1000, zone).date()
    return [*steps_of_day(day, zone, HOUR_MS), midnight_ms(day + timedelta(days=1), zone)]


def hour_name(begin_ms: int, zone: tzinfo) -> str:
    """Return an hour as a clock of the zone shows it: `09`."""
    return datetime.fromtimestamp(begin_ms / 1000, zone).strftime("%H")


def day_name(begin_ms: int, zone: tzinfo) -> str:
    """Return the day that begins at an instant: `2026-11-23`."""
    return datetime.fromtimestamp(begin_ms / 1000, zone).date().isoformat()

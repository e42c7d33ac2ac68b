"""Days of a command's period: local midnights in a named zone, the plan's where none is given."""

from datetime import date, datetime, time, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from config.errors import SettingsError
from config.plan import load_plan

DEFAULT_ZONE = "Asia/Shanghai"
_SHANGHAI = timezone(timedelta(hours=8), DEFAULT_ZONE)
"""For machines without a time-zone database: the zone has had no summer time since 1991."""


def zone_of(name: str | None, plan: Path) -> tzinfo:
    """Return the zone of this name; None: the plan's, without a plan the default. Raises ConfigError (a plan that cannot be
    read is one: a silent zone is a wrong day)."""
    if name is None:
        name = load_plan(plan).zone if plan.exists() else DEFAULT_ZONE
    return zone_named(name)


def zone_named(name: str) -> tzinfo:
    """Return the zone of this name. Raises SettingsError for one that this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        if name == DEFAULT_ZONE:
            return _SHANGHAI
        raise SettingsError(f"there is no time zone {name!r} on this machine") from None


def midnight_ms(day: date, zone: tzinfo) -> int:
    """Return the instant at which a day begins."""
    return int(datetime.combine(day, time(), zone).timestamp()) * 1000


def steps_of_day(day: date, zone: tzinfo, step_ms: int) -> range:
    """Return the instants at which the hours of a day begin, or other steps of it, in real time from its midnight: as many as
    a day of a change to or from summer time has."""
    return range(midnight_ms(day, zone), midnight_ms(day + timedelta(days=1), zone), step_ms)


def why_no_period(first: date, last: date, zone: tzinfo | None = None) -> str:
    """Say why [first, last) is no period, in the calendar or in a zone, which may have left a day out; empty: it is one."""
    if first < last:
        is_left_out = zone is not None and midnight_ms(first, zone) >= midnight_ms(last, zone)
        return f"the period from {first} to {last} is empty: {zone} left that day out" if is_left_out else ""
    why = "is empty" if first == last else "ends before it begins"
    return f"the period from {first} to {last} {why}: --to is the day after the last one"

"""Days of a zone as instants: a period between local midnights, and its intervals.

A period is half-open: [from, to). Where the zone has summer time, a day has 23 or 25 hours, and its intervals are counted
from its midnight in real hours.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import pairwise

from callcenter.days import midnight_ms, steps_of_day, why_no_period
from metrics.lengths import HOUR_MS

HALF_HOUR_MS = 1_800_000


class Interval(StrEnum):
    """Of what length a period's parts are."""

    YEAR = "year"
    MONTH = "month"
    WEEK = "week"
    """Monday to Sunday."""
    DAY = "day"
    HOUR = "hour"
    HALF_HOUR = "half-hour"


@dataclass(frozen=True, slots=True)
class Period:
    """[first, last) in days of a zone."""

    first: date
    last: date
    zone: tzinfo

    def __post_init__(self) -> None:
        """Raise ValueError for a period without a day, in the calendar or in the zone, which may leave one out."""
        if why := why_no_period(self.first, self.last, self.zone):
            raise ValueError(why)

    @property
    def from_ms(self) -> int:
        """The first midnight."""
        return self.midnight_ms(self.first)

    @property
    def to_ms(self) -> int:
        """The last midnight, which is no longer in the period."""
        return self.midnight_ms(self.last)

    def midnight_ms(self, day: date) -> int:
        """Return the instant at which a day begins in the zone."""
        return midnight_ms(day, self.zone)

    def edges(self, interval: Interval) -> list[int]:
        """Return the edges of the period's intervals; the first and the last one may be cut short by the period."""
        if interval in (Interval.HOUR, Interval.HALF_HOUR):
            step = HOUR_MS if interval is Interval.HOUR else HALF_HOUR_MS
            return [*self._steps(step), self.to_ms]
        return [self.midnight_ms(day) for day in (*self._firsts(interval), self.last)]

    def hours(self) -> list[int]:
        """Return the edges of all hours; half hours where the zone's clock is set by half an hour in the period."""
        whole = all((end - begin) % HOUR_MS == 0 for begin, end in pairwise(self.edges(Interval.DAY)))
        return self.edges(Interval.HOUR if whole else Interval.HALF_HOUR)

    def hours_on_the_clock(self, begins: Sequence[int]) -> list[int]:
        """Return the hour of the zone's clock at each of these instants, which are what `hours` begins with. A day as long as
        others goes through them in order."""
        found: list[int] = []
        step = begins[1] - begins[0]
        for begin, end in pairwise(self.edges(Interval.DAY)):
            if end - begin == 24 * HOUR_MS:
                found += [n * step // HOUR_MS for n in range((end - begin) // step)]
            else:
                found += [self.local(at_ms).hour for at_ms in range(begin, end, step)]
        return found

    def local(self, at_ms: int) -> datetime:
        """Return an instant on the zone's clock."""
        return datetime.fromtimestamp(at_ms / 1000, self.zone)

    def _steps(self, step: int) -> Iterator[int]:
        for day in self._firsts(Interval.DAY):
            yield from steps_of_day(day, self.zone, step)

    def _firsts(self, interval: Interval) -> Iterator[date]:
        day = self.first
        while day < self.last:
            yield day
            day = _next(day, interval)


def _next(day: date, interval: Interval) -> date:
    """Return the first day of the interval after the one that this day lies in."""
    match interval:
        case Interval.YEAR:
            return date(day.year + 1, 1, 1)
        case Interval.MONTH:
            return date(day.year + day.month // 12, day.month % 12 + 1, 1)
        case Interval.WEEK:
            return day + timedelta(days=7 - day.weekday())
        case _:
            return day + timedelta(days=1)

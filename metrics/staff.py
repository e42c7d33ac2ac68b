"""Seats: how many people there are to take calls, as dated tables of the plan tell it, and how many per 100,000 inhabitants."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from metrics.document import Cell, Column, Row, Section
from metrics.figures import PER_UNIT, Unit
from metrics.rounding import NOT_APPLICABLE, Rounding
from metrics.words import Words


@dataclass(frozen=True, slots=True)
class StaffCount:
    """What was counted of one platform, in force from a day on until its next count."""

    since: str
    """ISO date."""
    platform: str
    """The platform's id."""
    name: str
    """As the table prints it: `省级平台`."""
    total: int
    """Persons employed."""
    call_takers: int
    """Persons of them who take calls: not positions that are staffed at once."""
    specialists: int | None = None
    population: int | None = None
    """Inhabitants; None: not given, and there is no figure per 100,000."""
    source: str = ""
    """Who counted the staff, and when."""
    population_source: str = ""

    @property
    def per_100k(self) -> Fraction | None:
        """Total staff per 100,000 inhabitants, exact."""
        return Fraction(self.total, self.population) * PER_UNIT[Unit.PER_100K] if self.population else None


def in_force(counts: Iterable[StaffCount], last_day: str, platform: str | None = None) -> list[StaffCount]:
    """Return each platform's newest count of that day or before, in the order given. `platform` None: all."""
    newest: dict[str, StaffCount] = {}
    for count in counts:
        known = newest.get(count.platform)
        if count.since <= last_day and platform in (None, count.platform) and (not known or known.since <= count.since):
            newest[count.platform] = count
    return list(newest.values())


def seats(counts: Sequence[StaffCount], mode: Rounding = Rounding.HALF_UP) -> Section:
    """Return the table of seats, with the sources of its numbers below it."""
    columns = (
        Column("platform", Words("Platform", "座席类别")),
        Column("staff_total", Words("Staff", "话务人员总数")),
        Column("call_takers", Words("Who take calls", "接诉人员数量")),
        Column("specialists", Words("Policy specialists", "政策专员数量")),
        Column("staff_per_100k", Words("Staff per 100,000 inhabitants", "每十万人座席数")),
        Column("since", Words("As of", "统计日期")),
    )
    rows = tuple(
        Row(
            count.platform,
            (
                count.name,
                Cell.of("staff_total", count.total, Unit.PERSONS, mode),
                Cell.of("call_takers", count.call_takers, Unit.PERSONS, mode),
                NOT_APPLICABLE
                if count.specialists is None
                else Cell.of("specialists", count.specialists, Unit.PERSONS, mode),
                Cell.of("staff_per_100k", count.per_100k, Unit.PER_100K, mode),
                count.since,
            ),
        )
        for count in counts
    )
    return Section("seats", Words("Seats", "话务座席"), columns, rows, tuple(_sources(counts)), is_public=True)


def _sources(counts: Iterable[StaffCount]) -> Iterable[Words]:
    yield Words(
        "Staff are persons, not positions staffed at once; per 100,000 is total staff / inhabitants.",
        "人员按人数计，非同时在岗席位；每十万人座席数 = 话务人员总数 / 人口 × 10万。",
    )
    for count in counts:
        if count.source:
            yield Words(f"{count.name}: staff: {count.source}", f"{count.name}人员数来源：{count.source}")
        if count.population is not None:
            yield Words(
                f"{count.name}: {count.population} inhabitants: {count.population_source}",
                f"{count.name}人口 {count.population}，来源：{count.population_source}",
            )

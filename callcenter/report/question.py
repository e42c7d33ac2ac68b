"""What an operator asks, from the words of the command line and the plan: which days, whose calls, what they are called."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import MAXYEAR, date, datetime
from pathlib import Path
from typing import Any

from callcenter.days import DEFAULT_ZONE, zone_named
from callcenter.report.period import Period
from config.plan import PlanFile, read_plan
from metrics.choices import BlockedCalls, Choices, Clock, OutboundVolume, SilentCalls
from metrics.rounding import Rounding
from metrics.staff import StaffCount
from metrics.words import Words

ONE_WAY = "give the period in one way: --from DATE --to DATE, --day DATE, --month YYYY-MM or --year YYYY"

END = date(MAXYEAR, 1, 1)
"""No period reaches further: the day, or in some zone the instant, after the calendar's last one has no date."""
TOO_LATE = f"the period reaches into the year {END.year}: {END.year - 1} is the last that can be reported"
NO_LINE = Words("no line", "未注明线路")
"""Name of the code '': calls whose former system named no line."""


@dataclass(frozen=True, slots=True)
class Days:
    """The period as asked for: exactly one way of saying it. Dates of a month and a year are their first days."""

    first: date | None = None
    last: date | None = None
    day: date | None = None
    month: date | None = None
    year: date | None = None

    def bounds(self) -> tuple[date, date]:
        """Return [first, last). Raises ValueError unless the period is given in one way, and for one beyond the calendar."""
        ways = [way for way in (self.day, self.month, self.year) if way is not None]
        if any(day > END for day in (self.first, self.last) if day is not None) or any(day >= END for day in ways):
            raise ValueError(TOO_LATE)
        if self.first is not None and self.last is not None and not ways:
            return self.first, self.last
        if len(ways) != 1 or self.first is not None or self.last is not None:
            raise ValueError(ONE_WAY)
        if self.day is not None:
            return self.day, date.fromordinal(self.day.toordinal() + 1)
        if self.month is not None:
            return self.month, date(self.month.year + self.month.month // 12, self.month.month % 12 + 1, 1)
        return ways[0], date(ways[0].year + 1, 1, 1)


def day_of(moment: datetime | None) -> date | None:
    """Return the date of what the command line gave."""
    return None if moment is None else moment.date()


def plan_at(path: Path) -> PlanFile | None:
    """Return the plan, None where there is none. Raises PlanError: a plan that cannot be read is no plan of that day."""
    return read_plan(path) if path.exists() else None


def period_of(days: Days, zone: str | None, plan: PlanFile | None) -> Period:
    """Return the period in the zone asked for, else the plan's, else the default. Raises ValueError or SettingsError in words."""
    first, last = days.bounds()
    return Period(first, last, zone_named(zone or (plan.plan.zone if plan is not None else DEFAULT_ZONE)))


def choices_of(plan: PlanFile | None, rounding: Rounding | None) -> Choices:
    """Return the plan's choices over our defaults; `rounding` of the command line wins."""
    given: dict[str, Any] = dict(plan.report.choices) if plan is not None else {}
    if rounding is not None:
        given["rounding"] = rounding
    kinds = {
        "outbound_volume": OutboundVolume,
        "level_clock": Clock,
        "blocked_calls": BlockedCalls,
        "silent_calls": SilentCalls,
        "rounding": Rounding,
    }
    return Choices(**(given | {name: kind(given[name]) for name, kind in kinds.items() if name in given}))


def line_names(plan: PlanFile | None) -> Mapping[str, Words]:
    """Return what the plan's lines are called, by code, and the absence of one."""
    lines = () if plan is None else plan.plan.lines.values()
    return {"": NO_LINE} | {line.code: Words(line.name_en, line.name) for line in lines}


def agent_names(plan: PlanFile | None) -> Mapping[str, str]:
    """Return what the plan's agents are called, by number."""
    agents = () if plan is None else plan.plan.agents.values()
    return {agent.number: agent.name for agent in agents}


def staff_of(plan: PlanFile | None) -> tuple[StaffCount, ...]:
    """Return the plan's counts of staff."""
    return () if plan is None else tuple(StaffCount(**asdict(one)) for one in plan.report.staff)


def organisation(plan: PlanFile | None) -> Words | None:
    """Return who publishes, None where the plan does not say."""
    if plan is None or plan.report.organisation is None:
        return None
    return Words(plan.report.organisation_en or plan.report.organisation, plan.report.organisation)

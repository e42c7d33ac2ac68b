"""Specialists come and go with the hours of the plan: the engine is given a plan that holds only those who are open now.

Theory: hours are local time in the plan's zone, judged once a minute on the PBX's clock. The set of open specialists
changes a few times a day, and only then is the engine's plan replaced; who talks at that moment talks on.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from acd.plan import Plan, SpecialistSpec
from config.hours import parse_hours

MINUTE_S = 60.0


class OpenHours:
    """Which specialists of a plan can be called. `now` is seconds since the epoch on the PBX's clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._applied: tuple[SpecialistSpec, ...] = ()
        """Those of the plan that was made last."""

    def apply(self, plan: Plan) -> Plan:
        """Return the plan without the specialists who are closed now."""
        self._applied = self._open(plan)
        return plan if self._applied == plan.specialists else replace(plan, specialists=self._applied)

    def has_changed(self, plan: Plan) -> bool:
        """Return whether `apply` would now give other specialists than it did last."""
        return self._open(plan) != self._applied

    def until_next_minute_s(self) -> float:
        """Return the seconds until the next full minute (hours begin and end at full minutes), never 0."""
        return MINUTE_S - self._now() % MINUTE_S + 0.001

    def _open(self, plan: Plan) -> tuple[SpecialistSpec, ...]:
        local = datetime.fromtimestamp(self._now(), ZoneInfo(plan.zone))
        return tuple(one for one in plan.specialists if parse_hours(one.hours).is_open(local))

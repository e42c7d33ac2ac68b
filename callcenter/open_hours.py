"""Lines and specialists open and close with the hours of the plan: the engine is given the plan as it is now.

Theory: hours are local time in the plan's zone, judged once a minute on the PBX's clock, as are the dates of exceptions. A
line that is closed stays in the plan with `is_open` False (its callers who wait are served); a specialist who is closed is
left out. The set changes a few times a day, and only then is the engine's plan replaced; who talks at that moment talks on.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from acd.plan import Plan, SpecialistSpec
from config.hours import line_is_open, parse_hours

MINUTE_S = 60.0


class _Now(NamedTuple):
    """What hours make of a plan at an instant."""

    specialists: tuple[SpecialistSpec, ...]
    closed: frozenset[str]
    """Codes of lines."""


class OpenHours:
    """Which lines and specialists of a plan can be called. `now` is seconds since the epoch on the PBX's clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._applied = _Now((), frozenset())
        """What the plan that was made last was made of."""

    def apply(self, plan: Plan) -> Plan:
        """Return the plan with closed lines marked, and without the specialists who are closed now."""
        self._applied = found = self._judged(plan)
        if found == _Now(plan.specialists, frozenset()):
            return plan
        lines = {code: replace(line, is_open=code not in found.closed) for code, line in plan.lines.items()}
        return replace(plan, lines=lines, specialists=found.specialists)

    def has_changed(self, plan: Plan) -> bool:
        """Return whether `apply` would now give another plan than it did last."""
        return self._judged(plan) != self._applied

    async def follow(self, plan: Callable[[], Plan], change: Callable[[Plan], None]) -> None:
        """Give `change` the plan anew whenever hours have changed what it is, until cancelled."""
        while True:
            await asyncio.sleep(self.until_next_minute_s())
            if self.has_changed(plan()):
                change(self.apply(plan()))

    @property
    def closed(self) -> frozenset[str]:
        """Codes of the lines that were closed when the plan was applied last."""
        return self._applied.closed

    def until_next_minute_s(self) -> float:
        """Return the seconds until the next full minute (hours begin and end at full minutes), never 0."""
        return MINUTE_S - self._now() % MINUTE_S + 0.001

    def _judged(self, plan: Plan) -> _Now:
        local = datetime.fromtimestamp(self._now(), ZoneInfo(plan.zone))
        closed = (code for code, line in plan.lines.items() if not line_is_open(line, plan.exceptions, local))
        open_now = (one for one in plan.specialists if parse_hours(one.hours).is_open(local))
        return _Now(tuple(open_now), frozenset(closed))

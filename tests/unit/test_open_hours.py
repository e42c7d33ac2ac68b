"""Specialists come and go with their hours, in the plan's zone."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from acd.plan import SpecialistSpec
from callcenter.open_hours import OpenHours
from tests.scenarios.world import PLAN

ALWAYS = SpecialistSpec("701", "A", ("01",))
OFFICE = SpecialistSpec("702", "B", ("01",), hours="Mon-Fri 09:00-17:00")
PLANNED = replace(PLAN, specialists=(ALWAYS, OFFICE))


class Clock:
    def __init__(self, local: str) -> None:
        self.at = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()

    def __call__(self) -> float:
        return self.at


def test_specialist_is_called_only_in_his_hours() -> None:
    clock = Clock("2026-11-24 08:59:30")
    hours = OpenHours(clock)
    assert hours.apply(PLANNED).specialists == (ALWAYS,)
    assert not hours.has_changed(PLANNED)
    clock.at += hours.until_next_minute_s()
    assert hours.has_changed(PLANNED)
    assert hours.apply(PLANNED) is PLANNED
    assert not hours.has_changed(PLANNED)


def test_specialist_is_closed_at_the_weekend() -> None:
    assert OpenHours(Clock("2026-11-28 10:00:00")).apply(PLANNED).specialists == (ALWAYS,)


def test_next_look_is_just_behind_the_full_minute() -> None:
    assert 60.0 < OpenHours(Clock("2026-11-24 10:00:00")).until_next_minute_s() < 60.01
    assert 0.0 < OpenHours(Clock("2026-11-24 10:00:59")).until_next_minute_s() < 1.01

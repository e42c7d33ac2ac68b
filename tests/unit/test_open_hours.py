"""Lines open and close, specialists come and go, with their hours and the dated exceptions, in the plan's zone."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from acd.plan import DayException, SpecialistSpec
from callcenter.open_hours import OpenHours
from tests.scenarios.world import PLAN, with_line

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


WEEK = "Mon-Fri 09:00-12:00; Mon-Fri 13:30-17:30"
HOLIDAY = DayException("2026-10-01", "")
WORKED = DayException("2026-10-10", "09:00-12:00")
"""A Saturday that is worked instead."""
ONLY = DayException("2026-10-01", "10:00-11:00", ("general",))
STAYS = DayException("2026-10-02", "", ("enterprise",))
"""For a line that has no hours of its own."""
LINES = replace(with_line(PLAN, "general", hours=WEEK), exceptions=(HOLIDAY, WORKED, STAYS))


@pytest.mark.parametrize(
    ("local", "closed"),
    [
        ("2026-11-24 08:59:59", {"general"}),
        ("2026-11-24 09:00:00", set()),
        ("2026-11-24 11:59:59", set()),
        ("2026-11-24 12:00:00", {"general"}),
        ("2026-11-24 13:30:00", set()),
        ("2026-11-28 10:00:00", {"general"}),
        ("2026-10-01 10:00:00", {"general"}),
        ("2026-10-10 09:00:00", set()),
        ("2026-10-10 12:00:00", {"general"}),
        ("2026-10-10 14:00:00", {"general"}),
        ("2026-10-02 10:00:00", {"enterprise"}),
        ("2026-10-03 00:00:00", {"general"}),
    ],
)
def test_line_is_open_in_its_hours_and_on_dates_as_their_exceptions_say(local: str, closed: set[str]) -> None:
    plan = OpenHours(Clock(local)).apply(LINES)
    assert {code for code, line in plan.lines.items() if not line.is_open} == closed


def test_exception_that_names_the_line_comes_before_one_for_all_whatever_their_order() -> None:
    clock = Clock("2026-10-01 10:30:00")
    for exceptions in ((HOLIDAY, ONLY), (ONLY, HOLIDAY)):
        assert OpenHours(clock).apply(replace(LINES, exceptions=exceptions)).lines["general"].is_open


def test_line_without_hours_is_always_open() -> None:
    assert OpenHours(Clock("2026-10-01 03:00:00")).apply(LINES).lines["enterprise"].is_open


def test_another_zone_another_hour() -> None:
    at_nine_in_shanghai = Clock("2026-11-24 09:30:00")
    assert OpenHours(at_nine_in_shanghai).apply(LINES).lines["general"].is_open
    assert not OpenHours(at_nine_in_shanghai).apply(replace(LINES, zone="Europe/Berlin")).lines["general"].is_open


def test_plan_changes_only_when_a_line_opens_or_closes() -> None:
    clock = Clock("2026-11-24 08:58:00")
    hours = OpenHours(clock)
    hours.apply(LINES)
    changes = []
    for minute in range(4 * 60):
        clock.at += 60
        if hours.has_changed(LINES):
            changes.append((minute, frozenset(hours.closed)))
            hours.apply(LINES)
    assert changes == [(1, frozenset({"general"})), (181, frozenset())]

"""Figures of one caller's calls and of sliding windows, against plain recounts."""

import random
from dataclasses import replace
from fractions import Fraction

from metrics.bins import Bins
from metrics.callers import CallerCall, distinct_callers, first_call_resolution
from metrics.choices import Choices
from metrics.dictionary import DICTIONARY
from metrics.lengths import DAY_MS, HOUR_MS
from metrics.windows import lowest_window

CHOICES = Choices()


def call(number: str, day: float, *, answered: bool = True) -> CallerCall:
    return CallerCall(number, round(day * DAY_MS), answered)


def test_caller_who_called_once_is_resolved_and_who_called_again_within_seven_days_is_not() -> None:
    calls = [call("a", 10), call("b", 10), call("b", 17), call("c", 10), call("c", 17.001), call("d", 3), call("d", 10)]
    found = first_call_resolution(calls, 10 * DAY_MS, 11 * DAY_MS, 18 * DAY_MS, CHOICES)
    assert (found.resolved, found.answered, found.is_final) == (2, 4, True)
    assert found.value == 50


def test_withheld_numbers_and_unanswered_calls_are_not_judged() -> None:
    calls = [
        call("", 10),
        call("anonymous", 10),
        call("a", 10, answered=False),
        call("b", 10),
        call("b", 11, answered=False),
    ]
    found = first_call_resolution(calls, 10 * DAY_MS, 11 * DAY_MS, 11 * DAY_MS, CHOICES)
    assert (found.resolved, found.answered, found.is_final) == (0, 1, False)
    assert distinct_callers(calls) == 2


def test_first_call_resolution_equals_a_plain_recount() -> None:
    draw = random.Random(3)
    calls = [call(f"n{draw.randrange(300)}", draw.random() * 60, answered=draw.random() < 0.7) for _ in range(900)]
    choices = replace(CHOICES, fcr_before_days=3, fcr_after_days=5)
    found = first_call_resolution(calls, 20 * DAY_MS, 40 * DAY_MS, 0, choices)
    judged = [one for one in calls if one.is_answered and 20 * DAY_MS <= one.arrived_ms < 40 * DAY_MS]
    alone = [
        one
        for one in judged
        if not any(
            other is not one
            and other.number == one.number
            and -3 * DAY_MS <= other.arrived_ms - one.arrived_ms <= 5 * DAY_MS
            for other in calls
        )
    ]
    assert (found.resolved, found.answered) == (len(alone), len(judged))


def test_lowest_window_finds_the_bad_day_that_the_whole_period_hides() -> None:
    hours = [(n * HOUR_MS, totals(10, 10)) for n in range(96)]
    for n in range(30, 42):
        hours[n] = (n * HOUR_MS, totals(10, 5))
    found = lowest_window(bins(hours))
    assert found.value == Fraction(100 * (120 + 60), 240)
    assert found.began_ms == 18 * HOUR_MS
    assert (found.windows, found.below) == (73, sum(1 for first in range(73) if overlap(first) > 2))


def test_window_without_a_call_has_no_value() -> None:
    assert lowest_window(bins([(n * HOUR_MS, totals(0, 0)) for n in range(30)])).value is None
    assert lowest_window(bins([(0, totals(3, 1))])).windows == 0


def bins(hours: list[tuple[int, dict[str, int | None]]]) -> Bins:
    return Bins([begin for begin, _ in hours], {name: [one[name] for _, one in hours] for name in hours[0][1]})


def overlap(first: int) -> int:
    """How many of the window's hours are bad ones; two of them cost 10 of 240 calls, still over 95 %."""
    return len(set(range(first, first + 24)) & set(range(30, 42)))


def totals(offered: int, answered: int) -> dict[str, int | None]:
    none: dict[str, int | None] = dict.fromkeys(DICTIONARY.totals, 0)
    return none | {"offered": offered, "agent_answered": answered}

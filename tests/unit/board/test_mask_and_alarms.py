"""What a wall may show of a caller's number, and what is shown as an alarm."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.board.alarms import FEW_CALLS, Level, of_connect_rate, of_ready, of_service_level, of_wait
from callcenter.board.mask import masked


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13812345678", "138****5678"),
        ("+8613812345678", "+86*******5678"),
        ("02512345", "******45"),
        ("12345", "***45"),
        ("1001", "****"),
        ("", ""),
        ("anonymous", ""),
        ("<script>138</script>12345678", "138****5678"),
        ("1" * 60, "111" + "*" * 13 + "1111"),
    ],
)
def test_caller_waits_his_number_shows_its_ends_only(number: str, shown: str) -> None:
    assert masked(number) == shown


@given(st.text(alphabet='0123456789+*#<>&"市a ', max_size=40))
def test_caller_sends_any_text_at_least_a_third_of_its_digits_is_hidden_and_no_markup_is_left(number: str) -> None:
    shown = masked(number)
    assert set(shown) <= set("0123456789+*#")
    hidden = shown.count("*")
    assert hidden >= len(shown) / 3 or not shown


@pytest.mark.parametrize(
    ("wait_s", "level"),
    [(None, Level.OK), (0.0, Level.OK), (15.0, Level.OK), (15.1, Level.WARN), (60.0, Level.WARN), (60.1, Level.ALARM)],
)
def test_caller_waits_longer_the_level_rises(wait_s: float | None, level: Level) -> None:
    assert of_wait(wait_s) is level


@pytest.mark.parametrize(
    ("rate", "level"),
    [
        (Fraction(95), Level.OK),
        (Fraction(949, 10), Level.WARN),
        (Fraction(90), Level.WARN),
        (Fraction(899, 10), Level.ALARM),
    ],
)
def test_connect_rate_falls_the_level_rises(rate: Fraction, level: Level) -> None:
    assert of_connect_rate(rate, FEW_CALLS) is level


@pytest.mark.parametrize(("rate", "level"), [(80, Level.OK), (79, Level.WARN), (60, Level.WARN), (59, Level.ALARM)])
def test_service_level_falls_the_level_rises(rate: int, level: Level) -> None:
    assert of_service_level(Fraction(rate), FEW_CALLS) is level


def test_day_has_few_calls_a_bad_rate_raises_no_alarm() -> None:
    assert of_connect_rate(Fraction(0), FEW_CALLS - 1) is Level.NONE
    assert of_service_level(None, 0) is Level.NONE


@pytest.mark.parametrize(
    ("ready", "logged_in", "waiting", "level"),
    [(1, 5, 3, Level.OK), (0, 5, 0, Level.OK), (0, 5, 1, Level.WARN), (0, 0, 0, Level.ALARM)],
)
def test_nobody_is_ready_the_level_says_so_when_somebody_waits(
    ready: int, logged_in: int, waiting: int, level: Level
) -> None:
    assert of_ready(ready, logged_in, waiting) is level


@pytest.mark.parametrize(
    ("ready", "logged_in", "waiting", "level"), [(0, 0, 0, Level.NONE), (0, 0, 1, Level.ALARM), (1, 1, 0, Level.OK)]
)
def test_every_line_is_closed_nobody_has_to_be_logged_in_but_for_one_who_still_waits(
    ready: int, logged_in: int, waiting: int, level: Level
) -> None:
    assert of_ready(ready, logged_in, waiting, is_open=False) is level

"""Figures are rounded once, from the exact fraction, the way the setting says."""

from fractions import Fraction

import pytest

from metrics.rounding import Rounding, printed, rounded

UTILISATION = Fraction(16200 * 100, 28800)
"""56.25 %: an exact tie at one place."""


@pytest.mark.parametrize(
    ("value", "places", "mode", "text"),
    [
        (UTILISATION, 1, Rounding.HALF_UP, "56.3"),
        (UTILISATION, 1, Rounding.HALF_EVEN, "56.2"),
        (Fraction(1, 2), 0, Rounding.HALF_UP, "1"),
        (Fraction(1, 2), 0, Rounding.HALF_EVEN, "0"),
        (Fraction(3, 2), 0, Rounding.HALF_EVEN, "2"),
        (Fraction(-5, 2), 0, Rounding.HALF_UP, "-3"),
        (Fraction(14200 * 100, 23200), 1, Rounding.HALF_UP, "61.2"),
        (Fraction(16200 * 100, 25200), 1, Rounding.HALF_UP, "64.3"),
        (Fraction(0), 1, Rounding.HALF_UP, "0.0"),
        (Fraction(100), 1, Rounding.HALF_UP, "100.0"),
        (Fraction(49_999_999_999_999_999_999, 10**20), 0, Rounding.HALF_UP, "0"),
    ],
)
def test_value_is_rounded_once_by_the_mode(value: Fraction, places: int, mode: Rounding, text: str) -> None:
    assert f"{rounded(value, places, mode):f}" == text


def test_figure_that_does_not_apply_prints_a_dash_and_zero_prints_zero() -> None:
    assert printed(None, 1, "%") == "—"
    assert printed(Fraction(0), 1, "%") == "0.0%"

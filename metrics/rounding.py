"""From an exact fraction to what is printed: one rounding, never through binary floating point."""

from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from math import floor

NOT_APPLICABLE = "—"


class Rounding(StrEnum):
    """What happens to an exact tie."""

    HALF_UP = "half_up"
    """Away from zero, as figures of this kind usually are (四舍五入)."""
    HALF_EVEN = "half_even"
    """To the even neighbour, as GB/T 8170 asks."""


def rounded(value: Fraction, places: int, mode: Rounding = Rounding.HALF_UP) -> Decimal:
    """Return the value with so many decimal places, rounded once."""
    scaled = value * 10**places
    if mode is Rounding.HALF_EVEN:
        whole = round(scaled)
    else:
        whole = floor(abs(scaled) + Fraction(1, 2)) * (-1 if scaled < 0 else 1)
    return Decimal(whole).scaleb(-places)


def printed(value: Fraction | None, places: int, suffix: str = "", mode: Rounding = Rounding.HALF_UP) -> str:
    """Return the figure as text, `—` where it does not apply."""
    return NOT_APPLICABLE if value is None else f"{rounded(value, places, mode):f}{suffix}"

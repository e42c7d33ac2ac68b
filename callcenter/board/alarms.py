"""When a figure is shown as worth a look, and when as an alarm.

Limits with a source: a person answers within 15 s, and the connect rate is at least 95 % (GB/T 33358-2016). The others are
ours: a minute's wait, 90 % and below, and service level as the common 80 in 20. A rate of only a few calls says nothing, so
it raises no alarm.
"""

from enum import StrEnum
from fractions import Fraction

ANSWER_S, LONG_S = 15, 60
DUTY, LOW = Fraction(95), Fraction(90)
LEVEL, LOW_LEVEL = Fraction(80), Fraction(60)
FEW_CALLS = 20


class Level(StrEnum):
    """How a figure is shown: by colour, sign and word."""

    NONE = "none"
    """Nothing to say of it."""
    OK = "ok"
    WARN = "warn"
    ALARM = "alarm"


def of_wait(wait_s: float | None) -> Level:
    """Judge the longest wait now, seconds; None: nobody waits."""
    if wait_s is None:
        return Level.OK
    return Level.ALARM if wait_s > LONG_S else Level.WARN if wait_s > ANSWER_S else Level.OK


def of_connect_rate(rate: Fraction | None, offered: int) -> Level:
    """Judge a connect rate in percent over so many calls."""
    return _of_rate(rate, offered, DUTY, LOW)


def of_service_level(rate: Fraction | None, offered: int) -> Level:
    """Judge a service level in percent over so many calls."""
    return _of_rate(rate, offered, LEVEL, LOW_LEVEL)


def of_ready(ready: int, logged_in: int, waiting: int, *, is_open: bool = True) -> Level:
    """Judge how many agents are ready: none of them while somebody waits is worth a look, nobody logged in an alarm; but not where
    every line is closed (`is_open` False) and nobody waits: then nobody has to be there."""
    if not logged_in:
        return Level.ALARM if is_open or waiting else Level.NONE
    return Level.WARN if waiting and not ready else Level.OK


def _of_rate(rate: Fraction | None, offered: int, good: Fraction, low: Fraction) -> Level:
    if rate is None or offered < FEW_CALLS:
        return Level.NONE
    return Level.OK if rate >= good else Level.WARN if rate >= low else Level.ALARM

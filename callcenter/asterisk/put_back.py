"""A PBX's clock that was put back: when the service ends itself, and what a start makes of instants that lie ahead of it.

Theory of operation. The engine's time never runs backwards: after a step back of some seconds it stands still until the clock has
caught up, which nobody notices. After a larger one no deadline would come for as long as the step, and new callers would
seem to have waited for it. So the service ends (`ClockPutBack`), as it would be killed, and its next start, seconds
later, counts by the new clock: callers rest on, agents stay logged in.

That start finds instants of before the step, on callers' channels and in the live state, that lie in its future. All of them are
moved by the same amount, so that the newest is `PUT_BACK_S` old (about what the end and the start took): order and waits among them stay
what they were. Callers who came after the step stand right as they are. The ledger keeps the instants that it has.
"""

from collections.abc import Sequence
from dataclasses import replace

from acd import events as e
from callcenter.asterisk.errors import AmiError

PUT_BACK_S = 5.0
"""Steps back of up to so many seconds are waited out."""
PUT_BACK_MS = int(PUT_BACK_S * 1000)


class ClockPutBack(AmiError):
    """The PBX's clock was put back by more than can be waited out: start the service again."""

    def __init__(self, by_s: float) -> None:
        super().__init__(
            f"the PBX's clock was put back by {by_s:.0f} s: the service ends, for its next start counts by the new clock "
            "(keep the PBX's host on NTP)"
        )


def excess_ms(newest_ms: int, at_ms: int) -> int:
    """Return by how much instants of which this is the newest are to be moved back, at `at_ms` of the new clock; 0: not at all."""
    return newest_ms - (at_ms - PUT_BACK_MS) if newest_ms > at_ms + PUT_BACK_MS else 0


def over_at(instant_ms: int, at_ms: int) -> int:
    """Return an instant of a call dialled out that is over at `at_ms`: nobody waits in such calls, so none is behind another."""
    return at_ms - PUT_BACK_MS if instant_ms > at_ms + PUT_BACK_MS else instant_ms


def brought_back(found: Sequence[e.CallFound], at_ms: int) -> list[e.CallFound]:
    """Return the callers of a snapshot, those who came before a step of the clock with instants that are over at `at_ms`."""
    newest = max((_newest_ms(one) for one in found), default=at_ms)
    by_ms = excess_ms(newest, at_ms)
    return [_moved(one, by_ms) if _newest_ms(one) > at_ms + PUT_BACK_MS else one for one in found]


def _newest_ms(one: e.CallFound) -> int:
    return max(one.arrived_ms, one.score_ms, one.queued_ms or 0)


def _moved(one: e.CallFound, by_ms: int) -> e.CallFound:
    return replace(
        one,
        arrived_ms=one.arrived_ms - by_ms,
        score_ms=one.score_ms - by_ms,
        queued_ms=None if one.queued_ms is None else one.queued_ms - by_ms,
        answered_ms=None if one.answered_ms is None else one.answered_ms - by_ms,
        first_answered_ms=None if one.first_answered_ms is None else one.first_answered_ms - by_ms,
    )

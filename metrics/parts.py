"""Totals of what belongs to calls: talks and offers of each seat, and hand-overs to specialists.

Theory of operation: the same language as `metrics.totals`, over rows of talks, offers and hand-overs; a call's own fields go
by `call.` in front. Storage groups them by agent or adds them up. Like the call itself, each belongs to the interval in
which its call arrived, and counts when the call has ended. A talk whose end was never told ended with its call.
"""

from collections.abc import Iterator

from metrics.expressions import AtMost, Condition, Expression, Field, FirstOf, Flag, Is, Known, Minus, Number, Where
from metrics.totals import Source, Total

_COUNTED = (Flag("call.excluded", False), Known(Field("call.ended_ms")))
_INBOUND = (*_COUNTED, Is("call.direction", "inbound"))
_OUTBOUND = (*_COUNTED, Is("call.direction", "outbound"))
_SEAT = Is("kind", "seat")
_WATCHED = (_SEAT, *_INBOUND, Flag("call.imported", False), Known(Field("call.rebuilt_ms"), False))
"""Talks of seats on calls whose holds and wrap-up are known (`totals.WATCHED`)."""

_TALK_END = FirstOf((Field("closed_ms"), Field("call.ended_ms")))
_TALK_MS = Where(Minus(_TALK_END, Field("opened_ms")), (AtMost(Minus(Field("opened_ms"), _TALK_END), 0),))
"""A talk's length, hold included; an end before the beginning (clock set back) is no length."""


def part_totals() -> Iterator[Total]:
    """Return the totals of talks, offers and hand-overs."""
    yield from (*_talks(), *_offers(), *_hand_overs())


def _talks() -> Iterator[Total]:
    yield _count(Source.TALKS, "seat_answers", _SEAT, *_INBOUND)
    yield _sum(Source.TALKS, "seat_talk_ms", _TALK_MS, _SEAT, *_INBOUND)
    yield _count(Source.TALKS, "seat_watched", *_WATCHED)
    yield _sum(Source.TALKS, "seat_watched_ms", _TALK_MS, *_WATCHED)
    yield _sum(Source.TALKS, "seat_hold_ms", Field("hold_ms"), *_WATCHED)
    yield _count(Source.TALKS, "seat_outbound", _SEAT, *_OUTBOUND)


def _offers() -> Iterator[Total]:
    yield _count(Source.OFFERS, "seat_offers", _SEAT, *_INBOUND)
    yield _count(Source.OFFERS, "seat_offers_not_answered", _SEAT, *_INBOUND, Is("result", "not_answered"))


def _hand_overs() -> Iterator[Total]:
    yield _count(Source.HAND_OVERS, "hand_overs", *_INBOUND, Known(Field("result")))
    yield _count(Source.HAND_OVERS, "hand_overs_reached", *_INBOUND, Is("result", "reached"))


def _count(source: Source, name: str, *conditions: Condition) -> Total:
    return Total(name, Where(Number(1), conditions), source=source)


def _sum(source: Source, name: str, measure: Expression, *conditions: Condition) -> Total:
    return Total(name, Where(measure, conditions), source=source)

"""Spans of agents' states in SQL, as `metrics.states.spans` makes them in Python: one row for each, cut to a period."""

from typing import Any

from sqlalchemy import ColumnElement, Subquery, case, func, select

from agents.presence import Presence
from callcenter.storage.figures_sql import Rows
from callcenter.storage.tables import presence_history
from metrics.states import CARRIES_ON

Instant = int | ColumnElement[int]


def span_rows(from_ms: Instant, to_ms: Instant) -> Rows:
    """Return the spans within [from, to): columns agent, presence, begin_ms, after_dialling, spent_ms."""
    spans = _spans(from_ms, to_ms)
    return Rows(spans, lambda name: spans.c[name])


def _spans(from_ms: Instant, to_ms: Instant) -> Subquery:
    rows = _ordered(to_ms)
    in_order: dict[str, Any] = {"partition_by": rows.c.agent, "order_by": rows.c.place}
    marked = case(
        (rows.c.presence.in_([state.value for state in CARRIES_ON]), None),
        else_=rows.c.place * 2 + case((rows.c.presence == Presence.DIALLING.value, 1), else_=0),
    )
    placed = select(
        rows.c.agent,
        rows.c.presence,
        case((rows.c.at_ms < from_ms, from_ms), else_=rows.c.at_ms).label("begin_ms"),
        func.coalesce(func.lead(rows.c.at_ms).over(**in_order), to_ms).label("end_ms"),
        func.coalesce(func.max(marked).over(**in_order), 0).label("mark"),
    ).subquery("placed")
    return (
        select(
            placed.c.agent,
            placed.c.presence,
            placed.c.begin_ms,
            (placed.c.mark % 2 == 1).label("after_dialling"),
            (placed.c.end_ms - placed.c.begin_ms).label("spent_ms"),
        )
        .where(placed.c.end_ms > placed.c.begin_ms)
        .subquery("spans")
    )


def _ordered(to_ms: Instant) -> Subquery:
    """All changes before the period's end, numbered for each agent in order."""
    history = presence_history
    order = (history.c.at_ms, history.c.outbox, history.c.segment, history.c.position)
    place = func.row_number().over(partition_by=history.c.agent, order_by=order).label("place")
    return select(history.c.agent, history.c.at_ms, history.c.presence, place).where(history.c.at_ms < to_ms).subquery()

"""Figures of one caller's calls in SQL, as `metrics.callers` defines them in Python."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from callcenter.storage.figures_sql import condition_sql
from callcenter.storage.tables import calls
from metrics.callers import ANSWERED, DISTINCT, NEIGHBOURS, WITHHELD
from metrics.choices import Choices
from metrics.lengths import DAY_MS

_KNOWN = func.lower(func.trim(calls.c.caller_number)).not_in(sorted(WITHHELD))


def distinct_query(from_ms: int, to_ms: int, *filters: ColumnElement[bool]) -> Select[Any]:
    """Return the query of how many different known numbers called in [from, to)."""
    callers = select(calls.c.caller_number).where(*_distinct(from_ms, to_ms), *filters).distinct().subquery("callers")
    return select(func.count()).select_from(callers)


def _distinct(from_ms: int, to_ms: int) -> list[ColumnElement[bool]]:
    period = [calls.c.arrived_ms >= from_ms, calls.c.arrived_ms < to_ms, _KNOWN]
    return [*period, *(condition_sql(condition) for condition in DISTINCT)]


def first_calls_query(from_ms: int, to_ms: int, choices: Choices, *filters: ColumnElement[bool]) -> Select[Any]:
    """Return the query of (resolved, answered) of first-call resolution in [from, to); the filters choose the calls that are
    judged, not their neighbours: who rings another line again was not helped either."""
    judged = judged_calls(from_ms, to_ms, choices, *filters).subquery()
    return select(func.coalesce(func.sum(judged.c.is_resolved), 0), func.count()).select_from(judged)


def distinct_calls(from_ms: int, to_ms: int, *filters: ColumnElement[bool]) -> Select[Any]:
    """Return the query of the calls whose callers `distinct_query` counts: key and arrival, and 1 for each caller's first."""
    place = func.row_number().over(
        partition_by=calls.c.caller_number, order_by=(calls.c.arrived_ms, calls.c.pbx, calls.c.uniqueid)
    )
    return select(
        calls.c.pbx, calls.c.uniqueid, calls.c.arrived_ms, case((place == 1, 1), else_=0).label("is_first")
    ).where(*_distinct(from_ms, to_ms), *filters)


def judged_calls(from_ms: int, to_ms: int, choices: Choices, *filters: ColumnElement[bool]) -> Select[Any]:
    """Return the query of the calls that first-call resolution judges: key and arrival, and 1 where it was the only one."""
    before_ms, after_ms = choices.fcr_before_days * DAY_MS, choices.fcr_after_days * DAY_MS
    arrived = calls.c.arrived_ms
    in_order: dict[str, Any] = {"partition_by": calls.c.caller_number, "order_by": arrived}
    judged = and_(arrived >= from_ms, arrived < to_ms, *(condition_sql(condition) for condition in ANSWERED), *filters)
    near = (
        select(
            calls.c.pbx,
            calls.c.uniqueid,
            arrived,
            case((judged, 1), else_=0).label("is_judged"),
            func.lag(arrived).over(**in_order).label("last_ms"),
            func.lead(arrived).over(**in_order).label("next_ms"),
        )
        .where(
            arrived >= from_ms - before_ms,
            arrived < to_ms + after_ms,
            _KNOWN,
            *(condition_sql(condition) for condition in NEIGHBOURS),
        )
        .subquery("near")
    )
    alone = and_(
        or_(near.c.last_ms.is_(None), near.c.last_ms < near.c.arrived_ms - before_ms),
        or_(near.c.next_ms.is_(None), near.c.next_ms > near.c.arrived_ms + after_ms),
    )
    keys = (near.c.pbx, near.c.uniqueid, near.c.arrived_ms)
    return select(*keys, case((alone, 1), else_=0).label("is_resolved")).where(near.c.is_judged == 1)


__all__ = ["distinct_calls", "distinct_query", "first_calls_query", "judged_calls"]

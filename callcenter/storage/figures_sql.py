"""The dictionary's measures as SQL: the same trees that Python evaluates, aggregated by the database.

A condition that meets an empty field is NULL in SQL and false in Python; both count as "does not hold", and since the
language has no negation of a condition, the two never part. `Rows` says what the rows of a source are in SQL: fields go by
their names, those of the call that a row belongs to by `call.` in front.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, func, literal, null, or_, select

from callcenter.storage.tables import calls, hand_overs, offers, talks
from metrics.dictionary import Aggregate, Total
from metrics.expressions import (
    AtMost,
    Condition,
    Expression,
    Field,
    FirstOf,
    Flag,
    Is,
    Known,
    Minus,
    MoreThan,
    Number,
    Where,
)
from metrics.totals import Source

REPORT_S = 120.0
"""Longest that one report's query may take."""
CALL = "call."

Columns = Callable[[str], ColumnElement[Any]]
"""Name of a field -> its column."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a source: where they come from, and their columns."""

    source: FromClause
    columns: Columns


def _call_column(name: str) -> ColumnElement[Any]:
    return calls.c[name]


def _part_of_call(part: FromClause) -> Rows:
    """Return rows that belong to a call, joined with it."""

    def column(name: str) -> ColumnElement[Any]:
        return calls.c[name.removeprefix(CALL)] if name.startswith(CALL) else part.c[name]

    joined = calls.join(part, and_(part.c.pbx == calls.c.pbx, part.c.uniqueid == calls.c.uniqueid))
    return Rows(joined, column)


def _talks() -> Rows:
    """Return all talks. An imported call has no rows of its own for them: its one talk with an agent is in the call's row.

    The join with one row that has nothing but its condition leaves out calls without either."""
    imported_talk = and_(calls.c.imported, calls.c.answered_ms.is_not(None), calls.c.agent.is_not(None))
    is_told = talks.c.offer.is_not(None)
    told = {
        "agent": func.coalesce(talks.c.agent, calls.c.agent),
        "kind": func.coalesce(talks.c.kind, "seat"),
        "opened_ms": func.coalesce(talks.c.opened_ms, calls.c.answered_ms),
        "closed_ms": case((is_told, talks.c.closed_ms), else_=calls.c.answered_ms + calls.c.talk_ms),
        "hold_ms": func.coalesce(talks.c.hold_ms, calls.c.hold_ms),
    }

    def column(name: str) -> ColumnElement[Any]:
        return calls.c[name.removeprefix(CALL)] if name.startswith(CALL) else told[name]

    same_call = and_(talks.c.pbx == calls.c.pbx, talks.c.uniqueid == calls.c.uniqueid)
    one = select(literal(1).label("one")).subquery("one")
    return Rows(calls.outerjoin(talks, same_call).join(one, or_(is_told, imported_talk)), column)


CALL_ROWS = Rows(calls, _call_column)
ROWS: Mapping[Source, Rows] = {
    Source.CALLS: CALL_ROWS,
    Source.TALKS: _talks(),
    Source.OFFERS: _part_of_call(offers),
    Source.HAND_OVERS: _part_of_call(hand_overs),
}
"""Sources whose rows count where their call arrived; spans of states are made in `states_sql`."""


def sql_of(expression: Expression, columns: Columns = _call_column) -> ColumnElement[Any]:
    """Return the SQL of an expression over one row."""
    match expression:
        case Field(name):
            return columns(name)
        case Number(value):
            return literal(value)
        case Minus(left, right):
            return sql_of(left, columns) - sql_of(right, columns)
        case FirstOf(choices):
            return func.coalesce(*(sql_of(choice, columns) for choice in choices))
        case Where(value, conditions):
            held = and_(*(condition_sql(condition, columns) for condition in conditions))
            return case((held, sql_of(value, columns)), else_=null())


def condition_sql(condition: Condition, columns: Columns = _call_column) -> ColumnElement[bool]:
    """Return the SQL of a condition over one row."""
    match condition:
        case Is(name, word):
            return columns(name) == word
        case Flag(name, wanted):
            return columns(name).is_(wanted)
        case Known(value, wanted):
            found = sql_of(value, columns)
            return found.is_not(None) if wanted else found.is_(None)
        case AtMost(value, limit):
            return sql_of(value, columns) <= limit
        case MoreThan(value, limit):
            return sql_of(value, columns) > limit


def total_sql(total: Total, columns: Columns = _call_column) -> ColumnElement[Any]:
    """Return the SQL of a total over the rows of a query."""
    measure = sql_of(total.measure, columns)
    whole = func.coalesce(func.sum(measure), 0) if total.aggregate is Aggregate.SUM else func.max(measure)
    return whole.label(total.name)

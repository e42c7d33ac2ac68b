"""The dictionary's measures as SQL: the same trees that Python evaluates, aggregated by the database.

A condition that meets an empty field is NULL in SQL and false in Python; both count as "does not hold", and since the
language has no negation of a condition, the two never part.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, null, select
from sqlalchemy.ext.asyncio import AsyncEngine

from callcenter.storage.database import reaching
from callcenter.storage.tables import calls
from metrics.dictionary import TOTALS, Aggregate, Total
from metrics.expressions import AtMost, Condition, Expression, Field, FirstOf, Flag, Is, Known, Minus, Number, Where

REPORT_S = 120.0
"""Longest that one report's query may take."""


def sql_of(expression: Expression) -> ColumnElement[Any]:
    """Return the SQL of an expression over one row of `calls`."""
    match expression:
        case Field(name):
            return calls.c[name]
        case Number(value):
            return literal(value)
        case Minus(left, right):
            return sql_of(left) - sql_of(right)
        case FirstOf(choices):
            return func.coalesce(*(sql_of(choice) for choice in choices))
        case Where(value, conditions):
            return case((and_(*(condition_sql(condition) for condition in conditions)), sql_of(value)), else_=null())


def condition_sql(condition: Condition) -> ColumnElement[bool]:
    """Return the SQL of a condition over one row of `calls`."""
    match condition:
        case Is(name, word):
            return calls.c[name] == word
        case Flag(name, wanted):
            return calls.c[name].is_(wanted)
        case Known(value, wanted):
            return sql_of(value).is_not(None) if wanted else sql_of(value).is_(None)
        case AtMost(value, limit):
            return sql_of(value) <= limit


def total_sql(total: Total) -> ColumnElement[Any]:
    """Return the SQL of a total over the rows of a query."""
    measure = sql_of(total.measure)
    whole = func.coalesce(func.sum(measure), 0) if total.aggregate is Aggregate.SUM else func.max(measure)
    return whole.label(total.name)


def totals_query(from_ms: int, to_ms: int) -> Select[Any]:
    """Return the query of all totals over the calls that ARRIVED in [from, to)."""
    return select(*(total_sql(total) for total in TOTALS.values())).where(
        calls.c.arrived_ms >= from_ms, calls.c.arrived_ms < to_ms
    )


async def totals_between(engine: AsyncEngine, from_ms: int, to_ms: int) -> dict[str, int | None]:
    """Return every total of the dictionary over the calls that arrived in [from, to). Raises LedgerAway."""
    async with reaching(REPORT_S), engine.connect() as connection:
        row = (await connection.execute(totals_query(from_ms, to_ms))).mappings().one()
    return {name: None if value is None else int(value) for name, value in row.items()}

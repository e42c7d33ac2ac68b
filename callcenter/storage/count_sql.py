"""The full count as SQL: totals of one source's rows over some stretches of time, by interval and by what is asked apart.

A statement is written out once for each shape of a question (`ready_sql`); the instants and the names of a scope are its
parameters.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Label, case, select, text

from callcenter.storage.figures_sql import ROWS, Rows, total_sql
from callcenter.storage.ready_sql import Ready, parameter, written
from callcenter.storage.states_sql import span_rows
from callcenter.storage.tables import calls, placements
from metrics.totals import Source, Total

Stretches = Sequence[tuple[int, int]]
"""Disjoint half-open intervals of instants, ms."""
SCOPES = {"platform": "platform_id", "line": "line_code"}
"""What narrows a question -> its column."""
SHAPES = 256
"""So many statements are kept written out."""


def column_of(rows: Rows, word: str) -> ColumnElement[Any]:
    """Return what is asked apart (`platform`, `line`, `need`, `agent`), as a column of a source's rows."""
    match word:
        case "need":
            return first_need()
        case "agent":
            return rows.columns("agent")
        case _:
            return calls.c[SCOPES[word]]


def first_need() -> ColumnElement[Any]:
    """The need of the call's first place in a queue. An imported call has no places: none are looked for."""
    first = (
        select(placements.c.need)
        .where(
            placements.c.pbx == calls.c.pbx, placements.c.uniqueid == calls.c.uniqueid, placements.c.kind == "queued"
        )
        .order_by(placements.c.seq, placements.c.at_ms)
        .limit(1)
    )
    return case((~calls.c.imported, first.correlate(calls).scalar_subquery())).label("need")


@lru_cache(SHAPES)
def counting(
    dialect: str,
    source: Source,
    totals: tuple[Total, ...],
    by: tuple[str, ...],
    scope: tuple[str, ...],
    *,
    is_binned: bool,
) -> Ready:
    """Return the query of (number of the step :step_ms since :first_ms, then what is asked apart, then the totals) over the
    rows of calls that arrived in [:from_ms, :to_ms). Not binned: there is no number.

    For each stretch of time by itself: of several at once the databases only know that they are many, and read all rows."""
    rows = ROWS[source]
    arrived = calls.c.arrived_ms
    number = (arrived - parameter("first_ms")) // parameter("step_ms")
    keys: list[Label[Any]] = [number.label("bin_number")] if is_binned else []
    keys += [column_of(rows, word).label(f"by_{word}") for word in by]
    within = [calls.c[SCOPES[word]] == parameter(word, "TEXT") for word in scope]
    query = (
        select(*keys, *(total_sql(total, rows.columns) for total in totals))
        .select_from(rows.source)
        .where(arrived >= parameter("from_ms"), arrived < parameter("to_ms"), *within)
        .group_by(*(text(key.name) for key in keys))
    )
    return written(dialect, query)


@lru_cache(SHAPES)
def counting_spans(dialect: str, totals: tuple[Total, ...], by: tuple[str, ...]) -> Ready:
    """Return the query of totals of agents' states within [:from_ms, :to_ms)."""
    rows = span_rows(parameter("from_ms"), parameter("to_ms"))
    keys = [rows.columns(word).label(f"by_{word}") for word in by]
    query = select(*keys, *(total_sql(total, rows.columns) for total in totals)).select_from(rows.source)
    return written(dialect, query.group_by(*(text(key.name) for key in keys)))


def write_counts(dialect: str, totals: Sequence[Total], by: tuple[str, ...]) -> None:
    """Write out the queries of these totals by interval, for whoever must not be held up by it later."""
    for source in dict.fromkeys(total.source for total in totals):
        some = tuple(total for total in totals if total.source is source)
        counting(dialect, source, some, by, (), is_binned=True)

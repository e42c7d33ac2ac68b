"""The rows behind totals: which calls (talks, offers, states) a figure is made of, and what each adds to it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, literal, or_, select

from callcenter.storage.figures_sql import ROWS, sql_of
from callcenter.storage.states_sql import span_rows
from callcenter.storage.tables import calls
from metrics.totals import Source, Total


def members_query(source: Source, totals: Sequence[Total], from_ms: int, to_ms: int) -> Select[Any]:
    """Return the query of (instant, pbx, uniqueid, agent, what the row adds to each total), in order of time."""
    if source is Source.STATES:
        rows = span_rows(from_ms, to_ms)
        keys = [rows.columns("begin_ms"), literal(""), literal(""), rows.columns("agent")]
        where = []
    else:
        rows = ROWS[source]
        keys = [calls.c.arrived_ms, calls.c.pbx, calls.c.uniqueid, rows.columns("agent")]
        where = [calls.c.arrived_ms >= from_ms, calls.c.arrived_ms < to_ms]
    adds = [sql_of(total.measure, rows.columns) for total in totals]
    columns = [column.label(f"of_{number}") for number, column in enumerate((*keys, *adds))]
    return (
        select(*columns)
        .select_from(rows.source)
        .where(*where, or_(*(measure.is_not(None) for measure in adds)))
        .order_by(keys[0], keys[3])
    )

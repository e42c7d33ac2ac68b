"""A source's rows added up as finely as any of its roll-ups keeps them: what they are all made of, in one look at the rows.

Theory of operation: a hundred measures ask the same of a row again and again. So a row is looked at once: what several measures
begin with, what else they ask of its fields and the values that they add become columns (`_Looked`), and a measure is then the
sum of one of them where a few others hold (FILTER: what does not hold costs no addition).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import CTE, BigInteger, ColumnElement, Subquery, and_, cast, func, literal, select

from callcenter.storage.count_sql import column_of
from callcenter.storage.figures_sql import ROWS, Rows, condition_sql, sql_of
from callcenter.storage.ready_sql import parameter
from callcenter.storage.tables import calls
from callcenter.storage.tables_rolled import DIMENSIONS
from metrics.expressions import AtMost, Condition, Expression, MoreThan, Number, Where
from metrics.rolled import KEPT, Rollup
from metrics.totals import Aggregate, Source, Total

FROM_MS = parameter("from_ms")
TO_MS = parameter("to_ms")
"""The time that a statement is for."""

Conditions = tuple[Condition, ...]


def totals_of(source: Source) -> list[Total]:
    """Return the totals of a source that are kept."""
    return [total for total in KEPT.values() if total.source is source]


def each(source: Source, rollups: Sequence[Rollup]) -> CTE:
    """Return a source's totals of [:from_ms, :to_ms), by the shortest step and all that these roll-ups keep apart."""
    rows, totals = ROWS[source], totals_of(source)
    arrived = calls.c.arrived_ms
    step_ms = min(rollup.step_ms for rollup in rollups)
    words = dict.fromkeys(word for rollup in rollups for word in rollup.by)
    looked = _Looked(rows, totals)
    seen = (
        select(
            (arrived - arrived % step_ms).label("begin_ms"),
            *(_dimension(rows, word).label(DIMENSIONS[word]) for word in words),
            *looked.columns(),
        )
        .select_from(rows.source)
        .where(arrived >= FROM_MS, arrived < TO_MS)
        .offset(0)  # keeps the database from working a column out anew for every total
        .subquery("seen")
    )
    keys = [seen.c[name] for name in ("begin_ms", *(DIMENSIONS[word] for word in words))]
    return select(*keys, *(looked.added(total, seen) for total in totals)).group_by(*keys).cte("each")


def _dimension(rows: Rows, name: str) -> ColumnElement[Any]:
    """Return what a roll-up keeps apart, as a column of a source's rows; it has no empty need."""
    column = column_of(rows, name)
    return func.coalesce(column, "") if name == "need" else column


class _Looked:
    """What the totals of a source ask of a row, each thing once."""

    def __init__(self, rows: Rows, totals: Iterable[Total]) -> None:
        self._rows = rows
        self._begins = Counter(
            conditions[:length] for _, conditions in map(_parts, totals) for length in range(1, len(conditions) + 1)
        )
        self._names: dict[Conditions | Expression, str] = {}
        for total in totals:
            self._needs(total)

    def columns(self) -> Iterable[ColumnElement[Any]]:
        """Return all of it as columns of the source's rows."""
        for node, name in self._names.items():
            if isinstance(node, tuple):
                yield and_(*(condition_sql(condition, self._rows.columns) for condition in node)).label(name)
            else:
                yield sql_of(node, self._rows.columns).label(name)

    def added(self, total: Total, seen: Subquery) -> ColumnElement[Any]:
        """Return a total over rows that have the columns; NULL where no row had its measure."""
        value, conditions = _parts(total)
        measure = literal(value.value) if isinstance(value, Number) else seen.c[self._names[value]]
        held = [self._held(part, seen) for part in self._split(conditions)]
        whole = func.max(measure) if total.aggregate is Aggregate.MAX else func.sum(measure)
        return cast(whole.filter(*held) if held else whole, BigInteger).label(total.name)

    def _needs(self, total: Total) -> None:
        value, conditions = _parts(total)
        limited = [part for part in self._split(conditions) if isinstance(part, AtMost | MoreThan)]
        for node in (value, *(part.value for part in limited)):
            if not isinstance(node, Number):
                self._names.setdefault(node, f"value_{len(self._names)}")
        for part in self._split(conditions):
            if isinstance(part, tuple):
                self._names.setdefault(part, f"holds_{len(self._names)}")

    def _split(self, conditions: Conditions) -> list[Conditions | AtMost | MoreThan]:
        """Return conditions as those that several totals begin with, and each of the others; a limit of a value stays itself,
        for few rows come so far that it is asked."""
        shared = max((n for n in range(1, len(conditions) + 1) if self._begins[conditions[:n]] > 1), default=0)
        rest = [one if isinstance(one, AtMost | MoreThan) else (one,) for one in conditions[shared:]]
        return [conditions[:shared], *rest] if shared else [*rest]

    def _held(self, part: Conditions | AtMost | MoreThan, seen: Subquery) -> ColumnElement[bool]:
        if isinstance(part, tuple):
            return seen.c[self._names[part]]
        value: ColumnElement[Any] = seen.c[self._names[part.value]]
        return value <= part.limit if isinstance(part, AtMost) else value > part.limit


def _parts(total: Total) -> tuple[Expression, Conditions]:
    """Return what a total adds, and under which conditions."""
    measure = total.measure
    return (measure.value, measure.conditions) if isinstance(measure, Where) else (measure, ())

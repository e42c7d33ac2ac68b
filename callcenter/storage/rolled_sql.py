"""Queries on the roll-ups: columns added up, for bins or pieces of them.

A few pieces are filled up with empty ones to a power of two, so that there are few shapes of statements (`ready_sql`).
"""

import json
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Label,
    and_,
    case,
    cast,
    func,
    or_,
    select,
    text,
)

from callcenter.storage.count_sql import SCOPES, SHAPES, Stretches
from callcenter.storage.cover import Piece
from callcenter.storage.ready_sql import Ready, parameter, written
from callcenter.storage.tables_rolled import (
    CALLS_MARK,
    DIMENSIONS,
    STATES_MARK,
    rolled,
    rolled_states,
    rollup_marks,
)
from metrics.lengths import DAY_MS
from metrics.rolled import Rollup
from metrics.totals import Aggregate, Total

PARTS_BY_KEY = "SET LOCAL random_page_cost = 1.1"
"""For a day or two PostgreSQL must look talks and offers up by their calls, not read them all: with its default, made for
disks that turn, it does the latter."""
IN_MEMORY = "SET LOCAL work_mem = '64MB'"
"""What PostgreSQL may use for one sort or grouping: callers of years, or the rows of a few days, do not fit into its default."""
FEW = 40
"""Pieces that are written into a query one by one, so that the database looks each up; more are given as a table."""


class Mode(StrEnum):
    """How a stretch of a roll-up finds its bin."""

    ONE = "one"
    """There is but one bin."""
    REGULAR = "regular"
    """By its number: all bins have one length."""
    FEW = "few"
    """By the piece that it lies in."""
    MANY = "many"


def added_up(total: Total, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the SQL that adds a column up; NULL where no row had it."""
    if total.aggregate is Aggregate.MAX:
        return func.max(column)
    return cast(func.sum(column), BigInteger)


def unmarked(kind: str, begin_ms: ColumnElement[int]) -> ColumnElement[bool]:
    """Return the condition that a stretch lies in a day without a mark."""
    days = select(rollup_marks.c.day_ms).where(rollup_marks.c.kind == kind)
    return (begin_ms - begin_ms % DAY_MS).not_in(days)


@lru_cache(SHAPES)
def reading_rollup(
    dialect: str,
    rollup: Rollup,
    totals: tuple[tuple[Total, str], ...],
    by: tuple[str, ...],
    scope: tuple[str, ...],
    bins: Mode,
    pieces: int,
    *,
    has_marks: bool,
) -> Ready:
    """Return the query of (bin unless it is one, then what is asked apart, then the totals, each given with its column).

    A regular bin is its number since :first_ms, of bins of :length_ms before :last_ms; else it is what its piece says.
    `has_marks`: some day in question carries a mark; asking that of each row costs more than the row."""
    table = rolled[rollup]
    bin_of, source, within = _bins(dialect, bins, table, pieces)
    keys: list[Label[Any]] = [] if bin_of is None else [bin_of.label("bin_begin")]
    keys += [table.c[DIMENSIONS[word]].label(f"by_{word}") for word in by]
    within += [unmarked(CALLS_MARK, table.c.begin_ms)] if has_marks else []
    within += [table.c[SCOPES[word]] == parameter(word, "TEXT") for word in scope]
    sums = (added_up(total, table.c[column]).label(total.name) for total, column in totals)
    query = select(*keys, *sums).select_from(source).where(*within).group_by(*(text(key.name) for key in keys))
    return written(dialect, query)


@lru_cache(SHAPES)
def rolled_spans(dialect: str, totals: tuple[tuple[Total, str], ...], *, has_marks: bool) -> Ready:
    """Return the query of (agent, then the totals) of the days of states in [:from_ms, :to_ms)."""
    table = rolled_states
    begin_ms = table.c.begin_ms
    query = (
        select(table.c.agent, *(added_up(total, table.c[column]) for total, column in totals))
        .where(begin_ms >= parameter("from_ms"), begin_ms < parameter("to_ms"))
        .where(*([unmarked(STATES_MARK, begin_ms)] if has_marks else []))
        .group_by(table.c.agent)
    )
    return written(dialect, query)


def _bins(
    dialect: str, bins: Mode, table: Any, pieces: int
) -> tuple[ColumnElement[Any] | None, FromClause, list[ColumnElement[bool]]]:
    """Return how a stretch finds its bin, from where to read, and under which conditions."""
    begin_ms: ColumnElement[int] = table.c.begin_ms
    match bins:
        case Mode.ONE:
            return None, table, [_inside(begin_ms, pieces)]
        case Mode.REGULAR:
            number = (begin_ms - parameter("first_ms")) // parameter("length_ms")
            return number, table, [begin_ms >= parameter("first_ms"), begin_ms < parameter("last_ms")]
        case Mode.FEW:
            each = [and_(begin_ms >= parameter(f"from_{n}"), begin_ms < parameter(f"to_{n}")) for n in range(pieces)]
            bin_of = case(*((lies, parameter(f"bin_{n}")) for n, lies in enumerate(each)))
            return cast(bin_of, BigInteger), table, [or_(*each)]
        case Mode.MANY:
            some = _pieces_table(dialect)
            on = and_(begin_ms >= some.c.from_ms, begin_ms < some.c.to_ms)
            within = [begin_ms >= parameter("first_ms"), begin_ms < parameter("last_ms")]
            return some.c.bin_ms, table.join(some, on), within


def asked_for(dialect: str, pieces: Sequence[Piece]) -> tuple[Mode, int, dict[str, Any]]:
    """Return how `reading_rollup` reads these pieces (rising), how many it must be made for, and its parameters."""
    stretches = [(piece.from_ms, piece.to_ms) for piece in pieces]
    if len({piece.bin_ms for piece in pieces}) == 1 and len(pieces) <= FEW:
        values = _filled_up(stretches)
        return Mode.ONE, len(values) // 2, values
    if len(pieces) <= FEW:
        values = _filled_up(stretches)
        number = len(values) // 2
        bins = [piece.bin_ms for piece in pieces] + [0] * (number - len(pieces))
        return Mode.FEW, number, values | {f"bin_{n}": bin_ms for n, bin_ms in enumerate(bins)}
    return Mode.MANY, 0, {"first_ms": pieces[0].from_ms, "last_ms": pieces[-1].to_ms, **_listed(dialect, pieces)}


def _inside(at_ms: ColumnElement[int], stretches: int) -> ColumnElement[bool]:
    """Return the condition that an instant lies in one of so many stretches: [:from_0, :to_0) and so on."""
    return or_(*(and_(at_ms >= parameter(f"from_{n}"), at_ms < parameter(f"to_{n}")) for n in range(stretches)))


def _filled_up(stretches: Stretches) -> dict[str, int]:
    """Return the parameters of `_inside` for these stretches and as many empty ones as make their number a power of two."""
    number = 1 << (len(stretches) - 1).bit_length()
    edges = [*stretches, *[(0, 0)] * (number - len(stretches))]
    return {f"{word}_{n}": edge[end] for n, edge in enumerate(edges) for end, word in enumerate(("from", "to"))}


_LISTED = ("bin_ms", "from_ms", "to_ms")


def _pieces_table(dialect: str) -> FromClause:
    """Return pieces as rows: bin_ms, from_ms, to_ms."""
    if dialect == "postgresql":
        arrays = (parameter(f"pieces_{name}", "BIGINT[]") for name in _LISTED)
        return func.unnest(*arrays).table_valued(*_LISTED, name="pieces").render_derived()
    listed = func.json_each(parameter("pieces", "TEXT")).table_valued("value")
    columns = (func.json_extract(listed.c.value, f"$[{n}]").label(name) for n, name in enumerate(_LISTED))
    return select(*columns).subquery("pieces")


def _listed(dialect: str, pieces: Sequence[Piece]) -> dict[str, Any]:
    """Return the parameters of `_pieces_table`."""
    if dialect == "postgresql":
        return {f"pieces_{name}": [getattr(piece, name) for piece in pieces] for name in _LISTED}
    return {"pieces": json.dumps([piece[1:] for piece in pieces])}

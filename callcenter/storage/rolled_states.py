"""Durations of agents' states from the days of states: sums of what ended less what began, and the states at the edges.

Theory of operation: between two instants, the time in a state is the sum of the instants at which it ended there, less those
at which it began there, plus the later edge if it was on then, less the earlier edge if it was on then. Days without a mark
give their sums from the roll-up, the rest of the period comes from the changes themselves. All of them are sums: so a day that
reaches over the period's edge may be taken whole, less what lies beyond.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from callcenter.storage.believed import Believed
from callcenter.storage.cover import joined
from callcenter.storage.rolled_sql import rolled_spans
from callcenter.storage.rollup_sql import counted_states, states_at_edges
from callcenter.storage.tables_rolled import STATES_MARK
from metrics.lengths import DAY_MS
from metrics.totals import Total

Spent = dict[str, dict[str, int]]
"""Agent -> total -> milliseconds."""
Stretch = tuple[int, int]


async def states_between(
    connection: AsyncConnection,
    totals: Sequence[Total],
    columns: dict[str, str],
    kept: Believed,
    from_ms: int,
    to_ms: int,
) -> Spent:
    """Return these totals of states over [from, to) of every agent who ever had a state before its end."""
    found = await _at_edges(connection, totals, from_ms, to_ms)
    begin, end = _days(kept, from_ms, to_ms)
    added, taken = _apart(from_ms, begin, end, to_ms)
    parts = [(1, await _rolled(connection, totals, columns, kept, begin, end))]
    counts = [(1, stretch) for stretch in joined([*added, *kept.not_to_be(STATES_MARK, from_ms, to_ms)])]
    for sign, stretch in [*counts, *((-1, stretch) for stretch in taken)]:
        parts += [(sign, await _counted(connection, totals, *stretch))]
    for sign, part in parts:
        for agent, sums in part.items():
            if agent not in found:
                continue  # his first state came after the period, within the day of its end
            for name, value in sums.items():
                found[agent][name] += sign * value
    return found


def _days(kept: Believed, from_ms: int, to_ms: int) -> tuple[int, int]:
    """Return the beginning and the end of the whole days whose sums are nearest to a period; none: both are its beginning.

    A day reaches over an edge of the period where the period has more than half of it, and no mark is on it: to take away
    what lies beyond (a local midnight's hours of the night) is less work than to count the rest."""
    begin, end = max((from_ms + DAY_MS // 2) // DAY_MS * DAY_MS, 0), (to_ms + DAY_MS // 2) // DAY_MS * DAY_MS
    marked = kept.marked.get(STATES_MARK, ())
    if begin < from_ms and begin in marked:
        begin += DAY_MS
    if end > to_ms and end - DAY_MS in marked:
        end -= DAY_MS
    return (begin, end) if begin < end else (from_ms, from_ms)


def _apart(from_ms: int, begin: int, end: int, to_ms: int) -> tuple[list[Stretch], list[Stretch]]:
    """Return what the days lack of the period, and what they have beyond it."""
    edges = ((from_ms, begin), (end, to_ms))
    return [edge for edge in edges if edge[0] < edge[1]], [(right, left) for left, right in edges if right < left]


async def _at_edges(connection: AsyncConnection, totals: Sequence[Total], from_ms: int, to_ms: int) -> Spent:
    found: Spent = {}
    weights = _Weights(totals)
    for agent, before, before_dialled, after, after_dialled in await states_at_edges(connection.dialect.name).run(
        connection, from_ms=from_ms, to_ms=to_ms
    ):
        if after is None:
            continue
        first, last = weights[before, before_dialled], weights[after, after_dialled]
        found[agent] = {
            total.name: to_ms * at_last - from_ms * at_first
            for total, at_first, at_last in zip(totals, first, last, strict=True)
        }
    return found


class _Weights(dict[tuple[str | None, int], list[int]]):
    """State, and whether it is after dialling -> how much of a span in it each total counts: all (1) or nothing (0).

    A hundred agents are in few states, and each total is a sum of spans under conditions (`metrics.rolled.state_columns`)."""

    def __init__(self, totals: Sequence[Total]) -> None:
        self._totals = totals

    def __missing__(self, state: tuple[str | None, int]) -> list[int]:
        span = {"presence": state[0], "after_dialling": bool(state[1]), "spent_ms": 1}
        self[state] = [total.measure.of(span) or 0 for total in self._totals]
        return self[state]


async def _rolled(
    connection: AsyncConnection,
    totals: Sequence[Total],
    columns: dict[str, str],
    kept: Believed,
    from_ms: int,
    to_ms: int,
) -> Spent:
    if from_ms == to_ms:
        return {}
    kinds = tuple((total, columns[total.name]) for total in totals)
    has_marks = bool(kept.not_to_be(STATES_MARK, from_ms, to_ms))
    query = rolled_spans(connection.dialect.name, kinds, has_marks=has_marks)
    return _by_agent(totals, await query.run(connection, from_ms=from_ms, to_ms=to_ms))


async def _counted(connection: AsyncConnection, totals: Sequence[Total], from_ms: int, to_ms: int) -> Spent:
    query = counted_states(connection.dialect.name, tuple(totals))
    return _by_agent(totals, await query.run(connection, from_ms=from_ms, to_ms=to_ms))


def _by_agent(totals: Sequence[Total], rows: Iterable[Sequence[Any]]) -> Spent:
    return {row[0]: {total.name: int(value or 0) for total, value in zip(totals, row[1:], strict=True)} for row in rows}

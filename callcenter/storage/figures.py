"""By which the report reads figures: totals of the dictionary by interval and by line, need or agent, and callers' figures.

Theory of operation: `Figures` is what a report asks. `RawFigures` answers from the ledger's rows, one pass for each question:
it is the reference ("raw count") that any quicker answer must equal (`rolled_figures`). All questions of one report are put
inside one transaction (`rolled_figures.reading`), so its sections agree with each other while the service writes.

Bins are half-open intervals between given edges. SQL numbers them by the greatest common step of the edges (hours: one
hour; months: one day), and neighbouring steps are then added up, so any edges of any zone are exact.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import pairwise
from math import gcd
from typing import Any, Protocol

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from acd.names import WRAPUP_OVERLONG
from callcenter.storage.callers_sql import distinct_calls, distinct_query, first_calls_query, judged_calls
from callcenter.storage.count_sql import SCOPES, Stretches, counting, counting_spans
from callcenter.storage.gaps import gaps_between
from callcenter.storage.members_sql import members_query
from callcenter.storage.tables import calls, notes
from metrics.bins import Bins
from metrics.callers import FirstCall
from metrics.completeness import Gap
from metrics.dictionary import DICTIONARY, Dictionary
from metrics.lengths import DAY_MS
from metrics.totals import Source, Total

Edges = Sequence[int]
"""Instants, ms, rising, at least two: the bins are [first, second), [second, third) ..."""
Key = tuple[int, str]
"""(Beginning of the bin, ms; line, need or agent, or '' where nothing was asked apart)."""
Found = dict[Key, dict[str, int | None]]
Words = tuple[str, ...]
"""What is asked apart, or one thing of it: a line and a need."""
Apart = defaultdict[tuple[int, Words], dict[str, int | None]]
"""As `Found`, with several things asked apart at once."""


class Group(StrEnum):
    """What a bin is split by."""

    NONE = "none"
    LINE = "line"
    NEED = "need"
    """The need with which a call was first queued, as it stands in the ledger; '' for a call that never was."""
    AGENT = "agent"
    """Whose talk, offer, hand-over or state it is; of calls, the first who answered."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Of which calls; None: all. Agents' states belong to no line and to no platform: no scope narrows them."""

    platform: str | None = None
    line: str | None = None


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class Member:
    """One row behind a figure."""

    at_ms: int
    """When the call arrived; of a state, when it began."""
    pbx: str
    uniqueid: str
    """The call; '' for a state."""
    agent: str
    """Whose talk, offer, hand-over or state it is; of calls, the first who answered."""
    values: Mapping[str, int]
    """What it adds, by total."""


class Figures(Protocol):
    """What a report asks of the ledger, inside one transaction."""

    dictionary: Dictionary

    async def totals(
        self, edges: Edges, names: Iterable[str], scope: Scope = EVERYTHING, group: Group = Group.NONE
    ) -> Found:
        """Return these totals of the dictionary by bin and group. Every bin is there when no group is asked for; else only
        groups with a row."""
        ...

    async def by_line_and_need(
        self, from_ms: int, to_ms: int, names: Iterable[str], scope: Scope = EVERYTHING
    ) -> dict[tuple[str, str], dict[str, int | None]]:
        """Return these totals of [from, to) by line and first need, for those that have a call: in one pass what the
        lines and the needs are made of."""
        ...

    async def bins(self, edges: Edges, names: Iterable[str], scope: Scope = EVERYTHING) -> Bins:
        """Return what `totals` does of all bins, as columns: for thousands of them."""
        ...

    async def distinct_callers(self, from_ms: int, to_ms: int, scope: Scope = EVERYTHING) -> int:
        """Return how many different known numbers called in [from, to)."""
        ...

    async def first_calls(self, from_ms: int, to_ms: int, now_ms: int, scope: Scope = EVERYTHING) -> FirstCall:
        """Return first-call resolution of [from, to)."""
        ...

    async def gaps(self, from_ms: int, to_ms: int) -> Sequence[Gap]:
        """Return the times of [from, to) in which nobody watched, in order, cut to it; of all PBXes, whatever the scope."""
        ...

    async def overlong_wrapups(self, from_ms: int, to_ms: int) -> Sequence[str]:
        """Return the agent's number of each wrap-up that ended in [from, to) and had lasted longer than any may, in order."""
        ...

    async def knows(self, column: str, word: str) -> bool:
        """Tell whether any call has this word in a column (`line_code`, `platform_id`)."""
        ...

    def members(
        self, from_ms: int, to_ms: int, names: Iterable[str], scope: Scope = EVERYTHING
    ) -> AsyncIterator[Member]:
        """Return the rows behind these totals, source by source, in order of time."""
        ...

    def caller_members(self, figure: str, from_ms: int, to_ms: int, scope: Scope = EVERYTHING) -> AsyncIterator[Member]:
        """Return the calls behind `distinct_callers` or `fcr`: their value is 1 for each call that counts in the numerator."""
        ...


class RawFigures:
    """Answers from the rows themselves. Raises what the database raises: use it inside `reading`."""

    def __init__(self, connection: AsyncConnection, dictionary: Dictionary = DICTIONARY) -> None:
        self.connection = connection
        self.dictionary = dictionary

    async def totals(
        self, edges: Edges, names: Iterable[str], scope: Scope = EVERYTHING, group: Group = Group.NONE
    ) -> Found:
        """As `Figures.totals`."""
        found = await self._by(edges, self._named(names), scope, words_of(group))
        return {(begin, apart[0] if apart else ""): values for (begin, apart), values in found.items()}

    async def by_line_and_need(
        self, from_ms: int, to_ms: int, names: Iterable[str], scope: Scope = EVERYTHING
    ) -> dict[tuple[str, str], dict[str, int | None]]:
        """As `Figures.by_line_and_need`."""
        found = await self._by((from_ms, to_ms), self._named(names), scope, ("line", "need"))
        return {(line, need): values for (_, (line, need)), values in found.items()}

    async def bins(self, edges: Edges, names: Iterable[str], scope: Scope = EVERYTHING) -> Bins:
        """As `Figures.bins`."""
        some = self._named(names)
        found = await self._by(edges, some, scope, ())
        rows = [found[begin, ()] for begin in edges[:-1]]
        return Bins(edges[:-1], {total.name: [row[total.name] for row in rows] for total in some})

    async def distinct_callers(self, from_ms: int, to_ms: int, scope: Scope = EVERYTHING) -> int:
        """As `Figures.distinct_callers`."""
        number = await self.connection.scalar(distinct_query(from_ms, to_ms, *_within(scope)))
        return int(number or 0)

    async def first_calls(self, from_ms: int, to_ms: int, now_ms: int, scope: Scope = EVERYTHING) -> FirstCall:
        """As `Figures.first_calls`."""
        choices = self.dictionary.choices
        query = first_calls_query(from_ms, to_ms, choices, *_within(scope))
        resolved, answered = (await self.connection.execute(query)).one()
        return FirstCall(int(resolved), int(answered), now_ms >= to_ms + choices.fcr_after_days * DAY_MS)

    async def gaps(self, from_ms: int, to_ms: int) -> Sequence[Gap]:
        """As `Figures.gaps`."""
        return await gaps_between(self.connection, from_ms, to_ms)

    async def overlong_wrapups(self, from_ms: int, to_ms: int) -> Sequence[str]:
        """As `Figures.overlong_wrapups`."""
        query = select(notes.c.detail).where(notes.c.at_ms >= from_ms, notes.c.at_ms < to_ms)
        found = await self.connection.scalars(query.where(notes.c.what == WRAPUP_OVERLONG).order_by(notes.c.at_ms))
        return [detail.split(" ", 1)[0] for detail in found]

    async def knows(self, column: str, word: str) -> bool:
        """As `Figures.knows`."""
        return await self.connection.scalar(select(1).where(calls.c[column] == word).limit(1)) is not None

    async def members(
        self, from_ms: int, to_ms: int, names: Iterable[str], scope: Scope = EVERYTHING
    ) -> AsyncIterator[Member]:
        """As `Figures.members`."""
        wanted = [self.dictionary.totals[name] for name in dict.fromkeys(names)]
        for source in dict.fromkeys(total.source for total in wanted):
            some = [total for total in wanted if total.source is source]
            query = members_query(source, some, from_ms, to_ms).where(*_within(scope, source))
            async for row in await self.connection.stream(query):
                values = {
                    total.name: int(value) for total, value in zip(some, row[4:], strict=True) if value is not None
                }
                yield Member(int(row[0]), row[1], row[2], row[3] or "", values)

    async def caller_members(
        self, figure: str, from_ms: int, to_ms: int, scope: Scope = EVERYTHING
    ) -> AsyncIterator[Member]:
        """As `Figures.caller_members`."""
        if figure == "fcr":
            query = judged_calls(from_ms, to_ms, self.dictionary.choices, *_within(scope))
        else:
            query = distinct_calls(from_ms, to_ms, *_within(scope))
        found = query.subquery()
        async for row in await self.connection.stream(select(found).order_by(found.c.arrived_ms, found.c.uniqueid)):
            yield Member(int(row.arrived_ms), row.pbx, row.uniqueid, "", {figure: int(row[3])})

    def _named(self, names: Iterable[str]) -> list[Total]:
        return [self.dictionary.totals[name] for name in dict.fromkeys(names)]

    async def _by(self, edges: Edges, totals: Sequence[Total], scope: Scope, by: Words) -> Apart:
        """Return these totals of all sources by bin and what is asked apart; every bin is there when that is nothing."""
        found = self._nothing(edges, totals, by)
        await self._count(found, edges, totals, scope, by, [(edges[0], edges[-1])])
        return found

    def _nothing(self, edges: Edges, totals: Sequence[Total], by: Words) -> Apart:
        """Return what is found before anything is counted: of whatever is added to, first nothing."""
        empty = self.dictionary.empty(total.name for total in totals)
        bins = () if by else edges[:-1]
        return defaultdict(partial(dict, empty), (((begin, ()), dict(empty)) for begin in bins))

    async def _count(
        self, found: Apart, edges: Edges, totals: Sequence[Total], scope: Scope, by: Words, stretches: Stretches
    ) -> None:
        """Add what the rows of these stretches of the bins have. Spans of states are of all bins, whatever the stretches."""
        for source in dict.fromkeys(total.source for total in totals):
            some = tuple(total for total in totals if total.source is source)
            if source is Source.STATES:
                await self._count_spans(found, edges, some, by)
            else:
                await self._count_rows(found, edges, some, scope, by, stretches)

    async def _count_rows(
        self,
        found: Apart,
        edges: Edges,
        totals: tuple[Total, ...],
        scope: Scope,
        by: Words,
        stretches: Stretches,
    ) -> None:
        dialect, step = self.connection.dialect.name, gcd(*(end - begin for begin, end in pairwise(edges)))
        is_binned = len(edges) > 2
        narrowed = narrowing(scope)
        query = counting(dialect, totals[0].source, totals, by, tuple(narrowed), is_binned=is_binned)
        for from_ms, to_ms in stretches:
            given = narrowed | {"from_ms": from_ms, "to_ms": to_ms, "first_ms": edges[0], "step_ms": step}
            for row in await query.run(self.connection, **given):
                begin = edges[bisect_right(edges, edges[0] + row[0] * step) - 1] if is_binned else edges[0]
                apart, values = row[is_binned : is_binned + len(by)], row[is_binned + len(by) :]
                add(found, (begin, tuple(word or "" for word in apart)), totals, values)

    async def _count_spans(self, found: Apart, edges: Edges, totals: tuple[Total, ...], by: Words) -> None:
        own = tuple(word for word in by if word == Group.AGENT)
        query = counting_spans(self.connection.dialect.name, totals, own)
        for begin, end in pairwise(edges):
            for row in await query.run(self.connection, from_ms=begin, to_ms=end):
                apart = tuple((row[0] or "") if word in own else "" for word in by)
                add(found, (begin, apart), totals, row[len(own) :])


def add(found: Apart, key: tuple[int, Words], totals: Sequence[Total], values: Sequence[Any]) -> None:
    """Add totals to what was found under a key; None is nothing."""
    whole = found[key]
    for total, value in zip(totals, values, strict=True):
        if value is not None:
            whole[total.name] = total.plus(whole[total.name], int(value))


def narrowing(scope: Scope) -> dict[str, Any]:
    """Return what a scope asks for, by the words of `count_sql.SCOPES`."""
    return {word: value for word in SCOPES if (value := getattr(scope, word)) is not None}


def words_of(group: Group) -> Words:
    """Return what a group asks apart."""
    return () if group is Group.NONE else (group.value,)


def _within(scope: Scope, source: Source = Source.CALLS) -> list[ColumnElement[bool]]:
    if source is Source.STATES:
        return []
    return [calls.c[SCOPES[word]] == value for word, value in narrowing(scope).items()]

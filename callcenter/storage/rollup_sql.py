"""How a day's roll-ups are computed from the rows, in SQL made of the dictionary: the same trees as the report's own count."""

from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    Table,
    case,
    cast,
    func,
    literal,
    null,
    select,
)
from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from agents.presence import Presence
from callcenter.storage.figures_sql import sql_of
from callcenter.storage.ready_sql import Ready, written
from callcenter.storage.rolled_sql import added_up
from callcenter.storage.rollup_rows import FROM_MS, TO_MS, each, totals_of
from callcenter.storage.tables import calls, presence_history
from callcenter.storage.tables_rolled import DIMENSIONS, rolled, rolled_states
from metrics.lengths import DAY_MS
from metrics.rolled import KEPT, ROLLUPS, Rollup, columns_of, state_columns
from metrics.states import CARRIES_ON
from metrics.totals import Aggregate, Source, Total

Insert = PostgresqlInsert | SqliteInsert


@cache
def fill(dialect: str, source: Source) -> tuple[Ready, ...]:
    """Return the statements that compute a source's totals of [:from_ms, :to_ms) into the roll-ups that have them.

    PostgreSQL fills all of them out of one look at the rows; SQLite cannot insert twice in a statement."""
    rollups = [rollup for rollup in ROLLUPS if source in rollup.sources and rollup.of is None]
    if dialect == "sqlite":
        return tuple(written(dialect, _filling(dialect, rollup, source, each(source, [rollup]))) for rollup in rollups)
    rows = each(source, rollups)
    *others, last = (_filling(dialect, rollup, source, rows) for rollup in rollups)
    return (written(dialect, last.add_cte(*(other.cte(f"into_{n}") for n, other in enumerate(others)))),)


def _filling(dialect: str, rollup: Rollup, source: Source, rows: CTE) -> Insert:
    """Return the statement that adds what is added up finely (`rollup_rows`) up into one roll-up."""
    keys = [DIMENSIONS[word] for word in rollup.by]
    begin_ms = (rows.c.begin_ms - rows.c.begin_ms % rollup.step_ms).label("begins")
    by = [begin_ms, *(rows.c[name] for name in keys)]
    totals = totals_of(source)
    added = select(*by, *(_stored(total, rows.c[total.name]) for total in totals)).where(literal(1) == 1).group_by(*by)
    statement = _insert(dialect, rolled[rollup]).from_select(
        ["begin_ms", *keys, *(total.name for total in totals)], added
    )
    return statement.on_conflict_do_update(
        index_elements=["begin_ms", *keys],
        set_={total.name: statement.excluded[total.name] for total in totals},
    )


@cache
def fill_of(dialect: str, rollup: Rollup) -> Ready:
    """Return the statement that computes a roll-up's stretches of [:from_ms, :to_ms) from the roll-up that it is the sums of.

    A sum of columns is as its column stores it: of calls nothing is NULL, and NULLs add up to NULL."""
    assert rollup.of is not None, rollup.name
    finer = rolled[rollup.of]
    keys = [DIMENSIONS[word] for word in rollup.by]
    begin_ms = (finer.c.begin_ms - finer.c.begin_ms % rollup.step_ms).label("begins")
    by = [begin_ms, *(finer.c[name] for name in keys)]
    columns = columns_of(rollup)
    added = (
        select(*by, *(added_up(KEPT[name], finer.c[name]) for name in columns))
        .where(finer.c.begin_ms >= FROM_MS, finer.c.begin_ms < TO_MS)
        .group_by(*by)
    )
    return written(dialect, _insert(dialect, rolled[rollup]).from_select(["begin_ms", *keys, *columns], added))


def _insert(dialect: str, table: Table) -> Insert:
    return postgresql_insert(table) if dialect == "postgresql" else sqlite_insert(table)


def _stored(total: Total, measure: ColumnElement[Any]) -> ColumnElement[Any]:
    """A total as its column holds it. Of calls a zero is NULL; of what belongs to calls NULL says that there was no such row."""
    if total.aggregate is Aggregate.MAX:
        return func.max(measure)
    whole = cast(func.coalesce(func.sum(measure), 0), BigInteger)
    return func.nullif(whole, 0) if total.source is Source.CALLS else whole


@cache
def fill_states(dialect: str) -> Ready:
    """Return the statement that computes the days of states in [:from_ms, :to_ms)."""
    changes = StateChanges()
    day = (changes.at_ms - changes.at_ms % DAY_MS).label("begin_ms")
    sums = {name: cast(changes.sum_of(KEPT[name]), BigInteger) for name in state_columns()}
    added = select(day, changes.agent, *sums.values()).group_by(day, changes.agent)
    return written(dialect, _insert(dialect, rolled_states).from_select(["begin_ms", "agent", *sums], added))


class StateChanges:
    """All agents' changes of state in [:from_ms, :to_ms), each with what ended and what began."""

    def __init__(self) -> None:
        spans = _changes()
        self.agent: ColumnElement[str] = spans.c.agent
        self.at_ms: ColumnElement[int] = spans.c.at_ms
        self._ended, self._began = (
            {"presence": spans.c[edge], "after_dialling": spans.c[f"{edge}_dialled"] == 1, "spent_ms": spans.c.at_ms}
            for edge in ("ended", "began")
        )

    def sum_of(self, total: Total) -> ColumnElement[Any]:
        """Return the instants at which what this total counts ended, less those at which it began."""
        ended, began = (
            func.coalesce(func.sum(sql_of(total.measure, span.__getitem__)), 0) for span in (self._ended, self._began)
        )
        return ended - began


def _changes() -> Subquery:
    """Each change with what ended and what began. OFFSET 0 keeps the database from working out both anew for every total."""
    placed = _placed()
    agent = placed.c.agent
    return (
        select(
            agent,
            placed.c.at_ms,
            func.coalesce(placed.c.before, _last(agent, FROM_MS), Presence.LOGGED_OUT.value).label("ended"),
            _dialled(placed.c.mark_before, agent).label("ended_dialled"),
            placed.c.presence.label("began"),
            _dialled(placed.c.mark, agent).label("began_dialled"),
        )
        .offset(0)
        .subquery("spans")
    )


def _placed() -> Subquery:
    """The changes, each with the one before it and what its meaning comes from (`metrics.states.CARRIES_ON`)."""
    history, agent = presence_history, all_agents()
    order = (history.c.at_ms, history.c.outbox, history.c.segment, history.c.position)
    place = func.row_number().over(partition_by=history.c.agent, order_by=order)
    rows = (
        select(history.c.agent, history.c.at_ms, history.c.presence, place.label("place"))
        .select_from(agent.join(history, history.c.agent == agent.c.agent))
        .where(history.c.at_ms >= FROM_MS, history.c.at_ms < TO_MS)
        .subquery("changed")
    )
    in_order: dict[str, Any] = {"partition_by": rows.c.agent, "order_by": rows.c.place}
    own = rows.c.place * 2 + case((rows.c.presence == Presence.DIALLING.value, 1), else_=0)
    mark = case((rows.c.presence.in_([state.value for state in CARRIES_ON]), null()), else_=own)
    return select(
        rows.c.agent,
        rows.c.at_ms,
        rows.c.presence,
        func.lag(rows.c.presence).over(**in_order).label("before"),
        func.max(mark).over(**in_order).label("mark"),
        func.max(mark).over(**in_order, rows=(None, -1)).label("mark_before"),
    ).subquery("placed")


def all_agents() -> Any:
    """Return the agents that ever had a state: one look into the index for each, however long their histories are."""
    history = presence_history
    first = select(func.min(history.c.agent).label("agent")).cte("agents", recursive=True)
    following = select(func.min(history.c.agent)).where(history.c.agent > first.c.agent).correlate(first)
    return first.union_all(select(following.scalar_subquery()).where(first.c.agent.is_not(None)))


def _last(agent: ColumnElement[Any], before_ms: ColumnElement[int]) -> ColumnElement[Any]:
    """The state in which an agent was before an instant; NULL: he had none yet."""
    past = presence_history.alias()
    query = select(past.c.presence).where(past.c.agent == agent, past.c.at_ms < before_ms)
    return _first_of(query, past).scalar_subquery()


def _dialled(mark: ColumnElement[Any], agent: ColumnElement[Any]) -> ColumnElement[Any]:
    """1 where the last state that means something by itself is dialling."""
    return func.coalesce(mark % 2, _last_dialled(agent, FROM_MS), 0)


def _last_dialled(agent: ColumnElement[Any], before_ms: ColumnElement[int]) -> ColumnElement[Any]:
    """1 where an agent's last state before an instant that means something by itself is dialling."""
    past = presence_history.alias()
    query = select(case((past.c.presence == Presence.DIALLING.value, 1), else_=0)).where(
        past.c.agent == agent,
        past.c.at_ms < before_ms,
        past.c.presence.not_in([state.value for state in CARRIES_ON]),
    )
    return _first_of(query, past).scalar_subquery()


def _first_of(query: Select[Any], past: Any) -> Select[Any]:
    return query.order_by(
        past.c.at_ms.desc(), past.c.outbox.desc(), past.c.segment.desc(), past.c.position.desc()
    ).limit(1)


@cache
def states_at_edges(dialect: str) -> Ready:
    """Return the query of all agents' states just before :from_ms and :to_ms: agent, then (presence, 1 if after dialling) twice.

    Most states mean something by themselves: only where one carries on what was before it, that is looked for too."""
    agents = all_agents()
    edges = {"first": FROM_MS, "last": TO_MS}
    states = (_last(agents.c.agent, at_ms).label(name) for name, at_ms in edges.items())
    were = select(agents.c.agent, *states).where(agents.c.agent.is_not(None)).offset(0).subquery("were")
    found: list[ColumnElement[Any]] = []
    for name, at_ms in edges.items():
        state = were.c[name]
        carried = func.coalesce(_last_dialled(were.c.agent, at_ms), 0)
        dialled = case(
            (state.in_([one.value for one in CARRIES_ON]), carried), (state == Presence.DIALLING.value, 1), else_=0
        )
        found += [state, dialled.label(f"{name}_dialled")]
    return written(dialect, select(were.c.agent, *found))


@cache
def counted_states(dialect: str, totals: tuple[Total, ...]) -> Ready:
    """Return the query of the changes of [:from_ms, :to_ms), added up for each agent."""
    changes = StateChanges()
    sums = (changes.sum_of(total).label(total.name) for total in totals)
    return written(dialect, select(changes.agent, *sums).group_by(changes.agent))


def days_of_calls() -> Select[Any]:
    """Return the query of all days of UTC with a call."""
    arrived = calls.c.arrived_ms
    return select((arrived - arrived % DAY_MS).label("day_ms")).where(arrived >= 0).distinct()


def days_of_states() -> Select[Any]:
    """Return the query of all days of UTC with a change of state."""
    at_ms = presence_history.c.at_ms
    return select((at_ms - at_ms % DAY_MS).label("day_ms")).where(at_ms >= 0).distinct()

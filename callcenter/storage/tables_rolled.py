"""The roll-ups' tables: totals that are kept added up (`metrics.rolled`), and the marks that say which of them to distrust.

Theory of operation: triggers on the ledger's tables write a **mark** for the day of UTC that a change concerns, in the same
transaction as the change, whoever makes it (projector, import, rebuild, a person with SQL). What the roll-ups say of a
day without a mark equals the rows; a day with a mark is not believed until it has been computed again (`rollup`).
PostgreSQL's marks carry the number of the transaction that wrote them: two who change one day do not wait for each
other, and taking away the marks that one saw never takes away that of a change one did not see.

A column's zero is stored as NULL where that is shorter and says the same.
"""

from collections.abc import Mapping

from sqlalchemy import BigInteger, CheckConstraint, Column, PrimaryKeyConstraint, Table, Text

from callcenter.storage.tables import metadata
from metrics.rolled import ROLLUPS, Rollup, columns_of, state_columns

DIMENSIONS: Mapping[str, str] = {
    "platform": "platform_id",
    "line": "line_code",
    "need": "need",
    "agent": "agent",
}
"""What a roll-up keeps apart -> its column."""
CALLS_MARK = "calls"
STATES_MARK = "states"


def _totals(names: tuple[str, ...]) -> list[Column[int]]:
    return [Column(name, BigInteger, nullable=True) for name in names]


def _table(rollup: Rollup) -> Table:
    keys = [DIMENSIONS[name] for name in rollup.by]
    return Table(
        rollup.name,
        metadata,
        Column("begin_ms", BigInteger, nullable=False),
        *(Column(key, Text, nullable=False) for key in keys),
        *_totals(columns_of(rollup)),
        PrimaryKeyConstraint("begin_ms", *keys),
        comment="Totals of calls that arrived in the stretch of time that begins at begin_ms.",
    )


rolled: Mapping[Rollup, Table] = {rollup: _table(rollup) for rollup in ROLLUPS}

rolled_states = Table(
    "rolled_states",
    metadata,
    Column("begin_ms", BigInteger, nullable=False),
    Column("agent", Text, nullable=False),
    *_totals(state_columns()),
    PrimaryKeyConstraint("begin_ms", "agent"),
    comment="Of a day's changes of state: instants at which a state ended, less those at which it began.",
)

rolled_definitions = Table(
    "rolled_definitions",
    metadata,
    Column("total", Text, nullable=False),
    Column("definition", Text, nullable=False),
    PrimaryKeyConstraint("total"),
    comment="What the columns of the roll-ups were computed from; another definition is another total.",
)

rollup_marks = Table(
    "rollup_marks",
    metadata,
    Column("kind", Text, nullable=False),
    Column("day_ms", BigInteger, nullable=False),
    Column("writer", BigInteger, nullable=False),
    PrimaryKeyConstraint("kind", "day_ms", "writer"),
    CheckConstraint("kind IN ('calls', 'states')", name="kind"),
    comment="Days of UTC in which something changed since they were rolled up.",
)

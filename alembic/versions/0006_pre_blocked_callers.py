"""Callers who are turned away by the plan's list of numbers: the flag `blocked`, which excludes, and which has no outcome.

Revision 0006. `pre`: run before the program that needs it. How SQLite's conditions change is told in revision 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_OLD = {
    "ck_calls_outcome_at_end": "outcome IS NULL OR ended_ms IS NOT NULL",
    "ck_calls_test_excluded": "NOT is_test OR excluded",
}
_NEW = {
    "ck_calls_outcome_at_end": "outcome IS NULL OR ended_ms IS NOT NULL AND (NOT blocked OR answered_ms IS NOT NULL)",
    "ck_calls_test_excluded": "NOT (is_test OR blocked AND answered_ms IS NULL) OR excluded",
}
ROLLED = ("rolled_quarters", "rolled_lines")


def upgrade() -> None:
    """Apply. `calls` only gets a column, and two conditions in other words; roll-ups get the number of such calls."""
    op.add_column("calls", sa.Column("blocked", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    _change(_OLD, _NEW)
    for table in ROLLED:
        op.add_column(table, sa.Column("blocked", sa.BigInteger(), nullable=True))


def _change(old: dict[str, str], new: dict[str, str]) -> None:
    if op.get_bind().dialect.name == "sqlite":
        _change_text(old, new)
        return
    for name, condition in new.items():
        op.drop_constraint(op.f(name), "calls", type_="check")
        op.create_check_constraint(op.f(name), "calls", condition)


def _change_text(old: dict[str, str], new: dict[str, str]) -> None:
    connection = op.get_bind()
    where = "type = 'table' AND name = 'calls'"
    schema = connection.scalar(sa.text(f"SELECT sql FROM sqlite_master WHERE {where}"))
    for name, condition in old.items():
        assert schema.count(f"({condition})") == 1, f"{name} is not as the migration before made it"
        schema = schema.replace(f"({condition})", f"({new[name]})")
    version = connection.scalar(sa.text("PRAGMA schema_version"))
    connection.execute(sa.text("PRAGMA writable_schema = ON"))
    connection.execute(sa.text(f"UPDATE sqlite_master SET sql = :schema WHERE {where}"), {"schema": schema})
    connection.execute(sa.text(f"PRAGMA schema_version = {version + 1}"))
    connection.execute(sa.text("PRAGMA writable_schema = OFF"))


def downgrade() -> None:
    """Take back; calls that were turned away stay, excluded and without an outcome."""
    for table in ROLLED:
        op.drop_column(table, "blocked")
    _change(_NEW, _OLD)
    op.drop_column("calls", "blocked")

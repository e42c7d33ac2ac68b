"""Calls of a former system: the flag `imported`, no `via` on them, and refusals whose reason nobody knows.

Revision 0004. `pre`: run before the program that needs it.

SQLite keeps a table's conditions as text and cannot alter them; making `calls` anew would drop all that belongs to it, and
take minutes. Since conditions are no part of how rows are stored, the text itself is changed, as SQLite's own
documentation of ALTER TABLE describes for this case.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_REASONS = "outcome_reason IN ('busy', 'closed', 'full', 'max_wait', 'no_agent')"
_REST = "WHEN outcome = 'failed' THEN outcome_reason <> '' ELSE outcome_reason = '' END"
_OLD = {
    "ck_calls_via_answered": "(via IS NOT NULL) = (answered_ms IS NOT NULL)",
    "ck_calls_outcome_reason": f"CASE WHEN outcome = 'rejected' THEN {_REASONS} {_REST}",
}
_NEW = {
    "ck_calls_via_answered": "(via IS NOT NULL) = (answered_ms IS NOT NULL AND NOT imported)",
    "ck_calls_outcome_reason": f"CASE WHEN outcome = 'rejected' THEN {_REASONS} OR imported AND outcome_reason = '' {_REST}",
}


ROLLED = ("rolled_quarters", "rolled_lines")


def upgrade() -> None:
    """Apply. `calls` only gets a column, and two conditions in other words; roll-ups get the number of imported calls."""
    op.add_column("calls", sa.Column("imported", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    _change(_OLD, _NEW)
    for table in ROLLED:
        op.add_column(table, sa.Column("imported", sa.BigInteger(), nullable=True))


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
        assert schema.count(f"({condition})") == 1, f"{name} is not as migration 0001 made it"
        schema = schema.replace(f"({condition})", f"({new[name]})")
    version = connection.scalar(sa.text("PRAGMA schema_version"))
    connection.execute(sa.text("PRAGMA writable_schema = ON"))
    connection.execute(sa.text(f"UPDATE sqlite_master SET sql = :schema WHERE {where}"), {"schema": schema})
    connection.execute(sa.text(f"PRAGMA schema_version = {version + 1}"))
    connection.execute(sa.text("PRAGMA writable_schema = OFF"))


def downgrade() -> None:
    """Take back; imported calls go."""
    for table in ROLLED:
        op.drop_column(table, "imported")
    op.execute("DELETE FROM calls WHERE imported")
    _change(_NEW, _OLD)
    op.drop_column("calls", "imported")

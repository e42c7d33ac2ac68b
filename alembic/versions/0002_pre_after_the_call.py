"""Sound files, ratings, supervisors' interventions; calls that follow another or were rebuilt; attended hand-overs.

Revision 0002. `pre`: run before the program that needs it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MODE = "ck_hand_overs_mode"


def upgrade() -> None:
    """Apply. `calls` only gets columns: rebuilding it would drop what belongs to it on SQLite."""
    op.add_column("calls", sa.Column("follows", sa.Text(), nullable=True))
    op.add_column("calls", sa.Column("rebuilt_ms", sa.BigInteger(), nullable=True))
    _set_modes("mode IN ('blind', 'three_way', 'attended')")
    _create_recordings()
    op.create_table(
        "ratings",
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("uniqueid", sa.Text(), nullable=False),
        sa.Column("asked_ms", sa.BigInteger(), nullable=False),
        sa.Column("offer", sa.Text(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.CheckConstraint("score BETWEEN 1 AND 5", name=op.f("ck_ratings_score")),
        sa.ForeignKeyConstraint(
            ["pbx", "uniqueid"], ["calls.pbx", "calls.uniqueid"], name=op.f("fk_ratings_calls"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("pbx", "uniqueid", "asked_ms", name=op.f("pk_ratings")),
        comment="Callers who were asked for a rating after the talk. score NULL: none given, or none that counts (keys).",
    )
    op.create_table(
        "interventions",
        sa.Column("outbox", sa.Text(), nullable=False),
        sa.Column("segment", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("goes_to", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("pbx", sa.Text(), nullable=True),
        sa.Column("uniqueid", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "act IN ('agent_ready', 'agent_not_ready', 'agent_logout', 'line_open', 'line_drain', 'line_emergency',"
            " 'call_move')",
            name=op.f("ck_interventions_act"),
        ),
        sa.PrimaryKeyConstraint("outbox", "segment", "position", name=op.f("pk_interventions")),
        comment="What supervisors did while calls ran: who, what, why.",
    )
    op.create_index(op.f("ix_interventions_at_ms"), "interventions", ["at_ms"])


def _create_recordings() -> None:
    op.create_table(
        "recordings",
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("uniqueid", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), nullable=True),
        sa.Column("pauses", sa.BigInteger(), nullable=False),
        sa.Column("paused_ms", sa.BigInteger(), nullable=False),
        sa.Column("paused_from_ms", sa.BigInteger(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("length_ms", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('talk', 'voicemail')", name=op.f("ck_recordings_kind")),
        sa.CheckConstraint("status IN ('unchecked', 'kept', 'not_recorded')", name=op.f("ck_recordings_status")),
        sa.CheckConstraint("opened_ms <= closed_ms", name=op.f("ck_recordings_order")),
        sa.CheckConstraint("pauses >= 0 AND paused_ms >= 0", name=op.f("ck_recordings_paused")),
        sa.CheckConstraint("size >= 0 AND length_ms >= 0", name=op.f("ck_recordings_measures")),
        sa.CheckConstraint(
            "status <> 'kept' OR (size > 0 AND length_ms IS NOT NULL AND sha256 <> '')", name=op.f("ck_recordings_kept")
        ),
        sa.ForeignKeyConstraint(
            ["pbx", "uniqueid"], ["calls.pbx", "calls.uniqueid"], name=op.f("fk_recordings_calls"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("pbx", "uniqueid", "path", name=op.f("pk_recordings")),
        comment="Sound files of a call. status NULL: not looked at yet. paused_ms: how long the agent had it paused.",
    )


def _set_modes(condition: str) -> None:
    with op.batch_alter_table("hand_overs", schema=None) as batch_op:
        batch_op.drop_constraint(op.f(_MODE), type_="check")
        batch_op.create_check_constraint(op.f(_MODE), condition)


def downgrade() -> None:
    """Take back."""
    op.drop_index(op.f("ix_interventions_at_ms"), table_name="interventions")
    for table in ("interventions", "ratings", "recordings"):
        op.drop_table(table)
    op.execute("DELETE FROM hand_overs WHERE mode = 'attended'")
    _set_modes("mode IN ('blind', 'three_way')")
    for column in ("rebuilt_ms", "follows"):
        op.drop_column("calls", column)

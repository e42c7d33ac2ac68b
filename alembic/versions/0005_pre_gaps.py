"""Times in which nobody watched a PBX.

Revision 0005. `pre`: run before the program that needs it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "gaps",
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.Column("has_restarted", sa.Boolean(), nullable=False),
        sa.Column("is_read", sa.Boolean(), nullable=False),
        sa.CheckConstraint("from_ms <= to_ms", name=op.f("ck_gaps_order")),
        sa.PrimaryKeyConstraint("pbx", "to_ms", name=op.f("pk_gaps")),
        comment="Times in which nobody watched a PBX. is_read: what happened in it was told from CEL, as far as CEL tells it.",
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("gaps")

"""Roll-ups that are sums of others: by hour and platform, by day and platform.

Revision 0007. `pre`: run before the program that needs it. Nothing is in them until that program has begun its columns anew
(`metrics.rolled.ROWS_VERSION`): until then it counts the rows. A program of before does not know them, and need not.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

CALLS = """
offered agent_answered abandoned_ivr abandoned_queue abandoned_ringing callback_requested voicemail self_service
overflowed_out rejected failed rejected_busy rejected_closed rejected_full rejected_max_wait rejected_no_agent
unknown rebuilt queued wait_ms wait_ivr_ms queue_wait_ms wait_answered_ms queue_wait_answered_ms answered_queued
talk_in_ms hold_in_ms answered_watched longest_in_ms longest_wait_ms requeue_wait_ms requeued requeue_abandoned agent_answers
specialist_answers answered_in_15_arrival abandoned_ivr_after_15_arrival abandoned_queue_after_15_arrival
abandoned_ringing_after_15_arrival answered_in_20_arrival abandoned_ivr_after_20_arrival
abandoned_queue_after_20_arrival abandoned_ringing_after_20_arrival answered_in_30_arrival
abandoned_ivr_after_30_arrival abandoned_queue_after_30_arrival abandoned_ringing_after_30_arrival
answered_in_15_queue abandoned_ivr_after_15_queue abandoned_queue_after_15_queue
abandoned_ringing_after_15_queue answered_in_20_queue abandoned_ivr_after_20_queue
abandoned_queue_after_20_queue abandoned_ringing_after_20_queue answered_in_30_queue
abandoned_ivr_after_30_queue abandoned_queue_after_30_queue abandoned_ringing_after_30_queue short_unanswered
short_abandoned_ivr abandoned_ivr_from_0_to_5 abandoned_ivr_from_5_to_10 abandoned_ivr_from_10_to_20
abandoned_ivr_from_20_to_30 abandoned_ivr_from_30_to_60 abandoned_ivr_from_60_to_120
abandoned_ivr_from_120_to_300 abandoned_ivr_from_300 short_abandoned_queue abandoned_queue_from_0_to_5
abandoned_queue_from_5_to_10 abandoned_queue_from_10_to_20 abandoned_queue_from_20_to_30
abandoned_queue_from_30_to_60 abandoned_queue_from_60_to_120 abandoned_queue_from_120_to_300
abandoned_queue_from_300 short_abandoned_ringing abandoned_ringing_from_0_to_5 abandoned_ringing_from_5_to_10
abandoned_ringing_from_10_to_20 abandoned_ringing_from_20_to_30 abandoned_ringing_from_30_to_60
abandoned_ringing_from_60_to_120 abandoned_ringing_from_120_to_300 abandoned_ringing_from_300 outbound_attempts
outbound_answered outbound_call_backs talk_out_ms longest_out_ms excluded not_ended clock_adjusted
talk_in_ms_less_hold longest_in_ms_less_hold talk_out_ms_less_hold longest_out_ms_less_hold
imported blocked
""".split()

PARTS = """
seat_answers seat_talk_ms seat_watched seat_watched_ms seat_hold_ms seat_outbound seat_offers
seat_offers_not_answered hand_overs hand_overs_reached
""".split()


def upgrade() -> None:
    """Apply."""
    _create("rolled_hours", CALLS)
    _create("rolled_days", CALLS + PARTS)


def _create(name: str, totals: list[str]) -> None:
    op.create_table(
        name,
        sa.Column("begin_ms", sa.BigInteger(), nullable=False),
        sa.Column("platform_id", sa.Text(), nullable=False),
        *(sa.Column(total, sa.BigInteger(), nullable=True) for total in totals),
        sa.PrimaryKeyConstraint("begin_ms", "platform_id", name=op.f(f"pk_{name}")),
        comment="Totals of calls that arrived in the stretch of time that begins at begin_ms.",
    )


def downgrade() -> None:
    """Take back."""
    for name in ("rolled_days", "rolled_hours"):
        op.drop_table(name)

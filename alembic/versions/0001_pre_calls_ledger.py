"""The ledger: calls with their milestones and outcome, the evidence they are folded from, presence, notes, positions.

Revision 0001, the first. `pre`: run before the program that needs it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "calls",
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("uniqueid", sa.Text(), nullable=False),
        sa.Column("platform_id", sa.Text(), nullable=False),
        sa.Column("line_code", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("excluded", sa.Boolean(), nullable=False),
        sa.Column("via", sa.Text(), nullable=True),
        sa.Column("did", sa.Text(), nullable=False),
        sa.Column("caller_number", sa.Text(), nullable=False),
        sa.Column("caller_name", sa.Text(), nullable=False),
        sa.Column("sip_call_id", sa.Text(), nullable=False),
        sa.Column("arrived_ms", sa.BigInteger(), nullable=False),
        sa.Column("menu_ms", sa.BigInteger(), nullable=True),
        sa.Column("queued_ms", sa.BigInteger(), nullable=True),
        sa.Column("first_offer_ms", sa.BigInteger(), nullable=True),
        sa.Column("answered_ms", sa.BigInteger(), nullable=True),
        sa.Column("talk_ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("left_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("wait_ms", sa.BigInteger(), nullable=True),
        sa.Column("talk_ms", sa.BigInteger(), nullable=False),
        sa.Column("hold_ms", sa.BigInteger(), nullable=False),
        sa.Column("requeue_wait_ms", sa.BigInteger(), nullable=False),
        sa.Column("requeue_abandoned", sa.Boolean(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("agent_answers", sa.BigInteger(), nullable=False),
        sa.Column("specialist_answers", sa.BigInteger(), nullable=False),
        sa.Column("offers", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("outcome_reason", sa.Text(), nullable=False),
        sa.Column("end_detail", sa.Text(), nullable=False),
        sa.Column("opening_unseen", sa.Boolean(), nullable=False),
        sa.Column("clock_adjusted", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "CASE WHEN outcome = 'rejected' THEN outcome_reason IN ('busy', 'closed', 'full', 'max_wait', 'no_agent') WHEN outcome = 'failed' THEN outcome_reason <> '' ELSE outcome_reason = '' END",
            name=op.f("ck_calls_outcome_reason"),
        ),
        sa.CheckConstraint("direction IN ('inbound', 'outbound')", name=op.f("ck_calls_direction")),
        sa.CheckConstraint("ended_by IN ('caller', 'agent', 'system', 'unknown')", name=op.f("ck_calls_ended_by")),
        sa.CheckConstraint(
            "outcome IN ('agent_answered', 'abandoned_ivr', 'abandoned_queue', 'abandoned_ringing', 'callback_requested', 'voicemail', 'self_service', 'overflowed_out', 'rejected', 'failed')",
            name=op.f("ck_calls_outcome"),
        ),
        sa.CheckConstraint(
            "outcome IS NULL OR (outcome = 'agent_answered') = (answered_ms IS NOT NULL)",
            name=op.f("ck_calls_outcome_answered"),
        ),
        sa.CheckConstraint("outcome IS NULL OR direction = 'inbound'", name=op.f("ck_calls_outcome_inbound")),
        sa.CheckConstraint("via IN ('engine', 'fallback', 'joined')", name=op.f("ck_calls_via")),
        sa.CheckConstraint("(ended_by IS NULL) = (ended_ms IS NULL)", name=op.f("ck_calls_ended_by_at_end")),
        sa.CheckConstraint("(via IS NOT NULL) = (answered_ms IS NOT NULL)", name=op.f("ck_calls_via_answered")),
        sa.CheckConstraint("NOT is_test OR excluded", name=op.f("ck_calls_test_excluded")),
        sa.CheckConstraint("answered_ms <= ended_ms", name=op.f("ck_calls_answered_ended")),
        sa.CheckConstraint("answered_ms <= talk_ended_ms", name=op.f("ck_calls_answered_talk_ended")),
        sa.CheckConstraint("answered_ms IS NOT NULL OR talk_ms = 0", name=op.f("ck_calls_talk_answered")),
        sa.CheckConstraint("arrived_ms <= answered_ms", name=op.f("ck_calls_arrived_answered")),
        sa.CheckConstraint("arrived_ms <= ended_ms", name=op.f("ck_calls_arrived_ended")),
        sa.CheckConstraint("arrived_ms <= first_offer_ms", name=op.f("ck_calls_arrived_first_offer")),
        sa.CheckConstraint("arrived_ms <= left_ms", name=op.f("ck_calls_arrived_left")),
        sa.CheckConstraint("arrived_ms <= menu_ms", name=op.f("ck_calls_arrived_menu")),
        sa.CheckConstraint("arrived_ms <= queued_ms", name=op.f("ck_calls_arrived_queued")),
        sa.CheckConstraint("first_offer_ms <= ended_ms", name=op.f("ck_calls_first_offer_ended")),
        sa.CheckConstraint("hold_ms BETWEEN 0 AND talk_ms", name=op.f("ck_calls_hold_in_talk")),
        sa.CheckConstraint("left_ms <= ended_ms", name=op.f("ck_calls_left_ended")),
        sa.CheckConstraint("menu_ms <= answered_ms", name=op.f("ck_calls_menu_answered")),
        sa.CheckConstraint("menu_ms <= ended_ms", name=op.f("ck_calls_menu_ended")),
        sa.CheckConstraint("menu_ms <= queued_ms", name=op.f("ck_calls_menu_queued")),
        sa.CheckConstraint("outcome IS NULL OR ended_ms IS NOT NULL", name=op.f("ck_calls_outcome_at_end")),
        sa.CheckConstraint("queued_ms <= answered_ms", name=op.f("ck_calls_queued_answered")),
        sa.CheckConstraint("queued_ms <= ended_ms", name=op.f("ck_calls_queued_ended")),
        sa.CheckConstraint("queued_ms <= first_offer_ms", name=op.f("ck_calls_queued_first_offer")),
        sa.CheckConstraint("requeue_wait_ms >= 0 AND talk_ms >= 0 AND wait_ms >= 0", name=op.f("ck_calls_durations")),
        sa.CheckConstraint("talk_ended_ms <= ended_ms", name=op.f("ck_calls_talk_ended_ended")),
        sa.CheckConstraint(
            "talk_ended_ms IS NULL OR answered_ms IS NOT NULL", name=op.f("ck_calls_talk_ended_answered")
        ),
        sa.PrimaryKeyConstraint("pbx", "uniqueid", name=op.f("pk_calls")),
    )
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_calls_arrived_ms"), ["arrived_ms"], unique=False)
        batch_op.create_index(batch_op.f("ix_calls_sip_call_id"), ["sip_call_id"], unique=False)

    op.create_table(
        "notes",
        sa.Column("outbox", sa.Text(), nullable=False),
        sa.Column("segment", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("pbx", sa.Text(), nullable=True),
        sa.Column("uniqueid", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('noted', 'ignored', 'corrected')", name=op.f("ck_notes_kind")),
        sa.PrimaryKeyConstraint("outbox", "segment", "position", "item", name=op.f("pk_notes")),
        comment="What an operator should know; `corrected`: what the ledger changed to keep its own rules.",
    )
    with op.batch_alter_table("notes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notes_at_ms"), ["at_ms"], unique=False)

    op.create_table(
        "outbox_positions",
        sa.Column("outbox", sa.Text(), nullable=False),
        sa.Column("segment", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("outbox", name=op.f("pk_outbox_positions")),
        comment="How far each outbox is applied; written in the same transaction as its records.",
    )
    op.create_table(
        "presence_history",
        sa.Column("outbox", sa.Text(), nullable=False),
        sa.Column("segment", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("presence", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("ready_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=True),
        sa.Column("misses", sa.BigInteger(), nullable=False),
        sa.Column("reachable", sa.Boolean(), nullable=False),
        sa.Column("wants", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "presence IN ('logged_out', 'ready', 'ringing', 'talking', 'hold', 'acw', 'dialling', 'case_work', 'not_ready')",
            name=op.f("ck_presence_history_presence"),
        ),
        sa.PrimaryKeyConstraint("outbox", "segment", "position", name=op.f("pk_presence_history")),
        comment="Each change of an agent's state; a state lasts until the agent's next row.",
    )
    with op.batch_alter_table("presence_history", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_presence_history_agent_at_ms"), ["agent", "at_ms"], unique=False)

    op.create_table(
        "quarantine",
        sa.Column("outbox", sa.Text(), nullable=False),
        sa.Column("segment", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("outbox", "segment", "position", name=op.f("pk_quarantine")),
        comment="Records that could not be applied at all, as they stood in the outbox, with the reason.",
    )
    op.create_table(
        "hand_overs",
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("uniqueid", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("specialist", sa.Text(), nullable=True),
        sa.CheckConstraint("mode IN ('blind', 'three_way')", name=op.f("ck_hand_overs_mode")),
        sa.CheckConstraint("result IN ('reached', 'no_specialist', 'caller_gone')", name=op.f("ck_hand_overs_result")),
        sa.CheckConstraint("(result IS NULL) = (closed_ms IS NULL)", name=op.f("ck_hand_overs_result_at_end")),
        sa.CheckConstraint("opened_ms <= closed_ms", name=op.f("ck_hand_overs_order")),
        sa.ForeignKeyConstraint(
            ["pbx", "uniqueid"], ["calls.pbx", "calls.uniqueid"], name=op.f("fk_hand_overs_calls"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("pbx", "uniqueid", "seq", name=op.f("pk_hand_overs")),
    )
    op.create_table(
        "offers",
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("uniqueid", sa.Text(), nullable=False),
        sa.Column("offer", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("need", sa.Text(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("score_ms", sa.BigInteger(), nullable=False),
        sa.Column("could", sa.BigInteger(), nullable=False),
        sa.Column("passed_over", sa.Text(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("rang_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "result IN ('accepted', 'refused', 'not_answered', 'busy', 'unreachable', 'caller_gone', 'timed_out', 'failed')",
            name=op.f("ck_offers_result"),
        ),
        sa.CheckConstraint("(result IS NULL) = (ended_ms IS NULL)", name=op.f("ck_offers_result_at_end")),
        sa.CheckConstraint("made_ms <= ended_ms", name=op.f("ck_offers_made_ended")),
        sa.CheckConstraint("made_ms <= rang_ms", name=op.f("ck_offers_made_rang")),
        sa.CheckConstraint("rang_ms <= ended_ms", name=op.f("ck_offers_rang_ended")),
        sa.ForeignKeyConstraint(
            ["pbx", "uniqueid"], ["calls.pbx", "calls.uniqueid"], name=op.f("fk_offers_calls"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("pbx", "uniqueid", "offer", name=op.f("pk_offers")),
        comment="Every offer, with its one result and the reason of the choice (passed_over: JSON of [agent, why]).",
    )
    with op.batch_alter_table("offers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_offers_made_ms"), ["made_ms"], unique=False)

    op.create_table(
        "placements",
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("uniqueid", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("need", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('queued', 'step')", name=op.f("ck_placements_kind")),
        sa.ForeignKeyConstraint(
            ["pbx", "uniqueid"], ["calls.pbx", "calls.uniqueid"], name=op.f("fk_placements_calls"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("pbx", "uniqueid", "kind", "seq", "at_ms", name=op.f("pk_placements")),
        comment="Where a call waited: each time it was queued, and each relaxation or overflow step.",
    )
    op.create_table(
        "talks",
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("uniqueid", sa.Text(), nullable=False),
        sa.Column("offer", sa.Text(), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), nullable=True),
        sa.Column("hold_ms", sa.BigInteger(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.CheckConstraint("via IN ('engine', 'fallback', 'joined')", name=op.f("ck_talks_via")),
        sa.CheckConstraint("hold_ms >= 0", name=op.f("ck_talks_hold")),
        sa.CheckConstraint("opened_ms <= closed_ms", name=op.f("ck_talks_order")),
        sa.ForeignKeyConstraint(
            ["pbx", "uniqueid"], ["calls.pbx", "calls.uniqueid"], name=op.f("fk_talks_calls"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("pbx", "uniqueid", "offer", "opened_ms", name=op.f("pk_talks")),
        comment="Caller bridged with one agent or specialist; several may overlap (three-way).",
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("talks")
    op.drop_table("placements")
    with op.batch_alter_table("offers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_offers_made_ms"))

    op.drop_table("offers")
    op.drop_table("hand_overs")
    op.drop_table("quarantine")
    with op.batch_alter_table("presence_history", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_presence_history_agent_at_ms"))

    op.drop_table("presence_history")
    op.drop_table("outbox_positions")
    with op.batch_alter_table("notes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notes_at_ms"))

    op.drop_table("notes")
    with op.batch_alter_table("calls", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_calls_sip_call_id"))
        batch_op.drop_index(batch_op.f("ix_calls_arrived_ms"))

    op.drop_table("calls")

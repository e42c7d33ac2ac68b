"""The ledger's tables: one row per call with every milestone and one outcome, and the rows that it is folded from.

Instants are integer milliseconds since the epoch on the PBX's clock (`*_ms`), durations in milliseconds too. Every key
begins with (pbx, uniqueid). What must always hold is said by CHECK constraints: milestones in order (equal instants
allowed), at most one outcome and only on a call that ended, `agent_answered` exactly when there is an answer, a reason
only where one belongs. `placements`, `offers`, `talks` and `hand_overs` are the evidence; the derived columns of
`calls` (answered, talk, waits, counts) are computed from them by `call_fold`, never added up in place, so that a record
applied twice changes nothing.
"""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    TextClause,
    text,
)

from acd.names import EndedBy, HandOverMode, HandOverResult, OfferResult, Outcome, RejectReason, Via
from agents.presence import Presence

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def one_of(column: str, words: type[StrEnum]) -> str:
    """Return the condition that a column holds one of an enum's words (NULL passes)."""
    return f"{column} IN ({', '.join(repr(word.value) for word in words)})"


def ms_column(name: str, *, nullable: bool = True) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def text_column(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable)


def count_column(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def flag_column(name: str, *, default: TextClause | None = None) -> Column[bool]:
    return Column(name, Boolean(create_constraint=False), nullable=False, server_default=default)


def belongs_to_call() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["pbx", "uniqueid"], ["calls.pbx", "calls.uniqueid"], ondelete="CASCADE")


ORDERED = (
    ("arrived_ms", "menu_ms"),
    ("arrived_ms", "queued_ms"),
    ("menu_ms", "queued_ms"),
    ("arrived_ms", "first_offer_ms"),
    ("queued_ms", "first_offer_ms"),
    ("arrived_ms", "answered_ms"),
    ("menu_ms", "answered_ms"),
    ("queued_ms", "answered_ms"),
    ("answered_ms", "talk_ended_ms"),
    ("arrived_ms", "left_ms"),
    ("arrived_ms", "ended_ms"),
    ("menu_ms", "ended_ms"),
    ("queued_ms", "ended_ms"),
    ("first_offer_ms", "ended_ms"),
    ("answered_ms", "ended_ms"),
    ("talk_ended_ms", "ended_ms"),
    ("left_ms", "ended_ms"),
)
"""Pairs of milestones of a call, the earlier one first; equal instants are in order."""

_REASONED = (
    f"CASE WHEN outcome = 'rejected' THEN {one_of('outcome_reason', RejectReason)} OR imported AND outcome_reason = ''"
    " WHEN outcome = 'failed' THEN outcome_reason <> '' ELSE outcome_reason = '' END"
)

calls = Table(
    "calls",
    metadata,
    text_column("pbx"),
    text_column("uniqueid"),
    text_column("platform_id"),
    text_column("line_code"),
    text_column("direction"),
    flag_column("is_test"),
    flag_column("excluded"),
    text_column("via", nullable=True),
    text_column("did"),
    text_column("caller_number"),
    text_column("caller_name"),
    text_column("sip_call_id"),
    ms_column("arrived_ms", nullable=False),
    ms_column("menu_ms"),
    ms_column("queued_ms"),
    ms_column("first_offer_ms"),
    ms_column("answered_ms"),
    ms_column("talk_ended_ms"),
    ms_column("left_ms"),
    ms_column("ended_ms"),
    text_column("ended_by", nullable=True),
    ms_column("wait_ms"),
    ms_column("talk_ms", nullable=False),
    ms_column("hold_ms", nullable=False),
    ms_column("requeue_wait_ms", nullable=False),
    flag_column("requeue_abandoned"),
    count_column("step"),
    text_column("agent", nullable=True),
    count_column("agent_answers"),
    count_column("specialist_answers"),
    count_column("offers"),
    text_column("outcome", nullable=True),
    text_column("outcome_reason"),
    text_column("end_detail"),
    flag_column("opening_unseen"),
    flag_column("clock_adjusted"),
    text_column("follows", nullable=True),
    ms_column("rebuilt_ms"),
    flag_column("imported", default=text("false")),
    flag_column("blocked", default=text("false")),
    PrimaryKeyConstraint("pbx", "uniqueid"),
    *(CheckConstraint(f"{a} <= {b}", name=f"{a}_{b}".replace("_ms", "")) for a, b in ORDERED),
    CheckConstraint("direction IN ('inbound', 'outbound')", name="direction"),
    CheckConstraint(one_of("outcome", Outcome), name="outcome"),
    CheckConstraint(one_of("ended_by", EndedBy), name="ended_by"),
    CheckConstraint(one_of("via", Via), name="via"),
    CheckConstraint(
        "outcome IS NULL OR ended_ms IS NOT NULL AND (NOT blocked OR answered_ms IS NOT NULL)", name="outcome_at_end"
    ),
    CheckConstraint("outcome IS NULL OR direction = 'inbound'", name="outcome_inbound"),
    CheckConstraint(
        "outcome IS NULL OR (outcome = 'agent_answered') = (answered_ms IS NOT NULL)", name="outcome_answered"
    ),
    CheckConstraint("(via IS NOT NULL) = (answered_ms IS NOT NULL AND NOT imported)", name="via_answered"),
    CheckConstraint(_REASONED, name="outcome_reason"),
    CheckConstraint("(ended_by IS NULL) = (ended_ms IS NULL)", name="ended_by_at_end"),
    CheckConstraint("talk_ended_ms IS NULL OR answered_ms IS NOT NULL", name="talk_ended_answered"),
    CheckConstraint("answered_ms IS NOT NULL OR talk_ms = 0", name="talk_answered"),
    CheckConstraint("hold_ms BETWEEN 0 AND talk_ms", name="hold_in_talk"),
    CheckConstraint("requeue_wait_ms >= 0 AND talk_ms >= 0 AND wait_ms >= 0", name="durations"),
    CheckConstraint("NOT (is_test OR blocked AND answered_ms IS NULL) OR excluded", name="test_excluded"),
    Index(None, "arrived_ms"),
    Index(None, "sip_call_id"),
)

placements = Table(
    "placements",
    metadata,
    text_column("pbx"),
    text_column("uniqueid"),
    text_column("kind"),
    count_column("seq"),
    ms_column("at_ms", nullable=False),
    text_column("line"),
    text_column("need"),
    PrimaryKeyConstraint("pbx", "uniqueid", "kind", "seq", "at_ms"),
    belongs_to_call(),
    CheckConstraint("kind IN ('queued', 'step')", name="kind"),
    comment="Where a call waited: each time it was queued, and each relaxation or overflow step.",
)

offers = Table(
    "offers",
    metadata,
    text_column("pbx"),
    text_column("uniqueid"),
    text_column("offer"),
    count_column("seq"),
    text_column("agent"),
    text_column("kind"),
    text_column("device"),
    text_column("line"),
    count_column("step"),
    text_column("need"),
    text_column("strategy"),
    ms_column("score_ms", nullable=False),
    count_column("could"),
    text_column("passed_over"),
    ms_column("made_ms", nullable=False),
    ms_column("rang_ms"),
    ms_column("ended_ms"),
    text_column("result", nullable=True),
    text_column("detail"),
    PrimaryKeyConstraint("pbx", "uniqueid", "offer"),
    belongs_to_call(),
    CheckConstraint("made_ms <= rang_ms", name="made_rang"),
    CheckConstraint("made_ms <= ended_ms", name="made_ended"),
    CheckConstraint("rang_ms <= ended_ms", name="rang_ended"),
    CheckConstraint(one_of("result", OfferResult), name="result"),
    CheckConstraint("(result IS NULL) = (ended_ms IS NULL)", name="result_at_end"),
    Index(None, "made_ms"),
    comment="Every offer, with its one result and the reason of the choice (passed_over: JSON of [agent, why]).",
)

talks = Table(
    "talks",
    metadata,
    text_column("pbx"),
    text_column("uniqueid"),
    text_column("offer"),
    ms_column("opened_ms", nullable=False),
    ms_column("closed_ms"),
    ms_column("hold_ms", nullable=False),
    text_column("agent"),
    text_column("kind"),
    text_column("device"),
    text_column("via"),
    PrimaryKeyConstraint("pbx", "uniqueid", "offer", "opened_ms"),
    belongs_to_call(),
    CheckConstraint("opened_ms <= closed_ms", name="order"),
    CheckConstraint("hold_ms >= 0", name="hold"),
    CheckConstraint(one_of("via", Via), name="via"),
    comment="Caller bridged with one agent or specialist; several may overlap (three-way).",
)

hand_overs = Table(
    "hand_overs",
    metadata,
    text_column("pbx"),
    text_column("uniqueid"),
    count_column("seq"),
    ms_column("opened_ms", nullable=False),
    ms_column("closed_ms"),
    text_column("agent"),
    text_column("topic"),
    text_column("mode"),
    text_column("result", nullable=True),
    text_column("specialist", nullable=True),
    PrimaryKeyConstraint("pbx", "uniqueid", "seq"),
    belongs_to_call(),
    CheckConstraint("opened_ms <= closed_ms", name="order"),
    CheckConstraint(one_of("mode", HandOverMode), name="mode"),
    CheckConstraint(one_of("result", HandOverResult), name="result"),
    CheckConstraint("(result IS NULL) = (closed_ms IS NULL)", name="result_at_end"),
)


def place_columns() -> list[Column[str] | Column[int]]:
    """The record's own place in its outbox: its identity for ever, and the order of records of one instant."""
    return [text_column("outbox"), Column("segment", BigInteger), Column("position", BigInteger)]


presence_history = Table(
    "presence_history",
    metadata,
    *place_columns(),
    text_column("agent"),
    ms_column("at_ms", nullable=False),
    text_column("presence"),
    text_column("reason"),
    text_column("device", nullable=True),
    ms_column("ready_ms", nullable=False),
    ms_column("until_ms"),
    count_column("misses"),
    flag_column("reachable"),
    text_column("wants"),
    PrimaryKeyConstraint("outbox", "segment", "position"),
    CheckConstraint(one_of("presence", Presence), name="presence"),
    Index(None, "agent", "at_ms"),
    comment="Each change of an agent's state; a state lasts until the agent's next row.",
)

notes = Table(
    "notes",
    metadata,
    *place_columns(),
    Column("item", Integer, nullable=False),
    ms_column("at_ms", nullable=False),
    text_column("kind"),
    text_column("what"),
    text_column("detail"),
    text_column("pbx", nullable=True),
    text_column("uniqueid", nullable=True),
    PrimaryKeyConstraint("outbox", "segment", "position", "item"),
    CheckConstraint("kind IN ('noted', 'ignored', 'corrected')", name="kind"),
    Index(None, "at_ms"),
    comment="What an operator should know; `corrected`: what the ledger changed to keep its own rules.",
)

quarantine = Table(
    "quarantine",
    metadata,
    *place_columns(),
    text_column("line"),
    text_column("error"),
    PrimaryKeyConstraint("outbox", "segment", "position"),
    comment="Records that could not be applied at all, as they stood in the outbox, with the reason.",
)

positions = Table(
    "outbox_positions",
    metadata,
    text_column("outbox"),
    Column("segment", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("outbox"),
    comment="How far each outbox is applied; written in the same transaction as its records.",
)

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


def _one_of(column: str, words: type[StrEnum]) -> str:
    """Return the condition that a column holds one of an enum's words (NULL passes)."""
    return f"{column} IN ({', '.join(repr(word.value) for word in words)})"


def _ms(name: str, *, nullable: bool = True) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable)


def _count(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean(create_constraint=False), nullable=False)


def _belongs_to_call() -> ForeignKeyConstraint:
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
    f"CASE WHEN outcome = 'rejected' THEN {_one_of('outcome_reason', RejectReason)}"
    " WHEN outcome = 'failed' THEN outcome_reason <> '' ELSE outcome_reason = '' END"
)

calls = Table(
    "calls",
    metadata,
    _text("pbx"),
    _text("uniqueid"),
    _text("platform_id"),
    _text("line_code"),
    _text("direction"),
    _flag("is_test"),
    _flag("excluded"),
    _text("via", nullable=True),
    _text("did"),
    _text("caller_number"),
    _text("caller_name"),
    _text("sip_call_id"),
    _ms("arrived_ms", nullable=False),
    _ms("menu_ms"),
    _ms("queued_ms"),
    _ms("first_offer_ms"),
    _ms("answered_ms"),
    _ms("talk_ended_ms"),
    _ms("left_ms"),
    _ms("ended_ms"),
    _text("ended_by", nullable=True),
    _ms("wait_ms"),
    _ms("talk_ms", nullable=False),
    _ms("hold_ms", nullable=False),
    _ms("requeue_wait_ms", nullable=False),
    _flag("requeue_abandoned"),
    _count("step"),
    _text("agent", nullable=True),
    _count("agent_answers"),
    _count("specialist_answers"),
    _count("offers"),
    _text("outcome", nullable=True),
    _text("outcome_reason"),
    _text("end_detail"),
    _flag("opening_unseen"),
    _flag("clock_adjusted"),
    PrimaryKeyConstraint("pbx", "uniqueid"),
    *(CheckConstraint(f"{a} <= {b}", name=f"{a}_{b}".replace("_ms", "")) for a, b in ORDERED),
    CheckConstraint("direction IN ('inbound', 'outbound')", name="direction"),
    CheckConstraint(_one_of("outcome", Outcome), name="outcome"),
    CheckConstraint(_one_of("ended_by", EndedBy), name="ended_by"),
    CheckConstraint(_one_of("via", Via), name="via"),
    CheckConstraint("outcome IS NULL OR ended_ms IS NOT NULL", name="outcome_at_end"),
    CheckConstraint("outcome IS NULL OR direction = 'inbound'", name="outcome_inbound"),
    CheckConstraint(
        "outcome IS NULL OR (outcome = 'agent_answered') = (answered_ms IS NOT NULL)", name="outcome_answered"
    ),
    CheckConstraint("(via IS NOT NULL) = (answered_ms IS NOT NULL)", name="via_answered"),
    CheckConstraint(_REASONED, name="outcome_reason"),
    CheckConstraint("(ended_by IS NULL) = (ended_ms IS NULL)", name="ended_by_at_end"),
    CheckConstraint("talk_ended_ms IS NULL OR answered_ms IS NOT NULL", name="talk_ended_answered"),
    CheckConstraint("answered_ms IS NOT NULL OR talk_ms = 0", name="talk_answered"),
    CheckConstraint("hold_ms BETWEEN 0 AND talk_ms", name="hold_in_talk"),
    CheckConstraint("requeue_wait_ms >= 0 AND talk_ms >= 0 AND wait_ms >= 0", name="durations"),
    CheckConstraint("NOT is_test OR excluded", name="test_excluded"),
    Index(None, "arrived_ms"),
    Index(None, "sip_call_id"),
)

placements = Table(
    "placements",
    metadata,
    _text("pbx"),
    _text("uniqueid"),
    _text("kind"),
    _count("seq"),
    _ms("at_ms", nullable=False),
    _text("line"),
    _text("need"),
    PrimaryKeyConstraint("pbx", "uniqueid", "kind", "seq", "at_ms"),
    _belongs_to_call(),
    CheckConstraint("kind IN ('queued', 'step')", name="kind"),
    comment="Where a call waited: each time it was queued, and each relaxation or overflow step.",
)

offers = Table(
    "offers",
    metadata,
    _text("pbx"),
    _text("uniqueid"),
    _text("offer"),
    _count("seq"),
    _text("agent"),
    _text("kind"),
    _text("device"),
    _text("line"),
    _count("step"),
    _text("need"),
    _text("strategy"),
    _ms("score_ms", nullable=False),
    _count("could"),
    _text("passed_over"),
    _ms("made_ms", nullable=False),
    _ms("rang_ms"),
    _ms("ended_ms"),
    _text("result", nullable=True),
    _text("detail"),
    PrimaryKeyConstraint("pbx", "uniqueid", "offer"),
    _belongs_to_call(),
    CheckConstraint("made_ms <= rang_ms", name="made_rang"),
    CheckConstraint("made_ms <= ended_ms", name="made_ended"),
    CheckConstraint("rang_ms <= ended_ms", name="rang_ended"),
    CheckConstraint(_one_of("result", OfferResult), name="result"),
    CheckConstraint("(result IS NULL) = (ended_ms IS NULL)", name="result_at_end"),
    Index(None, "made_ms"),
    comment="Every offer, with its one result and the reason of the choice (passed_over: JSON of [agent, why]).",
)

talks = Table(
    "talks",
    metadata,
    _text("pbx"),
    _text("uniqueid"),
    _text("offer"),
    _ms("opened_ms", nullable=False),
    _ms("closed_ms"),
    _ms("hold_ms", nullable=False),
    _text("agent"),
    _text("kind"),
    _text("device"),
    _text("via"),
    PrimaryKeyConstraint("pbx", "uniqueid", "offer", "opened_ms"),
    _belongs_to_call(),
    CheckConstraint("opened_ms <= closed_ms", name="order"),
    CheckConstraint("hold_ms >= 0", name="hold"),
    CheckConstraint(_one_of("via", Via), name="via"),
    comment="Caller bridged with one agent or specialist; several may overlap (three-way).",
)

hand_overs = Table(
    "hand_overs",
    metadata,
    _text("pbx"),
    _text("uniqueid"),
    _count("seq"),
    _ms("opened_ms", nullable=False),
    _ms("closed_ms"),
    _text("agent"),
    _text("topic"),
    _text("mode"),
    _text("result", nullable=True),
    _text("specialist", nullable=True),
    PrimaryKeyConstraint("pbx", "uniqueid", "seq"),
    _belongs_to_call(),
    CheckConstraint("opened_ms <= closed_ms", name="order"),
    CheckConstraint(_one_of("mode", HandOverMode), name="mode"),
    CheckConstraint(_one_of("result", HandOverResult), name="result"),
    CheckConstraint("(result IS NULL) = (closed_ms IS NULL)", name="result_at_end"),
)


def _place() -> list[Column[str] | Column[int]]:
    """The record's own place in its outbox: its identity for ever, and the order of records of one instant."""
    return [_text("outbox"), Column("segment", BigInteger), Column("position", BigInteger)]


presence_history = Table(
    "presence_history",
    metadata,
    *_place(),
    _text("agent"),
    _ms("at_ms", nullable=False),
    _text("presence"),
    _text("reason"),
    _text("device", nullable=True),
    _ms("ready_ms", nullable=False),
    _ms("until_ms"),
    _count("misses"),
    _flag("reachable"),
    _text("wants"),
    PrimaryKeyConstraint("outbox", "segment", "position"),
    CheckConstraint(_one_of("presence", Presence), name="presence"),
    Index(None, "agent", "at_ms"),
    comment="Each change of an agent's state; a state lasts until the agent's next row.",
)

notes = Table(
    "notes",
    metadata,
    *_place(),
    Column("item", Integer, nullable=False),
    _ms("at_ms", nullable=False),
    _text("kind"),
    _text("what"),
    _text("detail"),
    _text("pbx", nullable=True),
    _text("uniqueid", nullable=True),
    PrimaryKeyConstraint("outbox", "segment", "position", "item"),
    CheckConstraint("kind IN ('noted', 'ignored', 'corrected')", name="kind"),
    Index(None, "at_ms"),
    comment="What an operator should know; `corrected`: what the ledger changed to keep its own rules.",
)

quarantine = Table(
    "quarantine",
    metadata,
    *_place(),
    _text("line"),
    _text("error"),
    PrimaryKeyConstraint("outbox", "segment", "position"),
    comment="Records that could not be applied at all, as they stood in the outbox, with the reason.",
)

positions = Table(
    "outbox_positions",
    metadata,
    _text("outbox"),
    Column("segment", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    PrimaryKeyConstraint("outbox"),
    comment="How far each outbox is applied; written in the same transaction as its records.",
)

"""What the ledger keeps beside a call's way: sound files, ratings, the supervisors' hand, gaps. Same rules as in `tables`."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, PrimaryKeyConstraint, Table

from acd.names import Act, RecordingKind, RecordingStatus
from callcenter.storage.tables import (
    belongs_to_call,
    count_column,
    flag_column,
    metadata,
    ms_column,
    one_of,
    place_columns,
    text_column,
)

recordings = Table(
    "recordings",
    metadata,
    text_column("pbx"),
    text_column("uniqueid"),
    text_column("path"),
    text_column("kind"),
    ms_column("opened_ms", nullable=False),
    ms_column("closed_ms"),
    count_column("pauses"),
    ms_column("paused_ms", nullable=False),
    ms_column("paused_from_ms"),
    ms_column("size"),
    ms_column("length_ms"),
    text_column("sha256"),
    text_column("status", nullable=True),
    PrimaryKeyConstraint("pbx", "uniqueid", "path"),
    belongs_to_call(),
    CheckConstraint(one_of("kind", RecordingKind), name="kind"),
    CheckConstraint(one_of("status", RecordingStatus), name="status"),
    CheckConstraint("opened_ms <= closed_ms", name="order"),
    CheckConstraint("pauses >= 0 AND paused_ms >= 0", name="paused"),
    CheckConstraint("size >= 0 AND length_ms >= 0", name="measures"),
    CheckConstraint("status <> 'kept' OR (size > 0 AND length_ms IS NOT NULL AND sha256 <> '')", name="kept"),
    comment="Sound files of a call. status NULL: not looked at yet. paused_ms: how long the agent had it paused.",
)

ratings = Table(
    "ratings",
    metadata,
    text_column("pbx"),
    text_column("uniqueid"),
    ms_column("asked_ms", nullable=False),
    text_column("offer"),
    Column("score", Integer),
    text_column("keys"),
    PrimaryKeyConstraint("pbx", "uniqueid", "asked_ms"),
    belongs_to_call(),
    CheckConstraint("score BETWEEN 1 AND 5", name="score"),
    comment="Callers who were asked for a rating after the talk. score NULL: none given, or none that counts (keys).",
)

interventions = Table(
    "interventions",
    metadata,
    *place_columns(),
    ms_column("at_ms", nullable=False),
    text_column("act"),
    text_column("subject"),
    text_column("goes_to"),
    text_column("who"),
    text_column("why"),
    text_column("pbx", nullable=True),
    text_column("uniqueid", nullable=True),
    PrimaryKeyConstraint("outbox", "segment", "position"),
    CheckConstraint(one_of("act", Act), name="act"),
    Index(None, "at_ms"),
    comment="What supervisors did while calls ran: who, what, why.",
)

gaps = Table(
    "gaps",
    metadata,
    text_column("pbx"),
    ms_column("from_ms", nullable=False),
    ms_column("to_ms", nullable=False),
    flag_column("has_restarted"),
    flag_column("is_read"),
    PrimaryKeyConstraint("pbx", "to_ms"),
    CheckConstraint("from_ms <= to_ms", name="order"),
    comment="Times in which nobody watched a PBX. is_read: what happened in it was told from CEL, as far as CEL tells it.",
)

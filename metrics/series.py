"""Every Prometheus series in one table: name, kind, labels, what it says, and the ledger query that it must equal.

Counters and histograms of calls are fed by the same records that the ledger is made of, so after a run each equals its
query (a test holds it). A counter's query gives its labels and a number; a histogram's query gives its labels and one
observation a row, in milliseconds. Calls that do not count (`excluded`: test calls) count in neither. Everything about
a call is counted when it ENDS, in one step, so that no ratio of two counters ever exceeds 1. A restart begins at zero,
as Prometheus expects; exact figures come from the ledger, counters are for trends.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

WAIT_BOUNDS_MS = (5_000, 10_000, 15_000, 20_000, 30_000, 45_000, 60_000, 90_000, 120_000, 180_000, 300_000, 600_000)
TALK_BOUNDS_MS = (15_000, 20_000, 30_000, 60_000, 120_000, 180_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000)
SHORT_BOUNDS_US = (50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 1_000_000)


class Kind(StrEnum):
    """Prometheus types that we use."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Series:
    """One metric family."""

    name: str
    """As Prometheus shows it; a histogram adds `_bucket`, `_sum`, `_count`."""
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    ledger: str | None = None
    """SQL on the ledger (SQLite and PostgreSQL); None: says nothing that the ledger knows."""


_ENDED = "FROM calls WHERE direction = 'inbound' AND NOT excluded AND ended_ms IS NOT NULL"

_TABLE = (
    Series(
        "callcenter_calls_offered_total",
        Kind.COUNTER,
        "Inbound calls that arrived and have ended; the denominator of the connect rate.",
        ("line",),
        f"SELECT line_code, count(*) {_ENDED} GROUP BY line_code",
    ),
    Series(
        "callcenter_calls_answered_total",
        Kind.COUNTER,
        "Inbound calls that a person answered (outcome agent_answered).",
        ("line",),
        f"SELECT line_code, count(*) {_ENDED} AND outcome = 'agent_answered' GROUP BY line_code",
    ),
    Series(
        "callcenter_calls_abandoned_total",
        Kind.COUNTER,
        "Inbound calls whose caller hung up before an answer, in greeting, queue or ringing.",
        ("line",),
        f"SELECT line_code, count(*) {_ENDED} AND outcome IN "
        "('abandoned_ivr', 'abandoned_queue', 'abandoned_ringing') GROUP BY line_code",
    ),
    Series(
        "callcenter_calls_ended_total",
        Kind.COUNTER,
        "Inbound calls by their one outcome; unknown: ended while nobody watched. Adds up to offered.",
        ("line", "outcome"),
        f"SELECT line_code, coalesce(outcome, 'unknown'), count(*) {_ENDED} GROUP BY 1, 2",
    ),
    Series(
        "callcenter_wait_seconds",
        Kind.HISTOGRAM,
        "Wait of inbound calls from arrival to the first answer (answered) or to hand-over or end (unanswered).",
        ("line", "result"),
        "SELECT line_code, CASE WHEN outcome = 'agent_answered' THEN 'answered' ELSE 'unanswered' END, wait_ms "
        + _ENDED,
    ),
    Series(
        "callcenter_talk_seconds",
        Kind.HISTOGRAM,
        "Talk of answered inbound calls: bridged with seats or specialists, hold included, overlap once.",
        ("line",),
        f"SELECT line_code, talk_ms {_ENDED} AND outcome = 'agent_answered'",
    ),
    Series(
        "callcenter_offers_total",
        Kind.COUNTER,
        "Offers to seats and specialists by their one result.",
        ("result",),
        "SELECT result, count(*) FROM offers JOIN calls USING (pbx, uniqueid) "
        "WHERE NOT excluded AND result IS NOT NULL GROUP BY result",
    ),
    Series(
        "callcenter_ignored_events_total",
        Kind.COUNTER,
        "Events that changed nothing (late, twice, foreign), by reason.",
        ("reason",),
    ),
    Series(
        "callcenter_notes_total",
        Kind.COUNTER,
        "What an operator should know (unknown number, lost event found, plan change, clock step).",
        ("what",),
        "SELECT what, count(*) FROM notes WHERE kind = 'noted' GROUP BY what",
    ),
    Series(
        "callcenter_fallback_entries_total",
        Kind.COUNTER,
        "Callers who went into the PBX's own queue while this service lived: 0, or its heartbeat was late.",
        (),
        "SELECT count(*) FROM notes WHERE kind = 'noted' AND what = 'fallback_entered'",
    ),
    Series("callcenter_decision_seconds", Kind.HISTOGRAM, "Time from an event in to the engine's step out."),
    Series("callcenter_wish_seconds", Kind.HISTOGRAM, "Time from a wish written to its effect seen."),
    Series("callcenter_calls_waiting", Kind.GAUGE, "Callers who wait in the line now, ringing included.", ("line",)),
    Series("callcenter_oldest_wait_seconds", Kind.GAUGE, "Longest wait of those who wait now.", ("line",)),
    Series("callcenter_agents", Kind.GAUGE, "Agents by what they are doing.", ("presence",)),
    Series("callcenter_ami_link_up", Kind.GAUGE, "1: the AMI session is logged in.", ("pbx", "session")),
    Series("callcenter_ami_event_lag_seconds", Kind.GAUGE, "Age of the newest event when it was handled.", ("pbx",)),
    Series("callcenter_outbox_records", Kind.GAUGE, "Records on disk that the ledger does not have yet."),
    Series("callcenter_database_up", Kind.GAUGE, "1: the last write to the ledger succeeded."),
    Series("callcenter_leader", Kind.GAUGE, "1: this instance decides."),
    Series("callcenter_epoch", Kind.GAUGE, "Epoch of the leadership, growing with each take-over."),
    Series("callcenter_build", Kind.INFO, "Version of the program and of the plan in force.", ("version", "plan")),
)

SERIES: Mapping[str, Series] = {series.name: series for series in _TABLE}

BOUNDS: Mapping[str, tuple[tuple[int, ...], int]] = {
    "callcenter_wait_seconds": (WAIT_BOUNDS_MS, 1_000),
    "callcenter_talk_seconds": (TALK_BOUNDS_MS, 1_000),
    "callcenter_decision_seconds": (SHORT_BOUNDS_US, 1_000_000),
    "callcenter_wish_seconds": (SHORT_BOUNDS_US, 1_000_000),
}
"""Upper bounds of the buckets as integers, and how many of that unit make a second: 15,000 ms are in `le=15`."""

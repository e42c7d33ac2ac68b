"""Every word that a note for the operator begins with (`acd.records.Noted`), so that each has a series before its first one.

A counter that is born at 1 shows no increase: the first lost event of a kind would be missing from the board. Words that are not
here are counted all the same (a test finds those that the code writes and this lacks).
"""

from acd.names import WRAPUP_OVERLONG

FALLBACK_ENTERED = "fallback_entered"
"""A caller went into the PBX's own queue while we live."""
NOTES = (
    "calls_rebuilt",
    "calls_unknown",
    "clock_stepped",
    "consult_ended",
    "end_lost",
    "exit_failed",
    "exit_unconfirmed",
    FALLBACK_ENTERED,
    "late_wish",
    "ledger_behind",
    "outbound_refused",
    "outbox_dropped",
    "overflow_circle",
    "phone_taken",
    "plan_changed",
    "recording_short",
    "talk_end_lost",
    "three_way_as_blind",
    "unknown_did",
    "unknown_topic",
    "wish_lost",
    WRAPUP_OVERLONG,
)

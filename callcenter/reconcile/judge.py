"""Judges one call that either witness knows (pure; the two are put into its hands by `join`)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from acd.names import CallId, EndedBy, Outcome
from callcenter.reconcile.verdicts import Difference, Unknown, Verdict
from callcenter.witness.calls import CelCall
from callcenter.witness.compare import (
    LedgerCall,
    LedgerTalk,
    Mismatch,
    MismatchName,
    dialled_differences,
    differences,
)
from callcenter.witness.dialled import CelDialled

Row = Mapping[str, Any]
Judged = tuple[Verdict, list[Difference], Unknown | None]
_END = frozenset({MismatchName.ENDED_MS, MismatchName.TALK_ENDED_MS})
"""What a witness who did not see the end cannot say."""


@dataclass(frozen=True, slots=True)
class Both:
    """What CEL says of a call: as one that came in, as one that was dialled out, or nothing."""

    call: CallId
    arrived_ms: int
    """For CEL, else for the ledger."""
    cel: CelCall | None = None
    dialled: CelDialled | None = None
    faults: str = ""
    """What is wrong with its rows of CEL."""
    why_not: str = ""
    """Why CEL cannot know it; empty: it should."""


def judge(both: Both, row: Row | None, talks: Sequence[Row]) -> Judged:
    """Return the verdict, the differences, and why it is unknown. `row`: the ledger's, None: it has none."""
    if row is None:
        one = both.cel or both.dialled
        is_open = one is not None and one.ended_ms is None and not one.is_dropped
        found = [Mismatch(both.call, MismatchName.ONLY_IN_CEL, "-", _said_by_cel(both))]
        return (Verdict.OPEN, [], None) if is_open else _mismatched(both, None, found)
    if both.why_not:
        return Verdict.UNKNOWN, [], Unknown(both.call, row["arrived_ms"], both.why_not)
    if _is_open(both, row):
        return Verdict.OPEN, [], None
    why, cannot_say = _why_unknown(both, row)
    differ = _compared(both, row, talks)
    found = [one for one in differ if one.name not in cannot_say]
    if found:
        return _mismatched(both, row, found)
    if differ and why:
        return Verdict.UNKNOWN, [], Unknown(both.call, row["arrived_ms"], why)
    return (Verdict.AGREED if row["rebuilt_ms"] is None else Verdict.REBUILT), [], None


def _mismatched(both: Both, row: Row | None, found: Sequence[Mismatch]) -> Judged:
    arrived_ms = both.arrived_ms if row is None else int(row["arrived_ms"])
    is_rebuilt = row is not None and row["rebuilt_ms"] is not None
    told = [Difference(one.call, arrived_ms, one.name.value, one.ledger, one.cel, is_rebuilt) for one in found]
    return Verdict.MISMATCHED, told, None


def _is_open(both: Both, row: Row) -> bool:
    one = both.cel or both.dialled
    return row["ended_ms"] is None and (one is None or (one.ended_ms is None and not one.is_dropped))


def _why_unknown(both: Both, row: Row) -> tuple[str, Collection[MismatchName]]:
    """Why the call cannot be judged as a whole (empty: it can), and on what nothing can be said."""
    one = both.cel or both.dialled
    if row["clock_adjusted"]:
        return "the PBX's clock was set while it lived: instants cannot be compared", frozenset(MismatchName)
    was_watched = row["ended_by"] != EndedBy.UNKNOWN or row["outcome"] == Outcome.OVERFLOWED_OUT
    if not was_watched and row["rebuilt_ms"] is None:
        return "nobody watched its end", _END
    if one is not None and one.ended_ms is None and one.is_dropped and row["rebuilt_ms"] is None:
        return "the PBX was started anew while it lived: no row tells its end", _END
    if both.cel is not None and row["outcome"] is None and len(both.cel.outcomes) > 1:
        return f"CEL's rows allow {_said_by_cel(both)}, and nobody watched", {MismatchName.OUTCOME}
    if one is not None and one.ended_ms is None and row["rebuilt_ms"] is not None:
        return "", _END
    return "", frozenset()


def _compared(both: Both, row: Row, talks: Sequence[Row]) -> list[Mismatch]:
    known = tuple(LedgerTalk(talk["device"], talk["agent"], talk["opened_ms"], _end_of(talk, row)) for talk in talks)
    own = LedgerCall.of(row, known)
    if row["direction"] != "outbound":
        found = differences(both.call, own, both.cel)
    elif both.dialled is None:
        found = [Mismatch(both.call, MismatchName.ONLY_IN_LEDGER, f"to {row['caller_number']}", "-")]
    else:
        found = dialled_differences(both.call, own, both.dialled)
    return [_one_row_wrong(both, found)] if both.faults else found


def _one_row_wrong(both: Both, found: Sequence[Mismatch]) -> Mismatch:
    """A row that is lost or out of place is one mismatch, whatever follows from it: that of the call's end where it is its
    HANGUP, else the first that follows; CEL_ROWS where the call agrees all the same."""
    if not found:
        return Mismatch(both.call, MismatchName.CEL_ROWS, "-", both.faults)
    ends = [one for one in found if one.name is MismatchName.ENDED_MS]
    return (ends or found)[0]


def _end_of(talk: Row, row: Row) -> int | None:
    """A talk whose end was not seen ended with the call."""
    end: int | None = row["ended_ms"] if talk["closed_ms"] is None else talk["closed_ms"]
    return end


def _said_by_cel(both: Both) -> str:
    if both.cel is None:
        return "dialled out"
    return " or ".join(sorted(both.cel.outcomes)) or "not ended"

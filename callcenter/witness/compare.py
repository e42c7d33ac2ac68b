"""Compares the ledger's calls with those rebuilt from CEL: every difference named, with both values (pure).

Theory of operation: each call that ended, for either witness, is looked up in both. An instant may differ by
`LIMIT_MS` (the two are taken in different threads of the PBX: up to 9 ms under load), and has to be there in both or
in none. The ledger's outcome must be among those that CEL's rows allow. Calls that ended for neither are left out and
counted. The service's side knows nothing of this module: whoever reads the ledger makes `LedgerCall`s of its rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from acd.names import CallId, Outcome
from callcenter.witness.calls import CelCall

LIMIT_MS = 50


class MismatchName(StrEnum):
    """What two witnesses can disagree on."""

    ONLY_IN_LEDGER = "only_in_ledger"
    ONLY_IN_CEL = "only_in_cel"
    OUTCOME = "outcome"
    AGENT = "agent"
    ARRIVED_MS = "arrived_ms"
    ANSWERED_MS = "answered_ms"
    TALK_ENDED_MS = "talk_ended_ms"
    ENDED_MS = "ended_ms"


_INSTANTS = (
    MismatchName.ARRIVED_MS,
    MismatchName.ANSWERED_MS,
    MismatchName.TALK_ENDED_MS,
    MismatchName.ENDED_MS,
)


@dataclass(frozen=True, slots=True)
class LedgerCall:
    """One inbound call as the ledger has it. Instants are ms since the epoch on the PBX's clock."""

    call: CallId
    outcome: Outcome | None
    """None: not ended, or ended while nobody watched."""
    agent: str | None
    """Who answered first; None: nobody."""
    arrived_ms: int
    answered_ms: int | None
    talk_ended_ms: int | None
    ended_ms: int | None

    @classmethod
    def of(cls, row: Mapping[str, object]) -> "LedgerCall":
        """Make it of a row of the table `calls` (direction inbound) or of a line of `ledger.jsonl`.

        Raises KeyError where a column is missing and ValueError where a value cannot be.
        """
        instants = {name.value: _instant(row, name.value) for name in _INSTANTS}
        arrived_ms = instants.pop("arrived_ms")
        if arrived_ms is None:
            raise ValueError("arrived_ms is missing")
        outcome = row["outcome"]
        return cls(
            call=CallId(str(row["pbx"]), str(row["uniqueid"])),
            outcome=None if outcome is None else Outcome(str(outcome)),
            agent=str(row["agent"]) if row["agent"] else None,
            arrived_ms=arrived_ms,
            **instants,
        )


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference in one call."""

    call: CallId
    name: MismatchName
    ledger: str
    cel: str
    """What each says, as text; `-` where it says nothing."""

    def __str__(self) -> str:
        return f"{self.call} {self.name}: ledger {self.ledger}, CEL {self.cel}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came out."""

    mismatches: tuple[Mismatch, ...]
    """In the order of arrival of the calls."""
    compared: int
    """Calls that ended for at least one witness."""
    open: int
    """Calls left out because they ended for neither."""

    @property
    def ledger_mismatches(self) -> int:
        """Calls with at least one mismatch."""
        return len({mismatch.call for mismatch in self.mismatches})


def compare(ledger: Iterable[LedgerCall], cel: Iterable[CelCall], *, limit_ms: int = LIMIT_MS) -> Comparison:
    """Compare the two witnesses' inbound calls. Raises ValueError when the ledger has a call twice, which its table cannot."""
    ours: dict[CallId, LedgerCall] = {}
    for entry in ledger:
        if entry.call in ours:
            raise ValueError(f"call {entry.call} is in the ledger twice")
        ours[entry.call] = entry
    theirs = {call.call: call for call in cel}
    arrived = {key: call.arrived_ms for key, call in theirs.items()}
    arrived |= {key: call.arrived_ms for key, call in ours.items()}
    mismatches: list[Mismatch] = []
    compared = 0
    for key in sorted(arrived, key=lambda key: (arrived[key], key)):
        own, other = ours.get(key), theirs.get(key)
        if all(call is None or call.ended_ms is None for call in (own, other)):
            continue
        compared += 1
        mismatches += _differences(key, own, other, limit_ms)
    return Comparison(tuple(mismatches), compared, len(arrived) - compared)


def _differences(key: CallId, own: LedgerCall | None, other: CelCall | None, limit_ms: int) -> list[Mismatch]:
    if own is None or other is None:
        name = MismatchName.ONLY_IN_CEL if own is None else MismatchName.ONLY_IN_LEDGER
        return [Mismatch(key, name, _said(own and own.outcome), _allowed(other))]
    found = []
    if other.ended_ms is not None and own.outcome not in other.outcomes:
        found.append(Mismatch(key, MismatchName.OUTCOME, _said(own.outcome), _allowed(other)))
    if own.agent != other.agent:
        found.append(Mismatch(key, MismatchName.AGENT, _said(own.agent), _said(other.agent)))
    for name in _INSTANTS:
        a, b = getattr(own, name.value), getattr(other, name.value)
        if (a is None) != (b is None) or (a is not None and abs(a - b) > limit_ms):
            found.append(Mismatch(key, name, _said(a), _said(b)))
    return found


def _said(value: object) -> str:
    return "-" if value is None else str(value)


def _allowed(call: CelCall | None) -> str:
    return "-" if call is None else " or ".join(sorted(call.outcomes)) or "not ended"


def _instant(row: Mapping[str, object], name: str) -> int | None:
    value = row[name]
    if value is not None and not isinstance(value, int):
        raise ValueError(f"{name} is not integer milliseconds: {value!r}")
    return value

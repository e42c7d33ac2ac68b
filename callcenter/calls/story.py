"""One call as each witness tells it: its phones, the ledger, CEL (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from callcenter.calls.plan import Place
from callcenter.lab.phone_log import PhoneCall
from callcenter.witness.calls import CelCall
from callcenter.witness.dialled import CelDialled

TRUNK = "trunk"
"""Endpoint of the outside line."""
Row: TypeAlias = Mapping[str, Any]


@dataclass(slots=True)
class Played:
    """One call of a kind, as its phones saw it."""

    place: Place
    turn: int
    callers: dict[str, PhoneCall] = field(default_factory=dict)
    """Name -> his call."""
    others: list[PhoneCall] = field(default_factory=list)
    """Calls of seats, specialists and outside numbers, of this turn alone."""
    failure: str = ""
    """The sentence that did not come about, and why; empty: all did."""


@dataclass(frozen=True, slots=True)
class LedgerStory:
    """One call as the ledger has it."""

    row: Row
    children: Mapping[str, Sequence[Row]]
    """Table -> its rows of this call, in order."""


@dataclass(frozen=True, slots=True)
class CelStory:
    """One call as CEL has it: one of the two."""

    inbound: CelCall | None = None
    rang: tuple[str, ...] = ()
    """Endpoints that Asterisk made a channel to for this caller, in order; the trunk's too."""
    outbound: CelDialled | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was said of a whole house."""

    ledger: Mapping[str, Sequence[LedgerStory]]
    """Caller's number (inbound) or number dialled (outbound) -> calls."""
    cel: Mapping[str, Sequence[CelStory]]
    """The same of the other witness."""
    mismatches: Mapping[str, Sequence[str]]
    """Call id -> in what the two differ, in words."""
    cel_text: str = ""
    """Asterisk's CEL file as it stands."""

"""What was decided and what became of it: the engine's diary, from which the ledger, metrics and boards are made.

Each record is one fact with its instant (`at_ms`, PBX clock). The ledger applies them in order; applying one twice
changes nothing, because every record names the row and the milestone that it sets.
"""

from dataclasses import dataclass
from typing import TypeAlias

from acd.names import CallId, EndedBy, HandOverMode, HandOverResult, OfferId, OfferResult, Outcome, Via
from agents.presence import Presence


@dataclass(frozen=True, slots=True)
class CallOpened:
    """An inbound call exists (or an outbound one: `direction`)."""

    call: CallId
    at_ms: int
    """Arrived."""
    line: str
    did: str
    caller_number: str
    caller_name: str
    sip_call_id: str
    is_test: bool
    platform_id: str
    direction: str = "inbound"
    agent: str | None = None
    """Who dialled, for an outbound call."""
    found: bool = False
    """Told by a snapshot after a restart: the row may exist already."""


@dataclass(frozen=True, slots=True)
class CallInMenu:
    """The greeting began."""

    call: CallId
    at_ms: int


@dataclass(frozen=True, slots=True)
class CallWaiting:
    """The call was queued: first (seq 1), after a hand-over found nobody, or in another line by overflow."""

    call: CallId
    at_ms: int
    line: str
    need: str
    seq: int


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A relaxation or overflow step came into force inside the wait."""

    call: CallId
    at_ms: int
    step: int
    line: str
    need: str


@dataclass(frozen=True, slots=True)
class PassedOver:
    """One who was not chosen, and why (`no_skill`, `busy`, `resting`, `barred`, `not_ready`, `unreachable`, `less_idle`)."""

    agent: str
    why: str


@dataclass(frozen=True, slots=True)
class OfferMade:
    """An agent (or specialist) was chosen for a call, and why."""

    call: CallId
    offer: OfferId
    seq: int
    """1, 2, ... within the call."""
    at_ms: int
    agent: str
    """Agent number of a seat, number of a specialist."""
    kind: str
    """`seat` or `specialist`."""
    device: str
    line: str
    step: int
    need: str
    strategy: str
    score_s: float
    """Seconds of the score at the decision."""
    could: int
    """How many ready agents could have taken it, the chosen one included."""
    passed_over: tuple[PassedOver, ...] = ()
    """The first five."""


@dataclass(frozen=True, slots=True)
class OfferRang:
    """The agent's phone rings."""

    call: CallId
    offer: OfferId
    at_ms: int


@dataclass(frozen=True, slots=True)
class OfferClosed:
    """An offer's one result."""

    call: CallId
    offer: OfferId
    at_ms: int
    result: OfferResult
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TalkOpened:
    """Caller and agent (or specialist) are bridged; the first of a call answers it."""

    call: CallId
    offer: OfferId
    at_ms: int
    agent: str
    kind: str
    """`seat`, `specialist`, or `unknown` (a phone at which nobody is logged in)."""
    device: str
    via: Via


@dataclass(frozen=True, slots=True)
class TalkClosed:
    """Caller and this agent are no longer bridged. `hold_ms`: how long the caller was on hold within the talk."""

    call: CallId
    offer: OfferId
    at_ms: int
    hold_ms: int


@dataclass(frozen=True, slots=True)
class HandOverOpened:
    """A seat asked for a specialist."""

    call: CallId
    seq: int
    at_ms: int
    agent: str
    topic: str
    mode: HandOverMode


@dataclass(frozen=True, slots=True)
class HandOverClosed:
    """How the hand-over ended; `agent`: the specialist reached, if one was."""

    call: CallId
    seq: int
    at_ms: int
    result: HandOverResult
    agent: str | None


@dataclass(frozen=True, slots=True)
class CallLeft:
    """The caller was handed out of our lines to an outside number (the exit's wish was taken): his wait for us ends here,
    though the call may go on for long."""

    call: CallId
    at_ms: int
    to: str


@dataclass(frozen=True, slots=True)
class CallClosed:
    """The call is over, with its one terminal outcome. Outcome None: it ended while nobody watched (unknown until the
    second witness tells)."""

    call: CallId
    at_ms: int
    by: EndedBy
    outcome: Outcome | None
    reason: str


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """An agent's state changed; also everything that must survive us (the embedded store keeps the newest of each agent)."""

    agent: str
    at_ms: int
    presence: Presence
    reason: str
    device: str | None
    ready_ms: int
    until_ms: int | None
    misses: int
    reachable: bool
    wants: str = ""


@dataclass(frozen=True, slots=True)
class Ignored:
    """An event that changed nothing, and why."""

    at_ms: int
    event: str
    reason: str
    call: CallId | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """Something an operator should know: an unknown DID, a lost event found, a plan change, a clock step."""

    at_ms: int
    what: str
    detail: str
    call: CallId | None = None


Record: TypeAlias = (
    CallOpened
    | CallInMenu
    | CallWaiting
    | StepTaken
    | OfferMade
    | OfferRang
    | OfferClosed
    | TalkOpened
    | TalkClosed
    | HandOverOpened
    | HandOverClosed
    | CallLeft
    | CallClosed
    | PresenceChanged
    | Ignored
    | Noted
)

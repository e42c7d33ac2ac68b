"""A call's life: opened, waiting, left, closed."""

from dataclasses import dataclass

from acd.names import CallId, EndedBy, Outcome


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
    follows: str | None = None
    """Outbound: Uniqueid of the inbound call of the same PBX that it calls back."""
    found: bool = False
    """Told by a snapshot after a restart: the row may exist already."""


@dataclass(frozen=True, slots=True)
class CallBlocked:
    """The caller's number is on the plan's list: he is turned away, has no outcome, and is in no figure but in the count
    of such calls."""

    call: CallId
    at_ms: int
    entry: str
    """The entry of the list: a number, or the beginning of one with a `*` behind it."""
    why: str


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
class CallRebuilt:
    """What is told of this call from here on was read in CEL afterwards: nobody watched it live."""

    call: CallId
    at_ms: int

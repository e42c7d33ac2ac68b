"""Offers and why they were made, talks, hand-overs."""

from dataclasses import dataclass

from acd.names import CallId, HandOverMode, HandOverResult, OfferId, OfferResult, Via


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

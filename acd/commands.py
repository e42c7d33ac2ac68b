"""What the switch must do: imperative, carried out by the shell after the engine has decided.

A command that fails comes back as an event, so that recovery is decided in the engine.
"""

from dataclasses import dataclass
from typing import TypeAlias

from acd.names import CallId, OfferId, RejectReason


@dataclass(frozen=True, slots=True)
class OfferCall:
    """Ring `number` for this caller: write the wish on his channel and wake him."""

    call: CallId
    offer: OfferId
    kind: str
    """Dial template of the dialplan: `endpoint` or `trunk`."""
    number: str
    ring_s: int
    line: str
    """Line code: the label on the agent's phone is made of its name and the caller's number."""
    release: OfferId | None = None
    """Hand-over: the caller talks now; write the wish, then hang up this offer's leg instead of waking him."""


@dataclass(frozen=True, slots=True)
class ExitCall:
    """Send this caller out of the line by a wish: to an outside number, or to a refusal with its prompt."""

    call: CallId
    offer: OfferId
    """Identity of the wish (no agent is offered anything); confirmed by `OfferConnecting` like an offer."""
    number: str | None
    """Outside number; None: refuse."""
    reason: RejectReason | None
    """Why, when refused."""


@dataclass(frozen=True, slots=True)
class ReturnCall:
    """Send a caller who talks back to hold: a wish to hold, then hang up this offer's leg."""

    call: CallId
    offer: OfferId
    release: OfferId


@dataclass(frozen=True, slots=True)
class HangUpLeg:
    """Hang up the leg of this offer (a phone that gave no sign of life within 3 s), by its own Uniqueid."""

    call: CallId
    offer: OfferId


@dataclass(frozen=True, slots=True)
class ProbeCall:
    """Look at this caller's channel: answer with `CallFound` or `CallerGone`. Used when a deadline found a lost event."""

    call: CallId


@dataclass(frozen=True, slots=True)
class WakeCall:
    """Wake a caller out of the PBX's own fallback queue into hold."""

    call: CallId


@dataclass(frozen=True, slots=True)
class TagCall:
    """Write on the channel what must survive us."""

    call: CallId
    score_ms: int


@dataclass(frozen=True, slots=True)
class MirrorAgent:
    """Make the PBX's own fallback queues show this agent as he is."""

    agent: str
    device: str
    lines: tuple[str, ...]
    """Line codes whose queue he is a member of; empty: remove him from all."""
    paused: bool
    reason: str


Command: TypeAlias = OfferCall | ExitCall | ReturnCall | HangUpLeg | ProbeCall | WakeCall | TagCall | MirrorAgent

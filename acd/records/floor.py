"""What is on record beside the calls: agents' states, and what an operator should know."""

from dataclasses import dataclass

from acd.names import CallId
from agents.presence import Presence


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
class GapTold:
    """Nobody watched a PBX for a time: told when it is over, and again when CEL of that time was read."""

    pbx: str
    from_ms: int
    """The last instant at which somebody watched."""
    at_ms: int
    """Its end: what identifies it."""
    has_restarted: bool = False
    """The PBX was started anew within it."""
    is_read: bool = False
    """What happened in it was told from CEL, as far as CEL tells it."""


@dataclass(frozen=True, slots=True)
class Noted:
    """Something an operator should know: an unknown DID, a lost event found, a plan change, a clock step."""

    at_ms: int
    what: str
    detail: str
    call: CallId | None = None

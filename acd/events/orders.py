"""What a supervisor ordered while calls run: of an agent, of a line, of one call. The shell has judged who may, and by what names."""

from dataclasses import dataclass

from acd.names import Act, CallId, LineState
from acd.plan import Exit


@dataclass(frozen=True, slots=True)
class AgentOrdered:
    """An agent is to be ready, not ready or logged out: as if he had dialled the code himself, so never in a talk."""

    agent: str
    act: Act
    """AGENT_READY, AGENT_NOT_READY or AGENT_LOGOUT."""
    at_ms: int
    reason: str = ""
    """Of not ready; empty: `supervisor`."""
    who: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class LineOrdered:
    """A line is drained, in emergency, or back to the plan."""

    line: str
    state: LineState
    at_ms: int
    to: Exit | None = None
    """Emergency: where everybody goes."""
    who: str = ""
    why: str = ""
    is_restored: bool = False
    """Told at a start from what survived: on record already."""


@dataclass(frozen=True, slots=True)
class CallMoved:
    """A caller is to wait in another line, or to be offered to exactly one agent."""

    call: CallId
    at_ms: int
    line: str | None = None
    agent: str | None = None
    """One of the two."""
    who: str = ""
    why: str = ""

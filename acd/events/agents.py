"""What agents say of themselves, and what is known of their phones."""

from dataclasses import dataclass

from agents.presence import DeviceState


@dataclass(frozen=True, slots=True)
class AgentLoggedIn:
    """An agent logged in at a phone; the shell has checked PIN and lock-out. One agent, one phone: both old ties end."""

    agent: str
    device: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class AgentLoggedOut:
    """An agent logged out (or was logged out by a supervisor)."""

    agent: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class AgentReady:
    """An agent says he is ready (*13), or ends his wrap-up by it."""

    agent: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class AgentNotReady:
    """An agent wants no calls (*14 and a digit); while he talks it takes effect after wrap-up."""

    agent: str
    at_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class WrapUpEnded:
    """An agent ended his wrap-up early (*15)."""

    agent: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class WrapUpExtended:
    """An agent asked for more wrap-up time (*16), up to the line's `wrapup_max_s`."""

    agent: str
    at_ms: int
    by_s: float = 60.0


@dataclass(frozen=True, slots=True)
class DeviceChanged:
    """The PBX says a phone is idle, busy or cannot be reached."""

    device: str
    state: DeviceState
    at_ms: int

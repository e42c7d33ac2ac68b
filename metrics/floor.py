"""The call centre at one instant, as gauges show it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from acd.names import LineState
from agents.presence import Presence

SPECIALIST_STATES = ("reachable", "unreachable", "busy", "closed")


@dataclass(frozen=True, slots=True)
class Floor:
    """What the service itself knows of this instant. Every line of the plan is in both line mappings."""

    waiting: Mapping[str, int] = field(default_factory=dict)
    """Line -> callers who wait, ringing included."""
    oldest_wait_s: Mapping[str, float] = field(default_factory=dict)
    """Line -> longest wait now, seconds; 0 when nobody waits."""
    agents: Mapping[Presence, int] = field(default_factory=dict)
    trunk_calls: Mapping[str, int] = field(default_factory=dict)
    """Direction (`inbound`, `outbound`) -> calls with the outside that are up now: what is taken of the trunks."""
    line_states: Mapping[str, LineState] = field(default_factory=dict)
    """Line -> what a supervisor said of it; those not here are open."""
    specialists: Mapping[tuple[str, ...], int] = field(default_factory=dict)
    """(topic, one of SPECIALIST_STATES) -> specialists."""
    links: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    """(PBX, session `actions` or `events`) -> logged in."""
    link_s: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """The same -> seconds since it logged in; 0 while it is down."""
    event_lag_s: Mapping[str, float] = field(default_factory=dict)
    """PBX -> age of the newest event when it was handled."""
    gap_s: float = 0.0
    """Time of today in which nobody watched and of which CEL has not told, seconds."""
    outbox_records: int = 0
    outbox_dropped: int = 0
    """Records since the start that found no room on disk."""
    is_database_up: bool = False
    is_leader: bool = False
    is_standing_by: bool = False
    """Another instance leads. While `links` are down this one could not take over."""
    is_state_shared: bool | None = None
    """Whether the state that a pair shares is up to date; None: this service is alone."""
    unknown_calls: int = 0
    epoch: int = 0
    plan: str = ""
    """Version of the plan in force."""
    at_ms: int = 0
    """This instant on the PBX's clock."""

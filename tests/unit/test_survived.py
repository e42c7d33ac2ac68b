"""What a new engine is told of agents, also after the PBX's clock was put back meanwhile."""

from types import SimpleNamespace
from typing import Any

from acd.events import AgentRestored
from acd.records import PresenceChanged
from agents.presence import Presence
from callcenter.survived import survived

NOW = 1_700_000_000_000


def told(*records: PresenceChanged) -> list[AgentRestored]:
    hand: Any = SimpleNamespace(restored=lambda: ())
    live: Any = SimpleNamespace(agents=lambda: records)
    return [one for one in survived(hand, live, NOW) if isinstance(one, AgentRestored)]


def wraps_up(agent: str, since_ms: int, until_ms: int) -> PresenceChanged:
    return PresenceChanged(agent, since_ms, Presence.ACW, "", "1001", since_ms - 60_000, until_ms, 0, reachable=True)


def test_service_starts_again_instants_are_as_they_were() -> None:
    (one,) = told(wraps_up("8001", NOW - 4000, NOW + 16_000))
    assert (one.since_ms, one.ready_ms, one.until_ms) == (NOW - 4000, NOW - 64_000, NOW + 16_000)


def test_clock_was_put_back_wrap_up_lasts_no_hour_and_readiness_keeps_its_order() -> None:
    hour = 3_600_000
    one, other = told(
        wraps_up("8001", NOW + hour, NOW + hour + 20_000), wraps_up("8002", NOW + hour - 9000, NOW + hour)
    )
    assert (one.since_ms, one.until_ms) == (NOW - 5000, NOW + 15_000)
    assert (other.since_ms, other.until_ms) == (NOW - 14_000, NOW - 5000)
    assert one.ready_ms - other.ready_ms == 9000

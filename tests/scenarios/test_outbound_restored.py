"""An agent who dials out when the service is killed: his call is found again, and he is free when it ends."""

import pytest

from acd import events as ev
from acd.engine import Engine
from acd.names import CallId, EndedBy
from agents.presence import Presence
from tests.scenarios.world import PLAN, T0

OUT = CallId("pbx1", "p-7.7")
MS = T0 * 1000


@pytest.mark.parametrize("presence", [Presence.DIALLING, Presence.TALKING, Presence.HOLD])
def test_agent_restored_in_a_call_he_dialled_is_in_it_and_has_wrap_up_when_it_ends(presence: Presence) -> None:
    engine = Engine(PLAN, 9)
    engine.handle(ev.AgentRestored("1001", "d1", presence, "", MS - 9000, MS - 9000, None, 0, MS), T0)
    engine.handle(ev.OutboundStarted(OUT, "d1", "13911111111", None, MS), T0)
    engine.handle(ev.OutboundAnswered(OUT, MS), T0)
    engine.handle(ev.SnapshotDone("pbx1", MS), T0)
    agent = engine.agent_at("d1")
    assert agent is not None
    assert agent.presence is Presence.TALKING, "the snapshot does not free him: his call lives"
    engine.handle(ev.OutboundEnded(OUT, MS + 4000, EndedBy.AGENT, "ANSWER"), T0 + 4)
    assert agent.presence is Presence.ACW

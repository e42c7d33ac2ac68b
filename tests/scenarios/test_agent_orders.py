"""The supervisor's hand on agents: what an order does at once, and that it cuts no talk."""

import pytest

from acd.commands import ReturnCall
from acd.names import Act, OfferResult
from acd.records import SupervisorActed, TalkClosed
from agents.presence import Presence
from tests.scenarios.supervisor import order, presence, refusal
from tests.scenarios.world import Timeline, ms


def test_agent_ordered_not_ready_and_ready_at_once_and_on_record_with_who_and_why() -> None:
    t = Timeline()
    t.login(0, "1001")

    order(t, 1, "1001", Act.AGENT_NOT_READY, "break")
    assert presence(t, "1001") is Presence.NOT_READY
    order(t, 2, "1001", Act.AGENT_READY)

    assert presence(t, "1001") is Presence.READY
    assert t.all(SupervisorActed) == [
        SupervisorActed(ms(1), Act.AGENT_NOT_READY, "1001", "break", "local:li", "busy day"),
        SupervisorActed(ms(2), Act.AGENT_READY, "1001", "", "local:li", "busy day"),
    ]


def test_agent_ordered_not_ready_without_a_word_the_reason_is_supervisor() -> None:
    t = Timeline()
    t.login(0, "1001")

    order(t, 1, "1001", Act.AGENT_NOT_READY)

    assert next(one.reason for one in t.engine.agents if one.number == "1001") == "supervisor"


@pytest.mark.parametrize(
    ("act", "after"), [(Act.AGENT_NOT_READY, Presence.NOT_READY), (Act.AGENT_LOGOUT, Presence.LOGGED_OUT)]
)
def test_agent_who_talks_is_ordered_away_talks_on_and_goes_after_wrap_up(act: Act, after: Presence) -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(2, "a")

    said = order(t, 5, "1001", act)

    assert not any(isinstance(one, ReturnCall | TalkClosed) for one in said)
    assert presence(t, "1001") is Presence.TALKING
    t.talk_ended(60, "a")
    assert presence(t, "1001") is Presence.ACW
    t.run_to(80.1)
    assert presence(t, "1001") is after


def test_agent_ordered_ready_ends_wrap_up_and_forgets_what_he_wanted() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(2, "a")
    order(t, 3, "1001", Act.AGENT_LOGOUT)
    t.talk_ended(10, "a")

    order(t, 11, "1001", Act.AGENT_READY)

    assert presence(t, "1001") is Presence.READY


def test_agent_who_rings_is_ordered_away_rings_on() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    t.ringing(1, "a")

    order(t, 2, "1001", Act.AGENT_NOT_READY)

    assert presence(t, "1001") is Presence.RINGING
    t.ended(21, "a", OfferResult.NOT_ANSWERED)
    assert presence(t, "1001") is Presence.NOT_READY


@pytest.mark.parametrize(("agent", "reason"), [("1002", "not logged in"), ("9999", "not an agent of the plan")])
@pytest.mark.parametrize("act", [Act.AGENT_READY, Act.AGENT_NOT_READY, Act.AGENT_LOGOUT])
def test_agent_who_is_not_there_is_ordered_refused(agent: str, reason: str, act: Act) -> None:
    t = Timeline()

    assert refusal(order(t, 1, agent, act)) == reason

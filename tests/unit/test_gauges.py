"""What gauges show of the engine: lines, agents, and specialists by topic."""

from dataclasses import replace

from acd import events as ev
from acd.names import HandOverMode
from agents.presence import DeviceState, Presence
from callcenter.gauges import specialists_by_topic, with_engine
from metrics.floor import SPECIALIST_STATES, Floor
from tests.scenarios.world import PLAN, T0, Timeline, call_id, ms


def test_engine_does_not_decide_yet_the_floor_is_as_it_was() -> None:
    seen = Floor(epoch=3)

    assert with_engine(seen, PLAN, None, T0) is seen


def test_one_rings_and_one_waits_lines_and_agents_show_it() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(2, "first")
    t.ringing(3, "first")
    t.arrive(4, "second")
    t.hold(4, "second")

    seen = with_engine(Floor(), PLAN, t.engine, T0 + 10)

    assert (seen.waiting["general"], seen.oldest_wait_s["general"], seen.agents[Presence.RINGING]) == (2, 8.0, 1)


def test_specialists_of_each_topic_show_in_every_state() -> None:
    t = Timeline()
    states = {key: count for key, count in specialists_by_topic(PLAN, t.engine).items() if count}
    assert states == {("01", "reachable"): 2, ("02", "reachable"): 1}

    t.device(1, "701", DeviceState.BUSY)
    t.device(1, "702", DeviceState.UNREACHABLE)
    shown = specialists_by_topic(PLAN, t.engine)
    assert {key: count for key, count in shown.items() if count} == {
        ("01", "busy"): 1,
        ("01", "unreachable"): 1,
        ("02", "unreachable"): 1,
    }
    assert set(shown) == {(topic, state) for topic in PLAN.topics for state in SPECIALIST_STATES}


def test_specialist_is_dialled_he_is_busy_whatever_his_phone_says() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "c")
    t.talk(2, "c")
    t.tell(3, ev.HandOverAsked(call_id("c"), t.offer_of("c"), "01", HandOverMode.BLIND, ms(3)))

    assert specialists_by_topic(PLAN, t.engine)["01", "busy"] == 1


def test_specialist_outside_his_hours_is_closed() -> None:
    t = Timeline(replace(PLAN, specialists=PLAN.specialists[:1]))  # as the hours leave the plan to the engine

    shown = specialists_by_topic(PLAN, t.engine)

    assert (shown["01", "reachable"], shown["01", "closed"], shown["02", "closed"]) == (1, 1, 1)

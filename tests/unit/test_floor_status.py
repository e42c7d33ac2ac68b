"""What /status says of lines, agents and specialists."""

from acd import events as ev
from acd.names import LineState
from acd.plan import Exit
from agents.presence import DeviceState
from callcenter.floor_status import floor_status
from tests.scenarios.world import PLAN, T0, Timeline, line, ms, plan_of, with_line


def test_operator_looks_while_one_waits_and_one_rings_each_is_shown_as_he_is() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.device(1, "701", DeviceState.BUSY)
    t.arrive(2, "first")
    t.ringing(3, "first")
    t.arrive(4, "second")
    t.hold(4, "second")
    shown = floor_status(PLAN, t.engine, T0 + 10)
    lines = {one["code"]: (one["waiting"], one["oldest_wait_s"]) for one in shown["lines"]}
    assert lines == {"general": (2, 8.0), "enterprise": (0, 0.0)}
    agents = {one["number"]: (one["presence"], one["device"], one["reachable"]) for one in shown["agents"]}
    assert agents["1001"] == ("ringing", "phone1001", True)
    assert agents["1002"] == ("logged_out", None, False)
    assert {one["number"]: one["state"] for one in shown["specialists"]} == {"701": "busy", "702": "idle"}


def test_operator_looks_before_a_new_line_reached_the_engine_it_is_shown_empty() -> None:
    t = Timeline()
    newer = plan_of([*PLAN.lines.values(), line("new", "general", "12347")], PLAN.agents.values())
    assert floor_status(newer, t.engine, T0)["lines"][-1]["waiting"] == 0


def test_operator_looks_after_a_supervisor_spoke_the_line_shows_what_holds_and_since_when() -> None:
    t = Timeline()
    t.tell(1, ev.LineOrdered("general", LineState.EMERGENCY, ms(1), Exit(line="enterprise")))

    shown = {
        one["code"]: (one["state"], one["to"], one["since_ms"]) for one in floor_status(PLAN, t.engine, T0)["lines"]
    }

    assert shown == {"general": ("emergency", "enterprise", ms(1)), "enterprise": ("open", "", None)}


def test_operator_looks_while_a_line_is_closed_by_its_hours_it_says_so() -> None:
    t = Timeline(with_line(PLAN, "general", is_open=False))

    shown = {one["code"]: (one["is_open"], one["state"]) for one in floor_status(PLAN, t.engine, T0)["lines"]}

    assert shown == {"general": (False, "open"), "enterprise": (True, "open")}


def test_operator_looks_at_a_service_that_does_not_lead_there_is_nothing() -> None:
    assert floor_status(PLAN, None, 5.5) == {"now_ms": 5500, "lines": [], "agents": [], "specialists": []}

"""The supervisor's hand on lines: drained, in emergency, open again; what of it holds for those who come later."""

from dataclasses import replace

import pytest

from acd import events as ev
from acd.commands import ExitCall
from acd.names import Act, CallId, HandOverMode, LineState, OfferResult, Outcome, RejectReason
from acd.plan import Exit
from acd.records import CallClosed, CallWaiting, Noted, OfferMade, SupervisorActed
from tests.scenarios.supervisor import THREE, refusal, say
from tests.scenarios.world import PLAN, Timeline, call_id, ms, with_line


def test_line_drained_who_waits_is_served_who_comes_finds_it_closed() -> None:
    t = Timeline(with_line(THREE, "general", on_closed=Exit(line="enterprise")))
    t.arrive(0, "old")
    say(t, 10, "general", LineState.DRAINED)
    t.arrive(11, "new")

    t.login(12, "1001")

    assert t.last(OfferMade).call == call_id("old")
    assert t.engine.calls[call_id("new")].line.code == "enterprise"
    assert t.engine.waiting_by_line() == {"general": 1, "enterprise": 1, "night": 0}


def test_line_drained_without_an_exit_the_caller_is_rejected_closed() -> None:
    t = Timeline(THREE)
    say(t, 0, "general", LineState.DRAINED)

    t.arrive(1, "a")

    assert t.last(ExitCall).reason is RejectReason.CLOSED
    t.connecting(1.1, "a", t.last(ExitCall).offer)
    t.gone(3, "a")
    closed = t.last(CallClosed)
    assert (closed.outcome, closed.reason) == (Outcome.REJECTED, "closed")


def test_line_drained_caller_who_hears_its_greeting_already_is_served() -> None:
    t = Timeline(THREE)
    t.arrive(0, "early", has_menu=True)
    say(t, 1, "general", LineState.DRAINED)
    t.arrive(2, "late", has_menu=True)

    t.tell(5, ev.CallQueued(call_id("early"), ms(5)))
    t.tell(6, ev.CallQueued(call_id("late"), ms(6)))

    assert t.engine.waiting_by_line()["general"] == 1
    assert [one.call for one in t.all(ExitCall)] == [call_id("late")]


def test_line_drained_nobody_overflows_into_it_any_more() -> None:
    t = Timeline(with_line(THREE, "enterprise", on_no_agent=Exit(line="night")))
    t.arrive(0, "a", "12347")
    say(t, 1, "night", LineState.DRAINED)

    t.arrive(0.5 + 1, "b", "12346")

    assert t.engine.waiting_by_line()["night"] == 1
    assert [one.call for one in t.all(ExitCall)] == [call_id("b")]


def test_line_drained_caller_whose_hand_over_found_nobody_comes_back_into_it() -> None:
    t = Timeline(replace(PLAN, specialists=()))
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(2, "a")
    say(t, 3, "general", LineState.DRAINED)

    t.tell(4, ev.HandOverAsked(call_id("a"), None, "01", HandOverMode.BLIND, ms(4)))
    t.talk_ended(4.1, "a")
    t.hold(4.2, "a")

    assert t.engine.waiting_by_line()["general"] == 1
    assert not t.all(ExitCall)


def test_line_opened_again_takes_callers_as_the_plan_says() -> None:
    t = Timeline(THREE)
    say(t, 0, "general", LineState.DRAINED)
    say(t, 1, "general", LineState.OPEN)

    t.arrive(2, "a")

    assert t.engine.waiting_by_line()["general"] == 1
    assert [one.act for one in t.all(SupervisorActed)] == [Act.LINE_DRAIN, Act.LINE_OPEN]


def test_line_in_emergency_everybody_who_rests_goes_at_once_who_rings_or_talks_does_not() -> None:
    t = Timeline(THREE)
    t.login(0, "1001", "1002")
    for number, name in enumerate(["talks", "rings", "waits", "waits2"]):
        t.arrive(1 + number / 10, name)
    t.talk(2, "talks")
    t.ringing(2, "rings")

    said = say(t, 10, "general", LineState.EMERGENCY, Exit(line="night"))

    assert [one.call for one in said if isinstance(one, CallWaiting)] == [call_id("waits"), call_id("waits2")]
    assert t.engine.waiting_by_line() == {"general": 1, "enterprise": 0, "night": 2}
    acted = t.last(SupervisorActed)
    assert (acted.act, acted.subject, acted.to) == (Act.LINE_EMERGENCY, "general", "night")
    t.arrive(11, "new")
    t.ended(12, "rings", OfferResult.BUSY)
    t.hold(12.1, "rings")
    assert t.engine.waiting_by_line() == {"general": 0, "enterprise": 0, "night": 4}
    assert t.engine.calls[call_id("waits")].score_ms == ms(1.2), "the clock goes on"


def test_line_in_emergency_to_a_number_everybody_leaves_and_the_reason_is_closed() -> None:
    t = Timeline(THREE)
    t.arrive(0, "a")

    say(t, 1, "general", LineState.EMERGENCY, Exit(number="02512345"))

    wish = t.last(ExitCall)
    assert (wish.call, wish.to.number) == (call_id("a"), "02512345")
    t.connecting(1.1, "a", wish.offer)
    t.gone(90, "a")
    closed = t.last(CallClosed)
    assert (closed.outcome, closed.reason) == (Outcome.OVERFLOWED_OUT, "closed")


def test_line_in_emergency_with_a_thousand_callers_they_leave_in_batches_within_a_second_oldest_first() -> None:
    t = Timeline(THREE)
    for number in range(1000):
        t.arrive(number / 1000, f"c{number}")

    say(t, 10, "general", LineState.EMERGENCY, Exit(number="800"))
    assert [one.call for one in t.all(ExitCall)] == [call_id(f"c{number}") for number in range(100)]
    for number in range(100):
        t.connecting(10.01, f"c{number}", t.all(ExitCall)[number].offer)
    t.run_to(10.95)

    assert len({one.call for one in t.all(ExitCall)}) == 1000


def test_line_opened_again_in_the_middle_of_an_emergency_the_rest_stays() -> None:
    t = Timeline(THREE)
    for number in range(150):
        t.arrive(number / 1000, f"c{number}")
    say(t, 10, "general", LineState.EMERGENCY, Exit(line="night"))

    say(t, 10.05, "general", LineState.OPEN)
    t.run_to(20)

    assert t.engine.waiting_by_line() == {"general": 50, "enterprise": 0, "night": 100}


def test_line_in_emergency_to_a_line_that_the_caller_came_from_he_goes_there() -> None:
    t = Timeline(with_line(THREE, "enterprise", on_no_agent=Exit(line="night")))
    t.arrive(0, "a", "12346")

    say(t, 1, "night", LineState.EMERGENCY, Exit(line="enterprise"))

    assert [one.line for one in t.all(CallWaiting)] == ["enterprise", "night", "enterprise"]
    assert t.last(ExitCall).reason is RejectReason.NO_AGENT, "from there the plan leads in a circle: he hears why not"


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        (None, "an emergency needs a place to go to"),
        (Exit(line="general"), "callers would go in a circle"),
        (Exit(line="enterprise"), "callers would go in a circle"),
        (Exit(line="nowhere"), "the plan has no such line to go to"),
    ],
)
def test_emergency_that_leads_nowhere_or_back_is_refused_and_nobody_moves(to: Exit | None, reason: str) -> None:
    t = Timeline(THREE)
    say(t, 0, "night", LineState.EMERGENCY, Exit(line="general"))
    say(t, 0, "enterprise", LineState.EMERGENCY, Exit(line="night"))
    t.arrive(1, "a")

    assert refusal(say(t, 2, "general", LineState.EMERGENCY, to)) == reason
    assert t.engine.waiting_by_line()["general"] == 1


def test_line_is_drained_after_an_emergency_leads_to_it_callers_do_not_go_in_a_circle_but_hear_why() -> None:
    plan = with_line(THREE, "general", on_closed=Exit(line="enterprise"))
    t = Timeline(plan)
    say(t, 1, "enterprise", LineState.EMERGENCY, Exit(line="general"))
    say(t, 2, "general", LineState.DRAINED)

    t.arrive(3, "a")
    t.arrive(3, "b", "12346")

    for name in ("a", "b"):
        leaves = next(one for one in t.all(ExitCall) if one.call == call_id(name))
        assert (leaves.to.reject, leaves.reason) == (True, RejectReason.CLOSED)
    assert [one.what for one in t.all(Noted)] == ["overflow_circle", "overflow_circle"]


def test_emergency_to_a_drained_line_is_refused() -> None:
    t = Timeline(THREE)
    say(t, 0, "night", LineState.DRAINED)

    assert refusal(say(t, 1, "general", LineState.EMERGENCY, Exit(line="night"))) == "the line to go to is drained"


def test_order_for_a_line_that_is_not_there_is_refused() -> None:
    assert refusal(say(Timeline(THREE), 1, "nowhere", LineState.DRAINED)) == "the plan has no such line"


def test_emergency_whose_goal_a_new_plan_lacks_is_not_in_force_until_it_is_back() -> None:
    t = Timeline(THREE)
    say(t, 0, "general", LineState.EMERGENCY, Exit(line="night"))
    smaller = replace(THREE, lines={code: one for code, one in THREE.lines.items() if code != "night"})

    t.tell(1, ev.PlanChanged(smaller, ms(1)))
    t.arrive(2, "a")
    assert t.engine.line_orders() == {}
    assert t.engine.waiting_by_line()["general"] == 1

    t.tell(3, ev.PlanChanged(THREE, ms(3)))
    assert t.engine.line_orders()["general"].state is LineState.EMERGENCY
    assert t.engine.waiting_by_line() == {"general": 0, "enterprise": 0, "night": 1}


def found(at: float, name: str, arrived: float) -> ev.CallFound:
    call = CallId("pbx1", name)
    return ev.CallFound(call, ms(at), "rest", ms(arrived), ms(arrived), ms(arrived), "general", "12345")


def test_service_restarts_line_drained_who_waited_waits_on_who_came_meanwhile_finds_it_closed() -> None:
    t = Timeline(THREE, pbx_up=False)
    t.tell(20, ev.LineOrdered("general", LineState.DRAINED, ms(10), is_restored=True))
    t.tell(20, found(20, "old", 5))
    t.tell(20, found(20, "new", 15))

    t.tell(20, ev.SnapshotDone("pbx1", ms(20)))

    assert t.engine.waiting_by_line()["general"] == 1
    assert [one.call for one in t.all(ExitCall)] == [call_id("new")]
    assert not t.all(SupervisorActed), "it is on record already"


def test_service_restarts_line_in_emergency_everybody_who_is_found_goes() -> None:
    t = Timeline(THREE, pbx_up=False)
    t.tell(20, ev.LineOrdered("general", LineState.EMERGENCY, ms(10), Exit(line="night"), is_restored=True))
    t.tell(20, found(20, "old", 5))

    t.tell(20, ev.SnapshotDone("pbx1", ms(20)))

    assert t.engine.waiting_by_line() == {"general": 0, "enterprise": 0, "night": 1}

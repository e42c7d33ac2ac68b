"""The supervisor's hand: what an order does at once, what it never does, and what of it holds for those who come later."""

from dataclasses import replace

import pytest

from acd import events as ev
from acd.commands import ExitCall, OfferCall, ReturnCall, TagCall
from acd.names import Act, CallId, HandOverMode, LineState, OfferResult, Outcome, RejectReason
from acd.plan import Exit
from acd.records import CallClosed, CallWaiting, Ignored, Noted, OfferMade, SupervisorActed, TalkClosed
from agents.presence import DeviceState, Presence
from tests.scenarios.world import PLAN, T0, Timeline, call_id, line, ms, plan_of, seat, with_line

THREE = plan_of(
    [
        line("general", "general", "12345", max_wait_s=300.0),
        line("enterprise", "enterprise", "12346", wrapup_s=0.0),
        line("night", "night", "12347"),
    ],
    [seat("1001", general=1), seat("1002", general=1), seat("1003", enterprise=1)],
)


def order(t: Timeline, at: float, agent: str, act: Act, reason: str = "") -> list[object]:
    return list(t.tell(at, ev.AgentOrdered(agent, act, ms(at), reason, "local:li", "busy day")))


def say(t: Timeline, at: float, code: str, state: LineState, to: Exit | None = None) -> list[object]:
    return list(t.tell(at, ev.LineOrdered(code, state, ms(at), to, "local:li", "water in the house")))


def move(t: Timeline, at: float, name: str, line: str | None = None, agent: str | None = None) -> list[object]:
    return list(t.tell(at, ev.CallMoved(call_id(name), ms(at), line, agent, "1a2b3c4d", "asked for it")))


def refusal(said: list[object]) -> str:
    """Why nothing was done; an order that was carried out has none."""
    assert not any(isinstance(one, SupervisorActed) for one in said), said
    return next(one.reason for one in said if isinstance(one, Ignored))


def presence(t: Timeline, agent: str) -> Presence:
    return next(one.presence for one in t.engine.agents if one.number == agent)


# agents ----------------------------------------------------------------------------------------------------------------


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


# lines -----------------------------------------------------------------------------------------------------------------


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


# calls -----------------------------------------------------------------------------------------------------------------


def test_waiting_caller_moved_to_a_line_keeps_his_clock_and_takes_its_need() -> None:
    t = Timeline(THREE)
    t.login(0, "1003")
    t.arrive(1, "first", "12347")
    t.arrive(2, "moved")

    move(t, 40, "moved", line="enterprise")

    made = t.last(OfferMade)
    assert (made.call, made.agent, made.line, made.score_s) == (call_id("moved"), "1003", "enterprise", 38.0)
    assert t.last(TagCall) == TagCall(call_id("moved"), ms(2), "enterprise")
    acted = t.last(SupervisorActed)
    assert acted == SupervisorActed(
        ms(40), Act.CALL_MOVE, "pbx1/moved", "enterprise", "1a2b3c4d", "asked for it", call_id("moved")
    )


def test_waiting_caller_moved_to_a_line_its_limits_hold_for_him() -> None:
    t = Timeline(with_line(THREE, "night", max_waiting=1, on_full=Exit(number="800")))
    t.arrive(0, "there", "12347")
    t.arrive(1, "moved")

    move(t, 2, "moved", line="night")

    assert (t.last(ExitCall).call, t.last(ExitCall).to.number) == (call_id("moved"), "800")


def test_caller_in_the_greeting_is_moved_to_a_line_queues_there_when_it_is_over() -> None:
    t = Timeline(THREE)
    t.arrive(0, "a", has_menu=True)

    move(t, 1, "a", line="night")
    t.tell(5, ev.CallQueued(call_id("a"), ms(5)))

    assert [one.line for one in t.all(CallWaiting)] == ["night"]


def test_talking_caller_moved_to_a_line_is_let_go_and_waits_there_with_what_he_had_waited() -> None:
    t = Timeline(THREE)
    t.arrive(0, "a")
    t.arrive(50, "b", "12346")
    t.login(59, "1001")
    t.talk(60, "a")

    move(t, 100, "a", line="enterprise")

    assert t.last(ReturnCall).release == next(iter(t.engine.calls[call_id("a")].talks))
    t.talk_ended(100.1, "a")
    t.hold(100.2, "a")
    assert presence(t, "1001") is Presence.ACW
    t.login(101, "1003")
    made = t.last(OfferMade)
    assert (made.call, made.line) == (call_id("a"), "enterprise"), "60 s against 51 s: the talk does not count"
    t.talk(102, "a")
    t.gone(200, "a")
    assert t.last(CallClosed).outcome is Outcome.AGENT_ANSWERED


NOTICED = with_line(THREE, "enterprise", record=True, notice="callcenter/notice-recorded")


def test_talking_caller_moved_to_a_line_that_records_hears_its_notice_before_he_is_queued_there() -> None:
    t = Timeline(NOTICED)
    t.login(0, "1001", "1003")
    t.arrive(1, "a")
    t.talk(1, "a")

    move(t, 10, "a", line="enterprise")

    assert t.last(ReturnCall).prompt == "callcenter/notice-recorded"
    t.talk_ended(10.1, "a")
    t.run_to(12.2)  # he hears it; what we ask of the PBX meanwhile changes nothing
    said = ev.CallFound(
        call_id("a"), ms(12.2), "exit", ms(1), ms(1), ms(10.1), "enterprise", "12345", kind="say", number="0"
    )
    t.tell(12.2, said)
    assert [one.agent for one in t.all(OfferMade)] == ["1001"]
    t.hold(14, "a")
    assert [one.agent for one in t.all(OfferMade)] == ["1001", "1003"]
    assert t.last(TagCall).score_ms == t.engine.calls[call_id("a")].score_ms == ms(10.1)


def test_caller_in_the_greeting_is_moved_twice_he_hears_the_notice_all_the_same() -> None:
    t = Timeline(with_line(NOTICED, "night", record=True, notice="callcenter/notice-recorded"))
    t.login(0, "1003")
    t.arrive(0, "a", has_menu=True)

    move(t, 1, "a", line="night")
    move(t, 2, "a", line="enterprise")
    t.tell(5, ev.CallQueued(call_id("a"), ms(5)))

    assert t.last(ExitCall).to == Exit(line="enterprise", prompt="callcenter/notice-recorded")


def test_caller_in_the_greeting_is_moved_on_to_a_line_that_does_not_record_he_hears_no_notice() -> None:
    t = Timeline(NOTICED)
    t.arrive(0, "a", has_menu=True)

    move(t, 1, "a", line="enterprise")
    move(t, 2, "a", line="night")
    t.tell(5, ev.CallQueued(call_id("a"), ms(5)))

    assert t.all(ExitCall) == []
    assert [one.line for one in t.all(CallWaiting)] == ["night"]


def test_caller_in_the_greeting_is_moved_to_a_line_that_records_he_hears_its_notice_too() -> None:
    t = Timeline(NOTICED)
    t.login(0, "1003")
    t.arrive(0, "a", has_menu=True)

    move(t, 1, "a", line="enterprise")
    t.tell(5, ev.CallQueued(call_id("a"), ms(5)))

    assert t.last(ExitCall).to == Exit(line="enterprise", prompt="callcenter/notice-recorded")
    assert t.all(OfferMade) == []
    t.connecting(5, "a", t.last(ExitCall).offer)
    t.hold(7, "a")
    assert [one.line for one in t.all(CallWaiting)] == ["enterprise"]
    assert t.last(OfferMade).agent == "1003"


def test_talking_caller_moved_the_wish_was_lost_it_is_written_again() -> None:
    t = Timeline(THREE)
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(2, "a")
    offer = next(iter(t.engine.calls[call_id("a")].talks))
    move(t, 10, "a", line="night")
    t.run_to(12.1)

    t.tell(
        12.2,
        ev.CallFound(
            call_id("a"), ms(12.2), "talk", ms(1), ms(1), ms(1), "night", "12345", offer=offer, number="phone1001"
        ),
    )

    assert len(t.all(ReturnCall)) == 2


def test_waiting_caller_moved_to_an_agent_is_offered_to_exactly_him() -> None:
    t = Timeline(THREE)
    t.arrive(0, "a", "12347")
    t.login(1, "1001", "1002")

    move(t, 5, "a", agent="1002")

    made = t.last(OfferMade)
    assert (made.agent, made.strategy, made.could) == ("1002", "supervisor", 1)
    assert t.last(SupervisorActed).to == "1002"
    t.talk(6, "a")
    assert presence(t, "1002") is Presence.TALKING


def test_waiting_caller_moved_to_an_agent_who_does_not_answer_is_back_in_his_place() -> None:
    t = Timeline(THREE)
    t.arrive(0, "a", "12347")
    t.login(1, "1001")
    move(t, 5, "a", agent="1001")
    t.ringing(5, "a")

    t.ended(25, "a", OfferResult.NOT_ANSWERED)
    t.hold(25.1, "a")

    call = t.engine.calls[call_id("a")]
    assert (call.line.code, call.counted, call.score_ms) == ("night", "night", ms(0))
    assert t.engine.waiting_by_line()["night"] == 1


def test_talking_caller_moved_to_an_agent_the_wish_is_written_before_the_seat_is_let_go() -> None:
    t = Timeline(THREE)
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(2, "a")
    first = next(iter(t.engine.calls[call_id("a")].talks))
    t.login(3, "1003")

    move(t, 10, "a", agent="1003")

    wish = t.last(OfferCall)
    assert (wish.number, wish.release) == ("phone1003", first)
    assert presence(t, "1003") is Presence.RINGING
    t.talk_ended(10.1, "a", first)
    t.talk(11, "a")
    assert presence(t, "1003") is Presence.TALKING
    assert presence(t, "1001") is Presence.ACW


def test_talking_caller_moved_to_an_agent_who_refuses_waits_in_his_line_again() -> None:
    t = Timeline(THREE)
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(2, "a")
    first = next(iter(t.engine.calls[call_id("a")].talks))
    t.login(3, "1003")
    move(t, 10, "a", agent="1003")
    t.talk_ended(10.1, "a", first)
    t.ringing(10.2, "a")

    t.ended(12, "a", OfferResult.REFUSED)
    t.hold(12.1, "a")

    assert t.engine.waiting_by_line()["general"] == 1


def in_place(t: Timeline, place: str) -> None:
    """Bring caller a where a supervisor cannot move him from."""
    if place == "gone":
        return
    t.arrive(1, "a")
    if place == "rings":
        t.login(2, "1001")
        t.ringing(2, "a")
    elif place == "returns":
        t.login(2, "1001")
        t.ringing(2, "a")
        t.ended(3, "a", OfferResult.BUSY)
    elif place == "leaves":
        say(t, 2, "general", LineState.EMERGENCY, Exit(number="800"))
        say(t, 2, "general", LineState.OPEN)
    elif place == "link":
        t.tell(2, ev.LinkLost("pbx1", ms(2)))
    elif place == "joined":
        t.tell(2, ev.PartyJoined(call_id("a"), "other", ms(2)))
    elif place == "two":
        t.login(2, "1001")
        t.talk(2, "a")
        t.tell(3, ev.PartyJoined(call_id("a"), "other", ms(3)))
    elif place == "moves":
        t.login(2, "1001")
        t.talk(2, "a")
        move(t, 3, "a", line="enterprise")
    t.said.clear()


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("gone", "no such call"),
        ("rings", "a phone is ringing for this caller: try again when the offer has ended"),
        ("returns", "this caller is on his way back to hold: try again in a moment"),
        ("leaves", "this caller is on his way out"),
        ("link", "his PBX cannot be reached"),
        ("joined", "a phone took this caller by itself: only that phone can pass him on"),
        ("two", "more than one person talks with this caller"),
        ("moves", "this caller is on his way back to hold: try again in a moment"),
    ],
)
@pytest.mark.parametrize("to", [{"line": "night"}, {"agent": "1002"}])
def test_caller_who_cannot_be_moved_now_stays_where_he_is_and_the_supervisor_hears_why(
    place: str, reason: str, to: dict[str, str]
) -> None:
    t = Timeline(THREE)
    in_place(t, place)
    t.login(4, "1002") if place != "link" else None

    said = move(t, 4, "a", **to)

    assert refusal(said) == reason
    assert not any(isinstance(one, OfferCall | ReturnCall | ExitCall | TagCall) for one in said)


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ({"line": "nowhere"}, "the plan has no such line"),
        ({"line": "general"}, "this caller is in that line already"),
        ({"line": "enterprise"}, "that line takes no new callers now"),
        ({"agent": "9999"}, "not an agent of the plan"),
        ({"agent": "1001"}, "the agent is not logged in"),
        ({"agent": "1002"}, "the agent is not ready for a call: not_ready"),
        ({"agent": "1003"}, "the agent's phone is busy"),
        ({}, "not an agent of the plan"),
    ],
)
def test_caller_moved_to_where_nobody_takes_him_stays_and_the_supervisor_hears_why(
    to: dict[str, str], reason: str
) -> None:
    t = Timeline(THREE)
    t.arrive(0, "a")
    say(t, 1, "enterprise", LineState.DRAINED)
    t.device(1, "phone1003", DeviceState.BUSY)
    t.login(1, "1003")
    order(t, 1, "1002", Act.AGENT_READY)
    t.tell(1, ev.AgentRestored("1002", "phone1002", Presence.NOT_READY, "break", ms(0), ms(0), None, 0, ms(1)))

    assert refusal(move(t, 2, "a", **to)) == reason
    assert t.engine.waiting_by_line()["general"] == 1
    assert T0 < t.engine.calls[call_id("a")].score_ms


def test_caller_in_the_greeting_cannot_be_moved_to_an_agent_yet() -> None:
    t = Timeline(THREE)
    t.arrive(0, "a", has_menu=True)
    t.login(1, "1001")

    assert "greeting" in refusal(move(t, 2, "a", agent="1001"))

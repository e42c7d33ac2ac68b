"""The waiting line: order, steps, limits, and the ways out."""

from acd import events as ev
from acd.commands import ExitCall
from acd.names import EndedBy, Outcome, RejectReason
from acd.plan import REJECT, Exit
from acd.records import CallClosed, CallInMenu, CallLeft, CallWaiting, Ignored, Noted, OfferMade, StepTaken
from tests.scenarios.world import PLAN, Timeline, call_id, line, ms, plan_of, seat, with_line


def test_callers_of_two_lines_are_answered_in_order_of_waiting_plus_head_start() -> None:
    plan = plan_of(
        [line("a", "x", "1", wrapup_s=0.0), line("b", "x", "2", wrapup_s=0.0, priority_s=30.0)], [seat("1", x=1)]
    )
    t = Timeline(plan)
    for at, name, did in [(0, "a0", "1"), (10, "a10", "1"), (20, "b20", "2"), (45, "b45", "2"), (46, "a46", "1")]:
        t.arrive(at, name, did)
    t.login(50, "1")
    for _ in range(4):
        name = t.last(OfferMade).call.uniqueid
        t.talk(50, name)
        t.talk_ended(50, name)
        t.gone(50, name)
    assert [one.call.uniqueid for one in t.all(OfferMade)] == ["b20", "a0", "a10", "b45", "a46"]
    assert t.all(OfferMade)[0].score_s == 60.0


def test_same_score_first_come_first_served() -> None:
    t = Timeline()
    t.arrive(0, "first")
    t.arrive(0, "second")
    t.login(5, "1001")
    assert t.last(OfferMade).call == call_id("first")


def test_step_widens_the_need_and_free_agent_gets_the_call_at_once() -> None:
    plan = with_line(PLAN, "general", steps=line("x", "x", steps=((20, "general or enterprise", None),)).steps)
    t = Timeline(plan)
    t.login(0, "1003")
    t.arrive(5, "a")
    t.run_to(30)
    assert t.all(StepTaken) == [
        StepTaken(call_id("a"), ms(25), 1, "general", "general or enterprise"),
    ]
    made = t.last(OfferMade)
    assert (made.agent, made.step, made.need) == ("1003", 1, "general or enterprise")


def test_overflow_step_takes_agents_of_either_line() -> None:
    plan = with_line(PLAN, "general", steps=line("x", "x", steps=((20, "", "enterprise"),)).steps)
    t = Timeline(plan)
    t.login(0, "1003")
    t.arrive(5, "a")
    t.run_to(25)
    assert (t.last(OfferMade).line, t.last(OfferMade).need) == ("enterprise", "(general) or (enterprise)")


def test_longest_wait_is_over_caller_is_rejected() -> None:
    t = Timeline(with_line(PLAN, "general", max_wait_s=60.0))
    t.arrive(0, "a")
    t.run_to(60)
    assert t.all(ExitCall) == [ExitCall(call_id("a"), "3-1", REJECT, RejectReason.MAX_WAIT)]
    t.connecting(60.1, "a", "3-1")
    t.gone(63, "a", EndedBy.SYSTEM)
    assert t.last(CallClosed).outcome is Outcome.REJECTED
    assert t.last(CallClosed).reason == "max_wait"


def test_longest_wait_passes_while_phone_rings_offer_is_not_withdrawn() -> None:
    t = Timeline(with_line(PLAN, "general", max_wait_s=10.0))
    t.login(0, "1001")
    t.arrive(1, "a")
    t.ringing(1, "a")
    t.run_to(15)
    assert not t.all(ExitCall)
    t.answered(15, "a")
    t.gone(20, "a")
    assert t.last(CallClosed).outcome is Outcome.AGENT_ANSWERED


def test_exit_not_confirmed_is_written_again() -> None:
    t = Timeline(with_line(PLAN, "general", max_wait_s=60.0))
    t.arrive(0, "a")
    t.run_to(62)
    assert t.when(ExitCall) == [60, 61, 62]
    t.gone(62.5, "a")
    assert t.last(CallClosed).outcome is Outcome.ABANDONED_QUEUE


def test_line_is_full_caller_goes_to_outside_number() -> None:
    t = Timeline(with_line(PLAN, "general", max_waiting=1, on_full=Exit(number="555")))
    t.arrive(0, "a")
    t.arrive(1, "b")
    assert t.all(ExitCall) == [ExitCall(call_id("b"), "3-1", Exit(number="555"), RejectReason.FULL)]
    t.connecting(1.1, "b", "3-1")
    assert t.all(CallLeft) == [CallLeft(call_id("b"), ms(1.1), "555")]
    t.gone(30, "b")
    assert (t.last(CallClosed).outcome, t.last(CallClosed).reason) == (Outcome.OVERFLOWED_OUT, "full")


def test_line_is_full_but_agent_is_free_caller_is_answered() -> None:
    plan = with_line(PLAN, "enterprise", max_waiting=0)
    t = Timeline(plan)
    t.login(0, "1003")
    t.arrive(1, "a", "12346")
    assert t.last(OfferMade).agent == "1003"
    assert not t.all(ExitCall)


def test_lines_overflow_in_a_circle_caller_is_rejected() -> None:
    plan = with_line(PLAN, "general", max_waiting=0, on_full=Exit(line="enterprise"))
    plan = with_line(plan, "enterprise", max_waiting=0, on_full=Exit(line="general"))
    t = Timeline(plan)
    t.arrive(0, "a")
    assert [(one.line, one.seq) for one in t.all(CallWaiting)] == [("general", 1), ("enterprise", 2)]
    assert t.last(Noted).what == "overflow_circle"
    assert (t.last(ExitCall).to, t.last(ExitCall).reason) == (REJECT, RejectReason.BUSY)


def test_nobody_logged_in_who_could_take_it_caller_leaves_by_on_no_agent() -> None:
    t = Timeline(with_line(PLAN, "general", on_no_agent=Exit(reject=True)))
    t.login(0, "1003")
    t.arrive(1, "a")
    assert t.last(ExitCall).reason is RejectReason.NO_AGENT
    t.login(2, "1001")
    t.tell(3, ev.AgentNotReady("1001", ms(3), "break"))
    t.arrive(4, "b")
    assert not t.when(ExitCall, call=call_id("b")), "logged in is enough: he will be back"


def test_last_agent_who_could_take_them_logs_out_waiting_callers_leave_by_on_no_agent() -> None:
    t = Timeline(with_line(PLAN, "general", on_no_agent=Exit(number="555")))
    t.login(0, "1001", "1003")
    t.tell(1, ev.AgentNotReady("1001", ms(1), "break"))
    t.arrive(2, "a")
    assert not t.all(ExitCall)
    t.tell(9, ev.AgentLoggedOut("1001", ms(9)))
    assert (t.when(ExitCall), t.last(ExitCall).to.number) == ([9], "555")


def test_caller_hangs_up_in_greeting_is_abandoned_ivr() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a", has_menu=True)
    t.tell(1.5, ev.MenuStarted(call_id("a"), ms(1.5)))
    assert t.all(CallInMenu)
    assert not t.all(OfferMade)
    t.gone(3, "a")
    assert t.last(CallClosed).outcome is Outcome.ABANDONED_IVR


def test_greeting_is_over_call_is_queued_and_offered() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a", has_menu=True)
    t.tell(9, ev.CallQueued(call_id("a"), ms(9)))
    assert t.all(CallWaiting) == [CallWaiting(call_id("a"), ms(9), "general", "general", 1)]
    assert t.last(OfferMade).score_s == 8.0, "the score counts from the arrival"


def test_unknown_did_goes_to_default_line_with_a_note() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a", "99999")
    assert t.last(Noted).what == "unknown_did"
    assert t.last(OfferMade).line == "general"


def test_pbx_drops_waiting_caller_outcome_is_failed() -> None:
    t = Timeline()
    t.arrive(1, "a")
    t.gone(2, "a", EndedBy.SYSTEM)
    assert t.last(CallClosed).outcome is Outcome.FAILED


def test_waiting_numbers_and_oldest_wait_count_ringing_callers_too() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(10, "a")
    t.ringing(10, "a")
    t.arrive(15, "b")
    assert t.engine.waiting_by_line() == {"general": 2, "enterprise": 0}
    assert t.engine.oldest_wait_by_line(1_000_020.0) == {"general": 10.0, "enterprise": 0.0}
    assert not t.all(Ignored)

"""Agents: log-in, wishes that wait, wrap-up, phones that are busy or cannot be reached."""

from dataclasses import replace

import pytest

from acd import events as ev
from acd.commands import MirrorAgent
from acd.names import Act, EndedBy, OfferResult
from acd.records import Ignored, OfferMade, PresenceChanged
from agents.presence import DeviceState, Presence
from tests.scenarios.world import PLAN, Timeline, call_id, ms, with_line

WORK = replace(PLAN, not_ready_reasons={"1": "break", "5": "write_up"}, case_work_reasons=("write_up",))


def test_agent_logs_in_is_ready_at_once_and_takes_the_waiting_call() -> None:
    t = Timeline()
    t.arrive(0, "a")
    t.login(5, "1001")
    assert [one[1] for one in t.presences("1001")] == ["ready", "ringing"]
    assert t.last(OfferMade).score_s == 5.0


def test_agent_logs_in_at_another_phone_old_tie_ends() -> None:
    t = Timeline()
    t.tell(0, ev.AgentLoggedIn("1001", "p1", ms(0)))
    t.tell(1, ev.AgentLoggedIn("1001", "p2", ms(1)))
    assert t.engine.agent_at("p1") is None
    assert t.last(PresenceChanged).device == "p2"
    assert [(one.device, one.lines) for one in t.all(MirrorAgent)] == [
        ("p1", ("general",)),
        ("p1", ()),
        ("p2", ("general",)),
    ]


def test_ready_agent_moves_to_another_phone_his_idle_clock_starts_again() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.login(5, "1002")
    t.tell(9, ev.AgentLoggedIn("1001", "elsewhere", ms(9)))
    t.arrive(10, "a")
    assert t.last(OfferMade).agent == "1002"
    assert [(one.agent, one.why) for one in t.last(OfferMade).passed_over] == [("1001", "less_idle")]


def test_another_agent_logs_in_at_the_phone_first_one_is_logged_out() -> None:
    t = Timeline()
    t.tell(0, ev.AgentLoggedIn("1001", "p1", ms(0)))
    t.tell(1, ev.AgentLoggedIn("1002", "p1", ms(1)))
    assert t.presences("1001")[-1] == (1, "logged_out")
    assert t.engine.agent_at("p1").number == "1002"  # type: ignore[union-attr]  # he sits there


def test_stranger_logs_in_is_ignored() -> None:
    t = Timeline()
    t.tell(0, ev.AgentLoggedIn("4711", "p1", ms(0)))
    assert t.last(Ignored).reason == "not an agent of the plan"


def test_agent_wants_a_break_while_talking_gets_it_after_wrap_up() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(1, "a")
    t.tell(5, ev.AgentNotReady("1001", ms(5), "break"))
    assert (t.last(PresenceChanged).presence, t.last(PresenceChanged).wants) == ("talking", "break")
    t.talk_ended(10, "a")
    t.run_to(40)
    assert t.presences("1001")[-2:] == [(10, "acw"), (30, "not_ready")]
    assert t.last(PresenceChanged).reason == "break"


def test_agent_logs_out_while_phone_rings_and_does_not_answer_is_logged_out() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    t.ringing(1, "a")
    t.tell(2, ev.AgentLoggedOut("1001", ms(2)))
    t.ended(21, "a", OfferResult.NOT_ANSWERED)
    assert t.presences("1001")[-1] == (21, "logged_out")


def test_agent_extends_wrap_up_to_the_longest_and_ends_it() -> None:
    t = Timeline(with_line(PLAN, "general", wrapup_s=20.0, wrapup_max_s=70.0))
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(1, "a")
    t.talk_ended(10, "a")
    t.tell(15, ev.WrapUpExtended("1001", ms(15)))
    assert t.last(PresenceChanged).until_ms == ms(80)
    t.tell(16, ev.WrapUpExtended("1001", ms(16)))
    assert t.last(Ignored).reason == "wrap-up is at its longest"
    t.tell(50, ev.WrapUpEnded("1001", ms(50)))
    assert t.presences("1001")[-1] == (50, "ready")


def test_phone_is_unreachable_nothing_is_offered_until_it_is_idle() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.device(1, "phone1001", DeviceState.UNREACHABLE)
    assert t.last(PresenceChanged).reachable is False
    t.arrive(2, "a")
    assert not t.all(OfferMade)
    t.device(9, "phone1001", DeviceState.IDLE)
    assert t.when(OfferMade) == [9]


def test_phone_in_private_use_nothing_is_offered_until_it_is_idle() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.device(1, "phone1001", DeviceState.BUSY)
    t.arrive(2, "a")
    t.device(30, "phone1001", DeviceState.IDLE)
    assert t.when(OfferMade) == [30]


def test_phone_says_busy_after_talk_without_wrap_up_is_given_half_a_second() -> None:
    t = Timeline(with_line(PLAN, "general", wrapup_s=0.0))
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(1, "a")
    t.device(1, "phone1001", DeviceState.BUSY)
    t.arrive(2, "b")
    t.talk_ended(10, "a")
    t.run_to(12)
    assert t.when(OfferMade, call=call_id("b"))[0] == 10.5


def test_phone_refuses_again_and_again_rest_doubles_up_to_a_minute() -> None:
    t = Timeline()
    t.login(0, "1001")
    at = 1.0
    gaps = []
    for n in range(6):
        t.arrive(at, f"c{n}")
        assert t.last(OfferMade).call == call_id(f"c{n}")
        t.connecting(at, f"c{n}")
        t.ended(at, f"c{n}", OfferResult.REFUSED)
        t.gone(at, f"c{n}")
        rested = t.engine.agent_at("phone1001").rest_until - 1_000_000  # type: ignore[union-attr]  # he sits there
        gaps.append(rested - at)
        at = rested
    assert gaps == [5, 10, 20, 40, 60, 60]


def test_phone_is_unreachable_three_offers_in_a_row_agent_is_not_ready() -> None:
    t = Timeline()
    t.login(0, "1001")
    for n in range(3):
        at = 100.0 * n + 1
        t.arrive(at, f"c{n}")
        t.connecting(at, f"c{n}")
        t.ended(at, f"c{n}", OfferResult.UNREACHABLE)
        t.gone(at, f"c{n}")
    last = t.last(PresenceChanged)
    assert (last.presence, last.reason, last.misses) == ("not_ready", "unreachable", 0)


def test_caller_is_put_on_hold_time_is_on_record_of_the_talk() -> None:
    from acd.records import TalkClosed

    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(1, "a")
    t.tell(5, ev.HoldStarted(call_id("a"), "3-1", ms(5)))
    assert t.presences("1001")[-1] == (5, "hold")
    t.tell(9, ev.HoldEnded(call_id("a"), "3-1", ms(9)))
    t.tell(12, ev.HoldStarted(call_id("a"), "3-1", ms(12)))
    t.talk_ended(14, "a")
    assert t.last(TalkClosed).hold_ms == 6000


def test_fallback_queues_see_ready_unpaused_wrap_up_paused_logged_out_removed() -> None:
    t = Timeline()
    t.login(0, "1002")
    t.arrive(1, "a")
    t.talk(1, "a")
    t.talk_ended(5, "a")
    t.run_to(25)
    t.tell(26, ev.AgentNotReady("1002", ms(26), "lunch"))
    t.tell(27, ev.AgentLoggedOut("1002", ms(27)))
    assert [(one.paused, one.reason, len(one.lines)) for one in t.all(MirrorAgent)] == [
        (False, "", 2),
        (True, "acw", 2),
        (False, "", 2),
        (True, "lunch", 2),
        (False, "", 0),
    ]


def test_agent_dials_out_is_dialling_talking_and_ready_when_nobody_answers() -> None:
    from acd.names import EndedBy

    t = Timeline()
    t.login(0, "1001")
    t.tell(1, ev.OutboundStarted(call_id("o1"), "phone1001", "555", None, ms(1)))
    t.tell(9, ev.OutboundEnded(call_id("o1"), ms(9), EndedBy.AGENT, "NOANSWER"))
    t.tell(10, ev.OutboundStarted(call_id("o2"), "phone1001", "555", None, ms(10)))
    t.tell(12, ev.OutboundAnswered(call_id("o2"), ms(12)))
    t.tell(20, ev.OutboundEnded(call_id("o2"), ms(20), EndedBy.AGENT, "ANSWER"))
    assert t.presences("1001") == [
        (0, "ready"),
        (1, "dialling"),
        (9, "ready"),
        (10, "dialling"),
        (12, "talking"),
        (20, "acw"),
    ]


def test_agent_says_again_what_he_is_he_is_it_since_he_first_said_so() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.tell(10, ev.AgentNotReady("1001", ms(10), "break"))
    t.tell(20, ev.AgentNotReady("1001", ms(20), "break"))
    agent = t.engine.agent("1001")
    assert agent is not None
    assert agent.since_ms == ms(10)
    t.tell(30, ev.AgentNotReady("1001", ms(30), "lunch"))
    assert (agent.since_ms, agent.reason) == (ms(30), "lunch")


def test_agent_takes_a_reason_of_case_work_is_at_case_work_and_offered_nothing_until_he_is_ready() -> None:
    t = Timeline(WORK)
    t.login(0, "1001")
    t.tell(10, ev.AgentNotReady("1001", ms(10), "write_up"))
    assert (t.last(PresenceChanged).presence, t.last(PresenceChanged).reason) == ("case_work", "write_up")
    t.arrive(20, "a")
    assert not t.all(OfferMade)
    t.tell(30, ev.AgentReady("1001", ms(30)))
    assert t.when(OfferMade) == [30]
    assert t.presences("1001") == [(0, "ready"), (10, "case_work"), (30, "ready"), (30, "ringing")]


def test_agent_goes_from_case_work_to_a_break_and_back_each_is_its_own_state() -> None:
    t = Timeline(WORK)
    t.login(0, "1001")
    for at, reason in ((10, "write_up"), (20, "break"), (30, "write_up")):
        t.tell(at, ev.AgentNotReady("1001", ms(at), reason))
    t.tell(40, ev.AgentLoggedOut("1001", ms(40)))
    assert t.presences("1001")[1:] == [(10, "case_work"), (20, "not_ready"), (30, "case_work"), (40, "logged_out")]


@pytest.mark.parametrize(("wrapup_s", "at"), [(20.0, 30), (0.0, 10)])
def test_agent_wants_case_work_while_talking_gets_it_after_wrap_up(wrapup_s: float, at: int) -> None:
    t = Timeline(with_line(WORK, "general", wrapup_s=wrapup_s))
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(1, "a")
    t.tell(5, ev.AgentNotReady("1001", ms(5), "write_up"))
    t.tell(7, ev.HoldStarted(call_id("a"), t.offer_of("a"), ms(7)))
    t.talk_ended(10, "a")
    t.run_to(40)
    assert t.presences("1001")[-1] == (at, "case_work")


def test_agent_wants_case_work_while_his_phone_rings_and_lets_it_ring_gets_it() -> None:
    t = Timeline(WORK)
    t.login(0, "1001")
    t.arrive(1, "a")
    t.ringing(1, "a")
    t.tell(2, ev.AgentNotReady("1001", ms(2), "write_up"))
    t.ended(21, "a", OfferResult.NOT_ANSWERED)
    assert t.presences("1001")[-1] == (21, "case_work")


def test_agent_at_case_work_dials_out_comes_back_to_it() -> None:
    t = Timeline(with_line(WORK, "general", wrapup_s=0.0))
    t.login(0, "1001")
    t.tell(1, ev.AgentNotReady("1001", ms(1), "write_up"))
    t.tell(2, ev.OutboundStarted(call_id("o1"), "phone1001", "555", "general", ms(2)))
    t.tell(3, ev.OutboundAnswered(call_id("o1"), ms(3)))
    t.tell(9, ev.OutboundEnded(call_id("o1"), ms(9), EndedBy.AGENT, "ANSWER"))
    states = [state for _, state in t.presences("1001")]
    assert states == ["ready", "case_work", "dialling", "talking", "case_work"]
    assert t.last(PresenceChanged).reason == "write_up"


def test_agent_at_case_work_takes_a_call_at_his_phone_is_talking_without_ringing() -> None:
    t = Timeline(WORK)
    t.login(0, "1001")
    t.tell(1, ev.AgentNotReady("1001", ms(1), "write_up"))
    t.arrive(10, "a")
    t.tell(11, ev.PartyJoined(call_id("a"), "phone1001", ms(11)))
    assert t.presences("1001")[-1] == (11, "talking")


def test_supervisor_orders_not_ready_with_a_reason_of_case_work_it_is_case_work() -> None:
    t = Timeline(WORK)
    t.login(0, "1001", "1002")
    t.tell(1, ev.AgentOrdered("1001", Act.AGENT_NOT_READY, ms(1), "write_up"))
    t.tell(1, ev.AgentOrdered("1002", Act.AGENT_NOT_READY, ms(1)))
    assert [t.presences(agent)[-1] for agent in ("1001", "1002")] == [(1, "case_work"), (1, "not_ready")]


def test_fallback_queues_see_case_work_paused_with_its_reason() -> None:
    t = Timeline(WORK)
    t.login(0, "1001")
    t.tell(1, ev.AgentNotReady("1001", ms(1), "write_up"))
    assert (t.last(MirrorAgent).paused, t.last(MirrorAgent).reason) == (True, "write_up")
    t.tell(2, ev.AgentReady("1001", ms(2)))
    assert not t.last(MirrorAgent).paused


def test_service_starts_again_agent_at_case_work_still_is_with_his_reason() -> None:
    t = Timeline(WORK, pbx_up=False)
    restored = ev.AgentRestored("1001", "phone1001", Presence.CASE_WORK, "write_up", ms(-90), ms(-99), None, 0, ms(0))
    t.tell(0, restored)
    t.tell(0, ev.SnapshotDone("pbx1", ms(0)))
    t.arrive(1, "a")
    assert not t.all(OfferMade)
    assert (t.last(MirrorAgent).paused, t.last(MirrorAgent).reason) == (True, "write_up")
    t.tell(5, ev.AgentReady("1001", ms(5)))
    assert t.when(OfferMade) == [5]


def test_plan_no_longer_marks_the_reason_who_is_at_case_work_stays_until_he_says_something_else() -> None:
    t = Timeline(WORK)
    t.login(0, "1001")
    t.tell(1, ev.AgentNotReady("1001", ms(1), "write_up"))
    t.tell(2, ev.PlanChanged(replace(WORK, case_work_reasons=()), ms(2)))
    assert t.presences("1001")[-1] == (1, "case_work")
    t.tell(3, ev.AgentNotReady("1001", ms(3), "write_up"))
    assert t.presences("1001")[-1] == (3, "not_ready")

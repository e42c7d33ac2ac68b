"""Agents dial out: presence, wrap-up, and a call beside a call of ours."""

import pytest

from acd import events as ev
from acd.names import EndedBy, OfferResult
from acd.records import CallClosed, CallOpened, OfferMade, TalkClosed, TalkOpened
from tests.scenarios.world import Timeline, call_id, ms

OUT = call_id("p-7.7")
WRAPUP_S = 20.0


def started(t: Timeline, at: float, line: str | None = "general", follows: str | None = None) -> None:
    t.tell(at, ev.OutboundStarted(OUT, "phone1001", "13900000001", line, ms(at), follows))


def answered(t: Timeline, at: float) -> None:
    t.tell(at, ev.OutboundAnswered(OUT, ms(at)))


def ended(t: Timeline, at: float, cause: str = "ANSWER", by: EndedBy = EndedBy.AGENT) -> None:
    t.tell(at, ev.OutboundEnded(OUT, ms(at), by, cause))


def test_agent_reaches_somebody_he_has_the_wrap_up_of_the_line_he_dialled_for() -> None:
    t = Timeline()
    t.login(0, "1001")
    started(t, 1, "enterprise", "p-1.1")  # wrap-up 0 in this plan
    answered(t, 4)
    ended(t, 9)
    assert t.presences("1001") == [(0, "ready"), (1, "dialling"), (4, "talking"), (9, "ready")]
    opened, closed = t.last(CallOpened), t.last(CallClosed)
    assert (opened.direction, opened.agent, opened.line, opened.follows) == ("outbound", "1001", "enterprise", "p-1.1")
    assert (closed.outcome, closed.reason, closed.by) == (None, "ANSWER", EndedBy.AGENT)
    assert (t.last(TalkOpened).at_ms, t.last(TalkClosed).at_ms) == (ms(4), ms(9))
    started(t, 10)
    answered(t, 11)
    ended(t, 12)
    assert t.presences("1001")[-1] == (12, "acw")
    t.run_to(12 + WRAPUP_S)
    assert t.presences("1001")[-1] == (12 + WRAPUP_S, "ready")


@pytest.mark.parametrize("cause", ["BUSY", "NOANSWER", "CANCEL", "REFUSED", "CHANUNAVAIL", "CONGESTION"])
def test_agent_not_ready_reaches_nobody_and_is_not_ready_for_the_same_reason(cause: str) -> None:
    t = Timeline()
    t.login(0, "1001")
    t.tell(1, ev.AgentNotReady("1001", ms(1), "meal"))
    started(t, 2)
    ended(t, 5, cause, EndedBy.SYSTEM)
    agent = t.engine.agent_at("phone1001")
    assert agent is not None
    assert (agent.presence, agent.reason, agent.wants) == ("not_ready", "meal", "")
    assert t.all(TalkOpened) == []
    assert t.last(CallClosed).reason == cause


def test_agent_dials_in_wrap_up_reaches_nobody_and_the_rest_of_it_is_his() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(2, "a")
    t.gone(10, "a")
    started(t, 15)
    ended(t, 18, "BUSY")
    agent = t.engine.agent_at("phone1001")
    assert agent is not None
    assert (agent.presence, agent.until_ms) == ("acw", ms(10 + WRAPUP_S))
    t.run_to(31)
    assert t.presences("1001")[-1] == (10 + WRAPUP_S, "ready")


def test_agent_dials_in_wrap_up_beyond_its_end_and_is_ready_after_the_try() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(2, "a")
    t.gone(10, "a")
    started(t, 15)
    t.run_to(40)
    assert t.presences("1001")[-1] == (15, "dialling")
    ended(t, 45, "NOANSWER")
    assert t.presences("1001")[-1] == (45, "ready")


def test_agent_dials_in_the_instant_of_an_offer_that_fails_and_is_offered_nothing_while_he_dials() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    started(t, 1.1)
    t.connecting(1.2, "a")
    t.ended(1.3, "a", OfferResult.BUSY)
    t.hold(1.4, "a")
    t.run_to(40)  # bar and rest are over long since
    assert t.presences("1001") == [(0, "ready"), (1, "ringing"), (1.3, "dialling")]
    ended(t, 50, "NOANSWER")
    assert len(t.all(OfferMade)) == 2  # and now he is offered the caller who waited


def test_call_of_ours_ends_while_the_agent_talks_to_another_he_dialled_and_its_wrap_up_waits() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(2, "a")
    started(t, 5, "enterprise")
    answered(t, 6)
    assert t.presences("1001")[-1] == (2, "talking")
    t.gone(10, "a")
    agent = t.engine.agent_at("phone1001")
    assert agent is not None
    assert (agent.presence, agent.until_ms) == ("talking", ms(10 + WRAPUP_S))
    ended(t, 20)
    assert (agent.presence, agent.until_ms) == ("acw", ms(10 + WRAPUP_S))


def test_call_that_he_dialled_ends_first_and_the_agent_stays_in_the_other() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(2, "a")
    started(t, 5)
    ended(t, 8, "BUSY")
    assert t.presences("1001")[-1] == (2, "talking")
    t.gone(10, "a")
    assert t.presences("1001")[-1] == (10, "acw")


def test_agent_logs_out_while_he_dials_and_it_takes_effect_afterwards() -> None:
    t = Timeline()
    t.login(0, "1001")
    started(t, 1)
    t.tell(2, ev.AgentLoggedOut("1001", ms(2)))
    assert t.presences("1001")[-1] == (1, "dialling")
    ended(t, 3, "CANCEL")
    assert t.presences("1001")[-1] == (3, "logged_out")


def test_phone_without_an_agent_dials_and_only_the_phone_is_named() -> None:
    t = Timeline()
    started(t, 1, None)
    answered(t, 2)
    ended(t, 3)
    assert (t.last(CallOpened).agent, t.last(CallOpened).line) == (None, "general")
    assert (t.last(TalkOpened).agent, t.last(TalkOpened).kind) == ("phone1001", "unknown")


def test_agent_puts_the_called_party_on_hold_and_the_talk_has_it() -> None:
    t = Timeline()
    t.login(0, "1001")
    started(t, 1)
    answered(t, 2)
    t.tell(3, ev.HoldStarted(OUT, "", ms(3)))
    assert t.presences("1001")[-1] == (3, "hold")
    t.tell(5, ev.HoldEnded(OUT, "", ms(5)))
    ended(t, 9)
    assert t.presences("1001")[-2:] == [(5, "talking"), (9, "acw")]
    assert t.last(TalkClosed).hold_ms == 2000

"""Restart, reconnect, a new plan: nobody loses his place, nobody logs in again."""

from dataclasses import replace
from typing import Any

import pytest

from acd import events as ev
from acd.commands import MirrorAgent, OfferCall, WakeCall
from acd.names import WRAPUP_OVERLONG, EndedBy, HandOverMode, HandOverResult, OfferResult, Outcome, Via
from acd.records import (
    CallClosed,
    CallOpened,
    HandOverClosed,
    Noted,
    OfferClosed,
    OfferMade,
    PresenceChanged,
    TalkOpened,
)
from agents.presence import Presence
from tests.scenarios.world import PLAN, T0, Timeline, call_id, line, ms, with_line


def restored(t: Timeline, agent: str, presence: Presence, ready: float, until: float | None = None) -> None:
    until_ms = None if until is None else ms(until)
    device = f"phone{agent}"
    t.tell(0, ev.AgentRestored(agent, device, presence, "", ms(ready), ms(ready), until_ms, 0, ms(0)))


def found(t: Timeline, name: str, place: str, arrived: float = -60, **more: object) -> None:
    answered = more.get("first_answered_ms")
    event = ev.CallFound(call_id(name), ms(0), place, ms(arrived), ms(arrived), ms(arrived), "general", "12345")
    t.tell(0, replace(event, first_answered_ms=answered, **{k: v for k, v in more.items() if k != "first_answered_ms"}))  # type: ignore[arg-type]  # fields by case


def done(t: Timeline) -> None:
    t.tell(0, ev.SnapshotDone("pbx1", ms(0)))


def test_restart_waiting_callers_keep_order_and_clock_ready_agents_their_order() -> None:
    t = Timeline(pbx_up=False)
    restored(t, "1001", Presence.READY, -30)
    restored(t, "1002", Presence.READY, -50)
    found(t, "young", "rest", -10)
    found(t, "oldest", "rest", -40)
    found(t, "old", "rest", -20)
    assert not t.all(OfferCall)
    done(t)
    assert [(one.call.uniqueid, one.agent, one.score_s) for one in t.all(OfferMade)] == [
        ("oldest", "1002", 40.0),
        ("old", "1001", 20.0),
    ]
    assert all(one.found for one in t.all(CallOpened))
    assert {one.agent for one in t.all(MirrorAgent)} == {"1001", "1002"}


def test_restart_while_phone_rings_agent_rings_on_and_answers() -> None:
    t = Timeline(pbx_up=False)
    restored(t, "1001", Presence.RINGING, -30)
    found(t, "a", "offer", offer="2-7", kind="endpoint", number="phone1001")
    done(t)
    t.answered(3, "a", "2-7")
    assert t.last(TalkOpened).agent == "1001"
    assert (t.last(OfferClosed).offer, t.last(OfferClosed).result) == ("2-7", OfferResult.ACCEPTED)
    assert not t.all(OfferMade)


def test_restart_while_talking_talk_goes_on_and_ends_in_wrap_up() -> None:
    t = Timeline(pbx_up=False)
    restored(t, "1001", Presence.TALKING, -30)
    found(
        t, "a", "talk", offer="2-7", kind="endpoint", number="phone1001", answered_ms=ms(-20), first_answered_ms=ms(-20)
    )
    done(t)
    assert t.last(TalkOpened).at_ms == ms(-20)
    t.talk_ended(10, "a", "2-7")
    assert t.presences("1001")[-1] == (10, "acw")


def test_restart_in_wrap_up_deadline_holds() -> None:
    t = Timeline(pbx_up=False)
    restored(t, "1001", Presence.ACW, -30, until=7)
    found(t, "a", "rest")
    done(t)
    t.run_to(7)
    assert t.when(OfferMade) == [7]


def test_restart_call_of_talking_agent_is_gone_he_wraps_up() -> None:
    t = Timeline(pbx_up=False)
    restored(t, "1001", Presence.TALKING, -30)
    restored(t, "1002", Presence.RINGING, -30)
    done(t)
    assert t.presences("1001")[-1] == (0, "acw")
    assert t.presences("1002")[-1] == (0, "ready")


def test_restart_caller_in_fallback_queue_is_woken_and_keeps_his_clock() -> None:
    t = Timeline(pbx_up=False)
    restored(t, "1001", Presence.READY, -30)
    found(t, "a", "fallback")
    done(t)
    assert t.all(WakeCall) == [WakeCall(call_id("a"))]
    t.hold(0.1, "a")
    assert t.last(OfferMade).score_s == 60.1


def test_restart_callers_woken_out_of_the_queue_are_offered_together_the_oldest_first() -> None:
    t = Timeline(pbx_up=False)
    restored(t, "1001", Presence.READY, -30)
    found(t, "old", "fallback", -60)
    found(t, "young", "fallback", -20)
    done(t)
    t.hold(0.1, "young")  # his thread was quicker
    t.arrive(0.15, "new")
    assert not t.all(OfferMade)
    t.hold(0.2, "old")
    assert [one.call.uniqueid for one in t.all(OfferMade)] == ["old"]


def test_restart_caller_who_does_not_come_back_is_not_waited_for_long() -> None:
    t = Timeline(pbx_up=False)
    restored(t, "1001", Presence.READY, -30)
    found(t, "old", "fallback", -60)
    found(t, "young", "fallback", -20)
    done(t)
    t.hold(0.1, "young")
    t.run_to(0.4)
    assert not t.all(OfferMade)
    t.run_to(0.6)
    assert [one.call.uniqueid for one in t.all(OfferMade)] == ["young"]


def test_restart_caller_talks_by_fallback_queue_is_a_call_of_that_agent() -> None:
    t = Timeline(pbx_up=False)
    restored(t, "1001", Presence.READY, -30)
    found(t, "a", "fallback_talk", number="phone1001", answered_ms=ms(-5), first_answered_ms=ms(-5))
    done(t)
    assert (t.last(TalkOpened).via, t.last(TalkOpened).agent) == (Via.FALLBACK, "1001")
    t.gone(9, "a")
    assert t.last(CallClosed).outcome is Outcome.AGENT_ANSWERED
    assert t.presences("1001")[-1] == (9, "acw")


def test_restart_somebody_was_joined_unwatched_and_his_talk_does_not_begin_with_the_first_answer() -> None:
    t = Timeline(pbx_up=False)
    restored(t, "1001", Presence.READY, -30)
    found(t, "a", "talk", number="phone1001", answered_ms=ms(-50), first_answered_ms=ms(-50))
    done(t)
    opened = t.last(TalkOpened)
    assert (opened.agent, opened.at_ms, opened.via) == ("1001", ms(0), Via.JOINED)


def test_reconnect_call_that_is_not_told_is_closed_unknown_or_answered() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "talks")
    t.talk(1, "talks")
    t.arrive(2, "waits")
    t.tell(5, ev.LinkLost("pbx1", ms(5)))
    t.tell(9, ev.SnapshotDone("pbx1", ms(9)))
    assert [(one.call.uniqueid, one.outcome, one.by) for one in t.all(CallClosed)] == [
        ("talks", Outcome.AGENT_ANSWERED, EndedBy.UNKNOWN),
        ("waits", None, EndedBy.UNKNOWN),
    ]


def test_reconnect_call_ended_unwatched_while_a_phone_rang_and_the_end_of_that_offer_is_not_guessed() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    t.ringing(1, "a")
    t.tell(5, ev.LinkLost("pbx1", ms(5)))
    t.tell(9, ev.SnapshotDone("pbx1", ms(9)))
    assert t.last(CallClosed).outcome is None
    assert not t.all(OfferClosed)
    assert t.presences("1001")[-1] == (9, "ready")


def test_reconnect_call_ended_unwatched_in_a_hand_over_and_its_result_is_not_guessed() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(1, "a")
    t.tell(4, ev.HandOverAsked(call_id("a"), "3-1", "01", HandOverMode.BLIND, ms(4)))
    t.talk_ended(4.1, "a", "3-1")
    t.connecting(4.2, "a", "3-2")
    t.tell(5, ev.LinkLost("pbx1", ms(5)))
    t.tell(9, ev.SnapshotDone("pbx1", ms(9)))
    assert t.last(CallClosed).outcome is Outcome.AGENT_ANSWERED
    assert not t.all(HandOverClosed)
    assert [one.offer for one in t.all(OfferClosed)] == ["3-1"]


def test_restart_specialist_picked_up_unwatched_and_the_hand_over_has_reached_him() -> None:
    t = Timeline(pbx_up=False)
    restored(t, "1001", Presence.ACW, -30, until=7)
    first = ms(
        -50
    )  # the seat's answer, all that the channel knows: killed before the end of his talk was written there
    told = ev.FoundHandOver(1, HandOverMode.BLIND, "01", "1001")
    at = {"answered_ms": first, "first_answered_ms": first}
    found(t, "a", "talk", offer="2-8", kind="endpoint", number="701", hand_over=told, **at)
    done(t)
    assert (t.last(TalkOpened).agent, t.last(TalkOpened).kind) == ("701", "specialist")
    assert t.last(TalkOpened).at_ms == ms(0), "no specialist is the first to answer"
    assert (t.last(HandOverClosed).result, t.last(HandOverClosed).agent) == (HandOverResult.REACHED, "701")


def unheard(t: Timeline, at: float, offer: str, place: str, **more: Any) -> None:
    """The link that was lost is back: caller a is found with this offer."""
    told = ev.CallFound(
        call_id("a"), ms(at), place, ms(1), ms(1), ms(1), "general", "12345", offer=offer, kind="endpoint", **more
    )
    t.tell(at, told)
    t.tell(at, ev.SnapshotDone("pbx1", ms(at)))


@pytest.mark.parametrize("away_s", [1.5, 400])
def test_link_is_lost_before_the_word_that_a_phone_is_dialled_and_who_picked_up_unheard_has_accepted(
    away_s: float,
) -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    offer = t.offer_of("a")
    t.tell(1.1, ev.LinkLost("pbx1", ms(1.1)))
    t.run_to(1 + away_s)
    assert not t.all(OfferClosed), "silence of a PBX that cannot be heard says nothing of an offer"
    at = {"answered_ms": ms(2), "first_answered_ms": ms(2)}
    unheard(t, 1 + away_s, offer, "talk", number="phone1001", **at)
    t.talk_ended(600, "a", offer)
    t.gone(600, "a")
    assert [(one.offer, one.result) for one in t.all(OfferClosed)] == [(offer, OfferResult.ACCEPTED)]
    assert (t.last(CallClosed).outcome, len(t.all(OfferMade))) == (Outcome.AGENT_ANSWERED, 1)


@pytest.mark.parametrize("is_ringing", [False, True])
def test_link_is_lost_while_a_phone_is_dialled_for_longer_than_it_may_ring_and_it_is_not_given_up_unheard(
    is_ringing: bool,
) -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    t.connecting(1.1, "a")
    offer = t.offer_of("a")
    if is_ringing:
        t.ringing(1.2, "a")
    t.tell(2, ev.LinkLost("pbx1", ms(2)))
    t.run_to(100)
    assert not t.all(OfferClosed) and not t.all(Noted)
    unheard(t, 100, offer, "talk", number="phone1001", answered_ms=ms(9), first_answered_ms=ms(9))
    assert [one.result for one in t.all(OfferClosed)] == [OfferResult.ACCEPTED]


def test_link_is_back_and_the_wish_was_never_taken_the_caller_is_offered_again() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    t.tell(1.1, ev.LinkLost("pbx1", ms(1.1)))
    t.run_to(30)
    t.tell(30, ev.CallFound(call_id("a"), ms(30), "rest", ms(1), ms(1), ms(1), "general", "12345"))
    t.tell(30, ev.SnapshotDone("pbx1", ms(30)))
    t.run_to(40)
    assert [one.result for one in t.all(OfferClosed)][:1] == [OfferResult.TIMED_OUT]
    assert t.when(OfferMade)[1] - 30 <= 2


def test_link_is_lost_nothing_is_offered_until_snapshot_is_done() -> None:
    t = Timeline()
    t.arrive(0, "a")
    t.tell(1, ev.LinkLost("pbx1", ms(1)))
    t.login(2, "1001")
    assert not t.all(OfferMade)
    t.tell(3, ev.CallFound(call_id("a"), ms(3), "rest", ms(0), ms(0), ms(0), "general", "12345"))
    assert not t.all(OfferMade)
    t.tell(3, ev.SnapshotDone("pbx1", ms(3)))
    assert t.when(OfferMade) == [3]


def test_new_plan_waiting_call_takes_the_new_need_and_removed_agent_is_logged_out_after_his_talk() -> None:
    t = Timeline()
    t.login(0, "1001", "1003")
    t.arrive(1, "a")
    t.talk(1, "a")
    t.arrive(2, "b")
    assert len(t.all(OfferMade)) == 1
    plan = with_line(PLAN, "general", need=PLAN.lines["enterprise"].need)
    plan = replace(plan, agents={n: one for n, one in plan.agents.items() if n != "1001"}, version="two")
    t.tell(5, ev.PlanChanged(plan, ms(5)))
    assert (t.last(OfferMade).agent, t.last(OfferMade).score_s) == ("1003", 3.0)
    t.talk_ended(9, "a")
    t.run_to(60)
    assert t.presences("1001")[-1] == (29, "logged_out")
    assert t.last(PresenceChanged).agent in ("1001", "1003")


def test_new_plan_without_a_line_its_calls_go_to_the_default_line() -> None:
    t = Timeline()
    t.arrive(0, "a", "12346")
    plan = replace(PLAN, lines={"general": PLAN.lines["general"]})
    t.tell(5, ev.PlanChanged(plan, ms(5)))
    assert t.engine.waiting_by_line() == {"general": 1}
    assert T0 == 1_000_000


def test_step_is_due_while_callers_out_of_fallback_gather_call_is_offered_afterwards() -> None:
    steps = line("x", "x", steps=((60.2, "general or enterprise", None),)).steps
    t = Timeline(with_line(PLAN, "general", steps=steps), pbx_up=False)
    restored(t, "1003", Presence.READY, -30)
    found(t, "rests", "rest")
    found(t, "woken", "fallback", -50)
    done(t)
    t.run_to(0.4)
    assert not t.all(OfferMade)
    t.run_to(0.5)
    assert [(one.call.uniqueid, one.step) for one in t.all(OfferMade)] == [("rests", 1)]


@pytest.mark.parametrize(("away_s", "is_flagged"), [(299, False), (302, True)])
def test_wrap_up_goes_on_while_the_service_is_away_longer_than_any_may_is_kept_and_flagged(
    away_s: int, is_flagged: bool
) -> None:
    t = Timeline(pbx_up=False)
    restored(t, "1001", Presence.ACW, -away_s, until=20 - away_s)
    done(t)
    t.run_to(1)
    assert t.presences("1001")[-1] == (0, "ready")
    flags = [one.detail for one in t.all(Noted) if one.what == WRAPUP_OVERLONG]
    assert flags == (["1001 2000 ms beyond 300000 ms"] if is_flagged else [])

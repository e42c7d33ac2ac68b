"""A seat hands its caller over to a specialist by topic."""

from dataclasses import replace
from typing import Any

from acd import events as ev
from acd.commands import ExitCall, OfferCall, ReturnCall, TagCall, TagHandOver
from acd.names import HandOverMode, HandOverResult, OfferResult, Outcome
from acd.plan import Exit
from acd.records import CallClosed, CallWaiting, HandOverClosed, HandOverOpened, Noted, OfferMade, TalkOpened
from agents.presence import DeviceState
from tests.scenarios.world import PLAN, Timeline, call_id, ms


def in_talk(t: Timeline) -> None:
    """A caller who arrived at 0, waited until 10, talks with 1001 since 10."""
    t.arrive(0, "a")
    t.login(10, "1001")
    t.talk(10, "a")


def asks(t: Timeline, at: float, topic: str = "01", offer: str | None = "3-1") -> None:
    t.tell(at, ev.HandOverAsked(call_id("a"), offer, topic, HandOverMode.BLIND, ms(at)))


def test_seat_hands_over_specialist_answers_seat_wraps_up() -> None:
    t = Timeline()
    in_talk(t)
    asks(t, 60)
    assert t.last(OfferCall) == OfferCall(call_id("a"), "3-2", "endpoint", "701", 20, "general", release="3-1")
    t.talk_ended(60.1, "a", "3-1")
    assert t.presences("1001")[-1] == (60.1, "acw")
    t.connecting(60.2, "a", "3-2")
    t.answered(75.1, "a", "3-2")
    assert (t.last(TalkOpened).agent, t.last(TalkOpened).kind) == ("701", "specialist")
    assert t.last(HandOverClosed).result is HandOverResult.REACHED
    assert t.last(HandOverClosed).agent == "701"
    t.talk_ended(195, "a", "3-2")
    t.gone(195, "a")
    assert t.last(CallClosed).outcome is Outcome.AGENT_ANSWERED


def test_first_specialist_does_not_answer_second_one_is_dialled_then_back_to_line_with_his_wait() -> None:
    t = Timeline()
    in_talk(t)
    asks(t, 60)
    t.talk_ended(60, "a", "3-1")
    t.connecting(60, "a", "3-2")
    t.ended(80, "a", OfferResult.NOT_ANSWERED, "3-2")
    t.hold(80, "a")
    assert t.last(OfferMade).agent == "702"
    t.connecting(80, "a")
    t.ended(90, "a", OfferResult.BUSY)
    t.hold(90, "a")
    assert t.last(HandOverClosed).result is HandOverResult.NO_SPECIALIST
    assert t.last(CallWaiting) == CallWaiting(call_id("a"), ms(90), "general", "general", 2)
    assert t.last(TagCall) == TagCall(call_id("a"), ms(50)), "arrived at 0, talked for 50 s"
    assert (t.last(OfferMade).kind, t.last(OfferMade).score_s) == ("seat", 40.0)


def test_no_specialist_is_free_caller_returns_to_hold_while_seat_talks() -> None:
    t = Timeline()
    t.device(0, "701", DeviceState.BUSY)
    t.device(0, "702", DeviceState.UNREACHABLE)
    in_talk(t)
    asks(t, 60)
    assert t.all(ReturnCall) == [ReturnCall(call_id("a"), "3-2", "3-1")]
    t.talk_ended(60.1, "a", "3-1")
    t.hold(60.2, "a")
    assert t.last(HandOverClosed).result is HandOverResult.NO_SPECIALIST
    assert t.last(CallWaiting).seq == 2


def test_no_specialist_plan_has_an_exit_caller_takes_it() -> None:
    t = Timeline(replace(PLAN, handover_exit=Exit(number="555"), specialists=()))
    in_talk(t)
    asks(t, 60)
    t.talk_ended(60.1, "a", "3-1")
    t.hold(60.2, "a")
    assert t.last(ExitCall).to.number == "555"
    t.gone(70, "a")
    assert t.last(CallClosed).outcome is Outcome.AGENT_ANSWERED


def test_seat_hands_over_by_refer_specialist_is_dialled_once_caller_holds() -> None:
    t = Timeline()
    in_talk(t)
    t.talk_ended(60, "a", "3-1")
    asks(t, 60, offer=None)
    assert len(t.all(OfferMade)) == 1
    t.hold(60.1, "a")
    assert t.last(OfferCall) == OfferCall(call_id("a"), "3-2", "endpoint", "701", 20, "general", release=None)


def test_unknown_topic_caller_returns_to_the_line_with_a_note() -> None:
    t = Timeline()
    in_talk(t)
    asks(t, 60, "77")
    assert "unknown_topic" in [one.what for one in t.all(Noted)]
    t.talk_ended(60.1, "a", "3-1")
    t.hold(60.2, "a")
    assert t.last(HandOverClosed).result is HandOverResult.NO_SPECIALIST


def test_specialist_who_is_dialled_elsewhere_is_passed_over() -> None:
    t = Timeline()
    in_talk(t)
    t.login(20, "1002")
    t.arrive(20, "b")
    t.talk(20, "b")
    asks(t, 60)
    offer = next(iter(t.engine.calls[call_id("b")].talks))
    t.tell(60.5, ev.HandOverAsked(call_id("b"), offer, "01", HandOverMode.BLIND, ms(60.5)))
    assert [one.agent for one in t.all(OfferMade) if one.kind == "specialist"] == ["701", "702"]


def test_caller_hangs_up_while_specialist_rings_stays_agent_answered() -> None:
    t = Timeline()
    in_talk(t)
    asks(t, 60)
    t.talk_ended(60, "a", "3-1")
    t.connecting(60, "a", "3-2")
    t.gone(65, "a")
    assert t.last(HandOverClosed).result is HandOverResult.CALLER_GONE
    assert t.last(CallClosed).outcome is Outcome.AGENT_ANSWERED


def test_wish_for_specialist_is_lost_while_seat_talks_next_one_is_tried_from_the_talk() -> None:
    t = Timeline()
    in_talk(t)
    asks(t, 60)
    t.run_to(61)
    assert (t.last(OfferCall).number, t.last(OfferCall).release) == ("702", "3-1")


def restarted(place: str, told: ev.FoundHandOver, **more: Any) -> Timeline:
    """A service that starts while the caller `a`, who has talked for 50 s, is there on the PBX."""
    t = Timeline(pbx_up=False)
    t.login(99, "1001")
    call = ev.CallFound(
        call_id("a"), ms(100), place, ms(0), ms(0), ms(50), "general", "12345", first_answered_ms=ms(10), hand_over=told,
        **more,
    )  # fmt: skip
    t.tell(100, call)
    t.tell(100, ev.SnapshotDone("pbx1", ms(100)))
    return t


UNDER_WAY = ev.FoundHandOver(2, HandOverMode.BLIND, "02", "1001")


def closed(t: Timeline) -> list[tuple[int, HandOverResult, str | None]]:
    return [(one.seq, one.result, one.agent) for one in t.all(HandOverClosed)]


def test_service_restarts_specialist_answered_meanwhile_the_hand_over_has_its_result() -> None:
    specialist = ev.FoundParty("2-2", "702", True)
    t = restarted("talk", UNDER_WAY, offer="2-2", number="702", parties=(specialist,))
    assert closed(t) == [(2, HandOverResult.REACHED, "702")]
    assert t.last(TagHandOver) == TagHandOver(call_id("a"), 2, reached="702")


def test_service_restarts_while_the_specialist_rings_the_next_one_is_of_the_topic_asked_for() -> None:
    t = restarted("offer", UNDER_WAY, offer="2-2", number="702", kind="endpoint")
    t.ended(101, "a", OfferResult.REFUSED, "2-2")
    t.hold(101, "a")
    assert closed(t) == [(2, HandOverResult.NO_SPECIALIST, None)], "701 knows another topic only"


def test_service_restarts_caller_rests_in_the_middle_of_a_hand_over_it_goes_on() -> None:
    t = restarted("rest", UNDER_WAY)
    assert t.last(OfferCall).number == "702"
    t.talk(101, "a")
    assert closed(t) == [(2, HandOverResult.REACHED, "702")]


def test_service_restarts_before_the_seat_was_let_go_the_hand_over_is_carried_out() -> None:
    seat_ = ev.FoundParty("2-1", "phone1001", True)
    t = restarted("talk", UNDER_WAY, offer="2-1", number="phone1001", parties=(seat_,))
    assert (t.last(OfferCall).number, t.last(OfferCall).release) == ("702", "2-1")


def test_service_restarts_fallback_agent_took_the_caller_of_a_hand_over_it_reached_nobody() -> None:
    t = restarted("fallback_talk", UNDER_WAY, number="phone1001")
    assert closed(t) == [(2, HandOverResult.NO_SPECIALIST, None)]
    assert t.all(OfferCall) == []


def test_service_restarts_after_a_hand_over_the_next_one_counts_on() -> None:
    seat_ = ev.FoundParty("2-1", "phone1001", True)
    over = ev.FoundHandOver(2, None)
    t = restarted("talk", over, offer="2-1", number="phone1001", parties=(seat_,))
    assert closed(t) == []
    asks(t, 110, offer="2-1")
    assert t.last(HandOverOpened).seq == 3
    assert t.last(TagHandOver) == TagHandOver(call_id("a"), 3, HandOverMode.BLIND, "01", "1001")

"""One call and one agent: from the arrival to the wrap-up, and every way an offer may end."""

from acd.commands import HangUpLeg, OfferCall, ProbeCall, WithdrawWish
from acd.names import EndedBy, OfferResult, Outcome, Via
from acd.records import (
    CallClosed,
    CallOpened,
    CallWaiting,
    Ignored,
    OfferClosed,
    OfferMade,
    OfferRang,
    PresenceChanged,
    TalkClosed,
    TalkOpened,
)
from tests.scenarios.world import Timeline, call_id, ms


def test_caller_meets_ready_agent_talks_and_wraps_up() -> None:
    t = Timeline()
    t.login(0, "1001")
    out = t.arrive(10, "a")
    assert [type(one) for one in out][:3] == [CallOpened, CallWaiting, OfferMade]
    assert t.last(OfferCall) == OfferCall(call_id("a"), "3-1", "endpoint", "phone1001", 20, "general")
    t.connecting(10.1, "a")
    assert OfferRang(call_id("a"), "3-1", ms(10.2)) in t.ringing(10.2, "a")
    t.answered(14, "a")
    assert t.last(OfferClosed).result is OfferResult.ACCEPTED
    assert t.last(TalkOpened) == TalkOpened(call_id("a"), "3-1", ms(14), "1001", "seat", "phone1001", Via.ENGINE)
    t.talk_ended(60, "a")
    assert t.last(TalkClosed).hold_ms == 0
    t.gone(60.1, "a", EndedBy.AGENT)
    assert t.all(CallClosed) == [CallClosed(call_id("a"), ms(60.1), EndedBy.AGENT, Outcome.AGENT_ANSWERED, "")]
    t.run_to(100)
    assert t.presences("1001") == [(0, "ready"), (10, "ringing"), (14, "talking"), (60, "acw"), (80, "ready")]
    assert not t.engine.calls


def test_caller_hangs_up_while_waiting_is_abandoned_queue() -> None:
    t = Timeline()
    t.arrive(0, "a")
    t.gone(7, "a")
    assert t.last(CallClosed).outcome is Outcome.ABANDONED_QUEUE


def test_caller_hangs_up_while_phone_rings_is_abandoned_ringing_and_agent_is_ready_with_his_clock() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(5, "a")
    t.ringing(5.1, "a")
    t.gone(9, "a")
    assert t.last(OfferClosed).result is OfferResult.CALLER_GONE
    assert t.last(CallClosed).outcome is Outcome.ABANDONED_RINGING
    ready = t.last(PresenceChanged)
    assert (ready.presence, ready.ready_ms) == ("ready", ms(0))


def test_caller_hangs_up_before_wish_is_taken_is_abandoned_queue() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(5, "a")
    t.gone(5.2, "a")
    assert t.last(CallClosed).outcome is Outcome.ABANDONED_QUEUE


def test_caller_hangs_up_after_end_of_dial_was_told_is_abandoned_ringing() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(5, "a")
    t.ringing(5.1, "a")
    t.ended(8, "a", OfferResult.CALLER_GONE)
    t.gone(8.1, "a")
    assert t.last(CallClosed).outcome is Outcome.ABANDONED_RINGING


def test_agent_lets_it_ring_call_goes_to_next_agent_when_it_holds_again() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.login(1, "1002")
    t.arrive(5, "a")
    t.ringing(5.1, "a")
    t.ended(25, "a", OfferResult.NOT_ANSWERED)
    assert len(t.all(OfferMade)) == 1, "no wish before the caller holds again"
    t.hold(25.1, "a")
    second = t.last(OfferMade)
    assert (second.agent, second.seq, second.score_s) == ("1002", 2, 20.1)
    assert [one.agent for one in second.passed_over] == ["1001"]


def test_agent_misses_three_in_a_row_is_not_ready() -> None:
    t = Timeline()
    t.login(0, "1001")
    for n in range(3):
        t.arrive(100 * n + 5, f"c{n}")
        t.ringing(100 * n + 5.1, f"c{n}")
        t.ended(100 * n + 25, f"c{n}", OfferResult.NOT_ANSWERED)
        t.gone(100 * n + 26, f"c{n}")
    assert (t.last(PresenceChanged).presence, t.last(PresenceChanged).reason) == ("not_ready", "missed")


def test_agent_refuses_rests_and_pair_is_barred() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(5, "a")
    t.ringing(5.1, "a")
    t.ended(6, "a", OfferResult.REFUSED)
    t.hold(6.1, "a")
    t.arrive(7, "b")
    t.run_to(10)
    assert len(t.all(OfferMade)) == 1
    t.run_to(11)
    assert t.last(OfferMade).call == call_id("b"), "rested 5 s, but barred for a"
    t.gone(12, "b")
    t.run_to(40)
    assert t.when(OfferMade, call=call_id("a"))[:2] == [5, 36]


def test_wish_not_taken_within_a_second_is_timed_out_and_written_again() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(5, "a")
    t.run_to(6)
    assert t.last(OfferClosed).result is OfferResult.TIMED_OUT
    assert t.all(ProbeCall) == [ProbeCall(call_id("a"))]
    assert t.when(OfferMade) == [5, 6]


def test_late_wish_wins_over_the_one_written_meanwhile() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.login(1, "1002")
    t.arrive(5, "a")
    t.run_to(6)
    t.connecting(6.2, "a", "3-1")
    assert [(one.offer, one.result) for one in t.all(OfferClosed)] == [
        ("3-1", OfferResult.TIMED_OUT),
        ("3-2", OfferResult.TIMED_OUT),
    ]
    assert t.all(WithdrawWish) == [WithdrawWish(call_id("a"))]
    t.answered(8, "a", "3-1")
    assert t.last(TalkOpened).agent == "1001"
    assert len(t.all(OfferClosed)) == 2
    t.talk_ended(9, "a")
    t.gone(9, "a")
    assert t.last(CallClosed).outcome is Outcome.AGENT_ANSWERED


def test_phone_gives_no_sign_of_life_is_hung_up_and_unreachable() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(5, "a")
    t.connecting(5, "a")
    t.run_to(8)
    assert t.all(HangUpLeg) == [HangUpLeg(call_id("a"), "3-1")]
    t.ended(8.1, "a", OfferResult.NOT_ANSWERED)
    assert t.last(OfferClosed).result is OfferResult.UNREACHABLE
    assert t.last(PresenceChanged).misses == 0


def test_end_of_ringing_is_lost_pbx_is_asked_then_timed_out() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(5, "a")
    t.ringing(5, "a")
    t.run_to(40)
    assert t.when(ProbeCall)[:3] == [28, 30, 32]
    assert t.when(OfferClosed, result=OfferResult.TIMED_OUT) == [34]


def test_duplicate_and_foreign_events_are_ignored() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(5, "a")
    t.talk(5.5, "a")
    t.answered(6.5, "a")
    t.ringing(6.6, "a")
    t.arrive(7, "a")
    t.gone(7, "nobody")
    assert len(t.all(Ignored)) == 5
    assert len(t.all(TalkOpened)) == 1

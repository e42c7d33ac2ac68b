"""A seat speaks with a specialist while his caller is on hold, then his phone joins the two."""

from dataclasses import replace

import pytest

from acd import events as ev
from acd.commands import AnswerConsult
from acd.names import HandOverMode, HandOverResult, Via
from acd.plan import SpecialistSpec
from acd.records import HandOverClosed, HandOverOpened, Ignored, Noted, TalkOpened
from agents.presence import DeviceState
from tests.scenarios.world import PLAN, Timeline, call_id, ms

A, K = call_id("a"), call_id("k")


def in_talk() -> Timeline:
    t = Timeline()
    t.arrive(0, "a")
    t.login(10, "1001")
    t.talk(10, "a")
    t.tell(20, ev.HoldStarted(A, "3-1", ms(20)))
    return t


def asks(t: Timeline, at: float, topic: str = "01", device: str = "phone1001") -> None:
    t.tell(at, ev.ConsultAsked(K, device, topic, ms(at)))


def notes(t: Timeline) -> list[str]:
    return [one.what for one in t.all(Noted)]


def test_specialist_is_named_and_joined_the_seat_wraps_up() -> None:
    t = in_talk()
    asks(t, 21)
    assert t.all(AnswerConsult) == [AnswerConsult(K, "", "3-2", "endpoint", "701", 20)]
    assert t.presences("1001")[-1] == (20, "hold")
    assert t.all(HandOverOpened) == [], "he only asks"
    t.talk_ended(40, "a", "3-1")
    t.tell(40, ev.PartyJoined(A, "701", ms(40), K, "x.7"))
    t.tell(40.1, ev.ConsultEnded(K, ms(40.1)))
    opened, closed, talk = t.last(HandOverOpened), t.last(HandOverClosed), t.last(TalkOpened)
    assert (opened.mode, opened.agent, opened.topic) == (HandOverMode.ATTENDED, "1001", "01")
    assert (closed.result, closed.agent) == (HandOverResult.REACHED, "701")
    assert (talk.agent, talk.kind, talk.via) == ("701", "specialist", Via.JOINED)
    assert t.presences("1001")[-1] == (40, "acw")
    assert notes(t) == []
    assert not t.engine.is_dialled("702")
    assert t.engine.is_dialled("701")
    t.tell(90, ev.PartyLeft(A, "701", ms(90)))
    assert not t.engine.is_dialled("701")


def test_first_is_not_reached_the_next_is_named_then_nobody_is_left_and_that_is_a_hand_over() -> None:
    t = in_talk()
    asks(t, 21)
    asks(t, 22)
    assert [one.number for one in t.all(AnswerConsult)] == ["701", "702"]
    assert not t.engine.is_dialled("701")
    asks(t, 23)
    assert t.last(AnswerConsult) == AnswerConsult(K, "nobody")
    assert (t.last(HandOverOpened).mode, t.last(HandOverClosed).result) == (
        HandOverMode.ATTENDED,
        HandOverResult.NO_SPECIALIST,
    )
    t.tell(24, ev.ConsultEnded(K, ms(24)))
    assert notes(t) == []
    assert t.presences("1001")[-1] == (20, "hold")


def test_seat_hands_over_blind_meanwhile_the_consult_that_asks_on_is_refused_and_only_one_hand_over_is_open() -> None:
    t = in_talk()
    asks(t, 21)
    t.tell(22, ev.HandOverAsked(A, None, "01", HandOverMode.BLIND, ms(22)))
    asks(t, 23)
    assert t.last(AnswerConsult) == AnswerConsult(K, "state")
    assert [one.mode for one in t.all(HandOverOpened)] == [HandOverMode.BLIND]
    assert t.all(HandOverClosed) == []
    assert not t.engine.is_dialled("701")


def test_busy_or_unreachable_specialists_are_passed_over() -> None:
    t = in_talk()
    t.device(20, "701", DeviceState.UNREACHABLE)
    asks(t, 21)
    assert t.last(AnswerConsult).number == "702"


def test_consult_ends_without_a_transfer_there_is_a_note_and_no_hand_over() -> None:
    t = in_talk()
    asks(t, 21)
    t.tell(30, ev.ConsultEnded(K, ms(30)))
    assert notes(t) == ["consult_ended"]
    assert t.all(HandOverOpened) == []
    assert not t.engine.is_dialled("701")


def test_nobody_has_the_topic_the_phone_is_told_which_is_wrong() -> None:
    t = in_talk()
    asks(t, 21, "77")
    assert t.last(AnswerConsult) == AnswerConsult(K, "topic")
    assert notes(t) == ["unknown_topic"]
    assert t.last(HandOverClosed).result is HandOverResult.NO_SPECIALIST


def test_phone_without_a_caller_asks_and_is_refused() -> None:
    t = Timeline()
    t.login(0, "1001")
    asks(t, 1)
    asks(t, 2, device="elsewhere")
    assert [one.word for one in t.all(AnswerConsult)] == ["state", "state"]
    assert t.presences("1001") == [(0, "ready")]


def test_caller_hangs_up_during_the_consult_the_next_question_is_refused() -> None:
    t = in_talk()
    asks(t, 21)
    t.talk_ended(25, "a", "3-1")
    t.gone(25, "a")
    asks(t, 26)
    assert t.last(AnswerConsult).word == "state"
    opened, closed = t.last(HandOverOpened), t.last(HandOverClosed)
    assert (opened.mode, opened.agent, opened.topic) == (HandOverMode.ATTENDED, "1001", "01")
    assert (closed.result, closed.agent, closed.seq) == (HandOverResult.CALLER_GONE, None, opened.seq)
    t.tell(27, ev.ConsultEnded(K, ms(27)))
    assert notes(t) == []
    assert not t.engine.is_dialled("701")


def test_consult_goes_on_over_a_restart_and_the_joined_specialist_is_known_by_it() -> None:
    plan = replace(PLAN, topics={**PLAN.topics})
    t = Timeline(plan, pbx_up=False)
    t.login(99, "1001")
    found = ev.CallFound(A, ms(100), "talk", ms(0), ms(0), ms(0), "general", "12345", offer="2-1", number="phone1001")
    t.tell(100, replace(found, first_answered_ms=ms(10), parties=(ev.FoundParty("2-1", "phone1001", True),)))
    t.tell(100, ev.ConsultFound(K, "phone1001", "02", "702", ms(100)))
    t.tell(100, ev.SnapshotDone("pbx1", ms(100)))
    assert t.engine.is_dialled("702")
    t.talk_ended(110, "a", "2-1")
    t.tell(110, ev.PartyJoined(A, "702", ms(110), K, "x.7"))
    assert (t.last(HandOverOpened).topic, t.last(HandOverClosed).agent) == ("02", "702")


@pytest.mark.parametrize("reached", ["702", ""])
def test_specialist_who_had_joined_is_found_after_a_restart_his_hand_over_is_on_record_once(reached: str) -> None:
    t = Timeline(pbx_up=False)
    t.login(99, "1001")
    found = ev.CallFound(A, ms(100), "talk", ms(0), ms(0), ms(0), "general", "12345", number="702")
    over = ev.FoundHandOver(1, None, reached=reached)  # nobody: he joined while we were away, after another that failed
    party = ev.FoundParty(None, "702", True, "x.7")
    t.tell(100, replace(found, first_answered_ms=ms(10), parties=(party,), hand_over=over))
    t.tell(100, ev.SnapshotDone("pbx1", ms(100)))
    assert [(one.agent, one.kind) for one in t.all(TalkOpened)] == [("702", "specialist")]
    assert [one.seq for one in t.all(HandOverOpened)] == ([] if reached else [2])


def test_specialist_joins_whose_consult_nobody_knows_he_is_on_record_all_the_same() -> None:
    t = in_talk()
    t.talk_ended(40, "a", "3-1")
    t.tell(40, ev.PartyJoined(A, "702", ms(40)))
    assert (t.last(TalkOpened).kind, t.last(HandOverOpened).mode) == ("specialist", HandOverMode.ATTENDED)
    t.tell(41, ev.ConsultEnded(K, ms(41)))
    assert isinstance(t.said[-1][1], Ignored)


def test_specialist_who_is_logged_in_as_a_seat_is_joined_as_whom_he_was_asked_for() -> None:
    t = Timeline(replace(PLAN, specialists=(SpecialistSpec("phone1002", "Seat too", ("01",)),)))
    t.arrive(0, "a")
    t.login(10, "1001")
    t.talk(10, "a")
    t.login(11, "1002")
    asks(t, 21)
    t.talk_ended(40, "a", "3-1")
    t.tell(40, ev.PartyJoined(A, "phone1002", ms(40), K, "x.7"))
    talk, closed = t.last(TalkOpened), t.last(HandOverClosed)
    assert (talk.agent, talk.kind, talk.via) == ("phone1002", "specialist", Via.JOINED)
    assert (closed.result, closed.agent) == (HandOverResult.REACHED, "phone1002")
    assert t.presences("1002")[-1] == (11, "ready")


def test_second_seat_joins_without_an_offer_and_is_on_record_as_such() -> None:
    t = in_talk()
    t.login(30, "1002")
    t.talk_ended(40, "a", "3-1")
    t.tell(40, ev.PartyJoined(A, "phone1002", ms(40)))
    assert (t.last(TalkOpened).agent, t.last(TalkOpened).via) == ("1002", Via.JOINED)
    assert t.all(HandOverOpened) == []
    assert t.presences("1002")[-1] == (40, "talking")

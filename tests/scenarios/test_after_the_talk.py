"""The sound file of a call, and the question behind its talk."""

from acd import events as ev
from acd.commands import ProbeCall
from acd.names import CallId, EndedBy, OfferResult, Outcome, RecordingKind
from acd.records import (
    CallClosed,
    CallRated,
    Ignored,
    OfferMade,
    RecordingClosed,
    RecordingOpened,
    RecordingPaused,
    TalkOpened,
)
from tests.scenarios.world import Timeline, call_id, ms

PATH = "callcenter/20261124/a.wav"
A: CallId = call_id("a")


def recorded_talk(t: Timeline) -> None:
    """A caller who talks with 1001 from second 2 on; the file was begun when the phone was dialled."""
    t.login(0, "1001")
    t.arrive(1, "a")
    t.connecting(1, "a")
    t.tell(1, ev.RecordingStarted(A, ms(1), PATH))
    t.answered(2, "a")


def found(place: str, **more: object) -> ev.CallFound:
    known: dict[str, object] = {"arrived_ms": ms(1), "queued_ms": ms(1), "score_ms": ms(1), "line": "general"}
    return ev.CallFound(A, ms(20), place, did="12345", **(known | more))  # type: ignore[arg-type]  # fields by case


# the sound file --------------------------------------------------------------------------------------------------------


def test_recorded_call_is_answered_file_opens_with_the_talk_and_closes_with_the_word_of_its_size() -> None:
    t = Timeline()
    recorded_talk(t)
    t.tell(5, ev.RecordingHeld(A, ms(5), PATH, is_paused=True))
    t.tell(7, ev.RecordingHeld(A, ms(7), PATH, is_paused=False))
    t.talk_ended(9, "a")
    t.tell(9, ev.RecordingEnded(A, ms(9), PATH, 80_044))
    t.gone(9, "a")
    assert t.all(RecordingOpened) == [RecordingOpened(A, ms(2), RecordingKind.TALK, PATH)]
    assert [(one.at_ms, one.is_paused) for one in t.all(RecordingPaused)] == [(ms(5), True), (ms(7), False)]
    assert t.all(RecordingClosed) == [RecordingClosed(A, ms(9), PATH, 80_044)]
    assert not t.all(Ignored)


def test_nobody_answers_no_recording_is_missed() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    t.connecting(1, "a")
    t.tell(1, ev.RecordingStarted(A, ms(1), PATH))
    t.ended(20, "a", OfferResult.NOT_ANSWERED)
    t.hold(20, "a")
    t.tell(25, ev.RecordingEnded(A, ms(25), PATH, 44))
    t.gone(25, "a")
    assert not t.all(RecordingOpened)
    assert not t.all(RecordingClosed)


def test_file_holds_sound_of_a_talk_that_nobody_told_it_is_on_record_all_the_same() -> None:
    t = Timeline()
    t.arrive(1, "a")
    t.tell(9, ev.RecordingEnded(A, ms(9), PATH, 80_044))
    assert [type(one) for _, one in t.said if isinstance(one, RecordingOpened | RecordingClosed)] == [
        RecordingOpened,
        RecordingClosed,
    ]


def test_second_talk_of_the_call_goes_into_the_same_file_opened_once() -> None:
    t = Timeline()
    recorded_talk(t)
    t.talk_ended(9, "a")
    t.hold(9, "a")
    t.tell(10, ev.RecordingStarted(A, ms(10), PATH))
    t.tell(10, ev.PartyJoined(A, "2001", ms(10)))
    assert len(t.all(TalkOpened)) == 2
    assert len(t.all(RecordingOpened)) == 1


def test_word_of_the_end_is_lost_file_closes_with_the_call_its_size_unknown() -> None:
    t = Timeline()
    recorded_talk(t)
    t.gone(9, "a")
    assert t.all(RecordingClosed) == [RecordingClosed(A, ms(9), PATH, None)]
    kinds = [type(one) for _, one in t.said]
    assert kinds.index(RecordingClosed) < kinds.index(CallClosed)


def test_restart_in_a_recorded_talk_file_is_known_again_and_closed_once() -> None:
    t = Timeline(pbx_up=False)
    t.tell(20, found("talk", offer="2-1", kind="endpoint", number="phone1001", answered_ms=ms(2), recording=PATH))
    t.tell(20, ev.SnapshotDone("pbx1", ms(20)))
    t.tell(30, ev.RecordingEnded(A, ms(30), PATH, 80_044))
    t.gone(30, "a")
    assert [one.path for one in t.all(RecordingOpened)] == [PATH]
    assert t.all(RecordingClosed) == [RecordingClosed(A, ms(30), PATH, 80_044)]


def test_words_about_the_file_of_a_call_that_is_gone_are_ignored() -> None:
    t = Timeline()
    t.tell(1, ev.RecordingStarted(A, ms(1), PATH))
    t.tell(1, ev.RecordingHeld(A, ms(1), PATH, is_paused=True))
    t.tell(1, ev.RecordingEnded(A, ms(1), PATH, 9))
    assert [one.reason for one in t.all(Ignored)] == ["no such call"] * 3


# the question behind the talk -------------------------------------------------------------------------------------------


def rated(t: Timeline, score: int | None, keys: str) -> None:
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(1.5, "a")
    t.talk_ended(60, "a")
    t.tell(60, ev.RatingAsked(A, ms(60), "3-1"))
    t.run_to(75)
    t.tell(75, ev.RatingGiven(A, ms(75), "3-1", score, keys))
    t.gone(77, "a", EndedBy.AGENT)


def test_caller_rates_it_is_on_record_with_its_talk_and_the_call_stays_the_agents() -> None:
    t = Timeline()
    rated(t, 4, "4")
    assert t.all(CallRated) == [CallRated(A, ms(60), "3-1", 4, "4")]
    closed = t.last(CallClosed)
    assert (closed.outcome, closed.by) == (Outcome.AGENT_ANSWERED, EndedBy.AGENT)


def test_question_takes_long_nobody_looks_for_the_caller_or_offers_him_again() -> None:
    t = Timeline()
    rated(t, None, "9*")
    assert len(t.all(OfferMade)) == 1
    assert not t.all(ProbeCall)
    assert t.last(CallRated).score is None


def test_agent_of_a_rated_call_takes_the_next_one_while_the_question_is_asked() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(1.5, "a")
    t.arrive(30, "b")
    t.talk_ended(60, "a")
    t.tell(60, ev.RatingAsked(A, ms(60), "3-1"))
    assert t.presences("1001")[-1] == (60, "acw")
    t.tell(61, ev.WrapUpEnded("1001", ms(61)))
    assert t.last(OfferMade).call == call_id("b")


def test_restart_while_the_question_is_asked_caller_is_left_alone_and_his_score_counts() -> None:
    t = Timeline(pbx_up=False)
    t.login(0, "1001")
    t.tell(20, found("rating", offer="2-1", kind="endpoint", number="phone1001", first_answered_ms=ms(2)))
    t.tell(20, ev.SnapshotDone("pbx1", ms(20)))
    t.run_to(26)
    t.tell(26, ev.RatingGiven(A, ms(26), "2-1", 5, "5"))
    t.gone(27, "a", EndedBy.AGENT)
    assert not t.all(OfferMade)
    assert t.last(CallRated) == CallRated(A, ms(20), "2-1", 5, "5")
    assert t.last(CallClosed).outcome is Outcome.AGENT_ANSWERED


def test_seat_leaves_a_three_way_first_it_is_the_other_who_is_rated() -> None:
    t = Timeline()
    t.login(0, "1001", "1002")
    t.arrive(1, "a")
    t.talk(1.5, "a")
    t.tell(20, ev.PartyJoined(A, "phone1002", ms(20)))
    t.talk_ended(40, "a", "3-1")
    t.tell(60, ev.PartyLeft(A, "phone1002", ms(60)))
    t.tell(60, ev.RatingAsked(A, ms(60), "3-1"))
    t.tell(62, ev.RatingGiven(A, ms(62), "3-1", 4, "4"))
    joined = [one for one in t.all(TalkOpened) if one.agent == "1002"]
    assert t.last(CallRated).offer == joined[0].offer


def test_supervisor_moves_a_caller_who_is_asked_it_is_refused_with_the_reason() -> None:
    t = Timeline()
    t.login(0, "1001")
    t.arrive(1, "a")
    t.talk(1.5, "a")
    t.talk_ended(60, "a")
    t.tell(60, ev.RatingAsked(A, ms(60), "3-1"))
    t.tell(61, ev.CallMoved(A, ms(61), "enterprise", None, "anna", "why"))
    assert t.last(Ignored).reason == "this caller has talked and is asked for a rating"
    t.gone(62, "a", EndedBy.AGENT)
    assert t.last(CallClosed).outcome is Outcome.AGENT_ANSWERED


def test_rating_of_a_call_that_is_gone_is_ignored() -> None:
    t = Timeline()
    t.tell(1, ev.RatingAsked(A, ms(1), None))
    t.tell(1, ev.RatingGiven(A, ms(1), None, 3, "3"))
    assert [one.reason for one in t.all(Ignored)] == ["no such call"] * 2

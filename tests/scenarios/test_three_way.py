"""A seat lets a specialist come in: three together, and nobody is moved."""

from acd import events as ev
from acd.commands import EndInvite, HangUpLeg, InviteParty, OfferCall
from acd.names import EndedBy, HandOverMode, HandOverResult, OfferResult, Outcome
from acd.records import CallClosed, HandOverClosed, HandOverOpened, Ignored, OfferClosed, OfferMade, TalkOpened
from agents.presence import DeviceState
from tests.scenarios.world import Timeline, call_id, ms

A = call_id("a")


def in_talk() -> Timeline:
    """A caller who arrived at 0 talks with 1001 since 10."""
    t = Timeline()
    t.arrive(0, "a")
    t.login(10, "1001")
    t.talk(10, "a")
    return t


def asks(t: Timeline, at: float, topic: str = "01") -> None:
    t.tell(at, ev.HandOverAsked(A, "3-1", topic, HandOverMode.THREE_WAY, ms(at)))


def third_is_in(t: Timeline, at: float) -> None:
    """701 was asked in at 60 and joins."""
    asks(t, 60)
    t.ringing(60.1, "a")
    t.answered(at, "a")


def test_specialist_comes_in_seat_leaves_first_and_wraps_up() -> None:
    t = in_talk()
    asks(t, 60)
    assert t.all(InviteParty) == [InviteParty(A, "3-2", "endpoint", "701", 20, "3-1", "3-3")]
    assert t.presences("1001")[-1][1] == "talking", "he is with his caller all the time"
    t.ringing(60.1, "a")
    t.answered(70, "a")
    assert t.all(EndInvite) == [EndInvite(A, "3-1", False)]
    assert (t.last(HandOverOpened).mode, t.last(HandOverClosed).result) == (
        HandOverMode.THREE_WAY,
        HandOverResult.REACHED,
    )
    assert (t.last(TalkOpened).agent, t.last(TalkOpened).kind) == ("701", "specialist")
    t.talk_ended(80, "a", "3-1")
    assert t.presences("1001")[-1] == (80, "acw")
    t.talk_ended(90, "a", "3-2")
    t.gone(90, "a", EndedBy.AGENT)
    assert t.last(CallClosed).outcome is Outcome.AGENT_ANSWERED


def test_three_together_caller_leaves_the_rest_is_hung_up() -> None:
    t = in_talk()
    third_is_in(t, 70)
    t.talk_ended(80, "a", "3-1")
    t.talk_ended(80, "a", "3-2")
    assert t.all(HangUpLeg) == []
    t.gone(80, "a")
    assert t.all(HangUpLeg) == [HangUpLeg(A, "3-1"), HangUpLeg(A, "3-2")]


def test_first_is_busy_the_next_one_is_invited_and_after_him_nobody_is_left() -> None:
    t = in_talk()
    asks(t, 60)
    t.connecting(60.1, "a")
    t.ended(60.2, "a", OfferResult.BUSY)
    assert t.last(InviteParty).number == "702"
    t.connecting(60.3, "a")
    t.ended(80, "a", OfferResult.NOT_ANSWERED)
    assert t.last(EndInvite) == EndInvite(A, "3-1", True)
    assert t.last(HandOverClosed).result is HandOverResult.NO_SPECIALIST
    assert t.presences("1001")[-1][1] == "talking"
    t.run_to(200)
    assert t.engine.next_deadline() is None, "nothing is left to wait for"


def test_nobody_has_the_topic_the_seat_is_told_at_once() -> None:
    t = in_talk()
    asks(t, 60, "77")
    assert t.all(EndInvite) == [EndInvite(A, "3-1", True)]
    assert t.last(HandOverClosed).result is HandOverResult.NO_SPECIALIST
    assert t.all(InviteParty) == []


def test_invitation_is_not_carried_out_the_next_one_is_invited_after_a_second() -> None:
    t = in_talk()
    asks(t, 60)
    t.run_to(61)
    assert [one.number for one in t.all(InviteParty)] == ["701", "702"]
    assert t.last(OfferClosed).result is OfferResult.TIMED_OUT


def test_end_of_the_ringing_is_lost_he_is_given_up_and_the_next_one_is_invited() -> None:
    t = in_talk()
    asks(t, 60)
    t.ringing(60.1, "a")
    t.run_to(60 + 20 + 20)
    assert [one.number for one in t.all(InviteParty)] == ["701", "702"]


def test_seat_leaves_while_it_rings_the_same_specialist_is_dialled_for_the_caller_first() -> None:
    t = in_talk()
    asks(t, 60)
    t.ringing(60.1, "a")
    t.device(60.1, "701", DeviceState.BUSY)
    t.talk_ended(65, "a", "3-1")
    assert t.all(HangUpLeg) == [HangUpLeg(A, "3-2")]
    assert t.presences("1001")[-1] == (65, "acw")
    t.hold(65.01, "a")
    assert (t.last(OfferCall).number, t.last(OfferCall).release) == ("701", None), (
        "his phone still says busy: it is ours"
    )
    t.talk(65.1, "a")
    assert (t.last(HandOverClosed).result, t.last(HandOverClosed).agent) == (HandOverResult.REACHED, "701")
    assert len(t.all(HandOverOpened)) == 1


def test_caller_hangs_up_while_it_rings_the_leg_is_hung_up() -> None:
    t = in_talk()
    asks(t, 60)
    t.ringing(60.1, "a")
    t.talk_ended(65, "a", "3-1")
    t.gone(65, "a")
    assert t.all(HangUpLeg) == [HangUpLeg(A, "3-2")]
    assert t.last(HandOverClosed).result is HandOverResult.CALLER_GONE
    t.tell(65.1, ev.OfferEnded(A, "3-2", ms(65.1), OfferResult.UNREACHABLE))
    assert isinstance(t.said[-1][1], Ignored)


def test_hand_over_is_asked_for_while_one_is_under_way_nothing_changes() -> None:
    t = in_talk()
    asks(t, 60)
    asks(t, 61, "02")
    assert len(t.all(HandOverOpened)) == 1


def test_three_together_a_blind_hand_over_is_asked_for_and_the_talk_goes_on() -> None:
    t = in_talk()
    third_is_in(t, 70)
    t.tell(75, ev.HandOverAsked(A, "3-1", "02", HandOverMode.BLIND, ms(75)))
    assert isinstance(t.said[-1][1], Ignored)
    assert len(t.engine.calls[A].talks) == 2


def test_asked_for_when_the_seat_talks_no_more_it_is_carried_out_as_a_blind_one() -> None:
    t = in_talk()
    t.talk_ended(60, "a", "3-1")
    asks(t, 60)
    t.hold(60.1, "a")
    assert t.last(OfferCall).number == "701"


def found(
    *parties: ev.FoundParty, insured: bool, offer: str = "2-1", number: str = "phone1001", topic: str = "01"
) -> ev.CallFound:
    return ev.CallFound(
        A, ms(100), "talk", ms(0), ms(0), ms(0), "general", "12345", offer=offer, number=number,
        first_answered_ms=ms(10), parties=parties, is_insured=insured,
        hand_over=ev.FoundHandOver(4, HandOverMode.THREE_WAY, topic, "1001"),
    )  # fmt: skip


SEAT = ev.FoundParty("2-1", "phone1001", True)


def restarted(*parties: ev.FoundParty, insured: bool, topic: str = "01") -> Timeline:
    t = Timeline(pbx_up=False)
    t.login(99, "1001")
    t.tell(100, found(*parties, insured=insured, topic=topic))
    t.tell(100, ev.SnapshotDone("pbx1", ms(100)))
    return t


def test_service_restarts_while_it_rings_the_end_leads_to_the_next_one() -> None:
    t = restarted(SEAT, ev.FoundParty("2-2", "701", False), insured=True)
    assert t.presences("1001")[-1][1] == "talking"
    t.ended(101, "a", OfferResult.REFUSED, "2-2")
    assert (t.last(InviteParty).number, t.last(InviteParty).seat) == ("702", "2-1")


def test_service_restarts_while_one_rings_who_has_two_topics_the_next_one_is_of_the_topic_asked_for() -> None:
    t = restarted(SEAT, ev.FoundParty("2-2", "702", False), insured=True, topic="02")
    t.ended(101, "a", OfferResult.REFUSED, "2-2")
    assert t.all(InviteParty) == [], "701 knows topic 01 only, which is 702's first"
    assert (t.last(HandOverClosed).seq, t.last(HandOverClosed).result) == (4, HandOverResult.NO_SPECIALIST)


def test_service_restarts_with_three_together_both_talks_are_found_and_no_wish_for_hold_is_left() -> None:
    t = restarted(SEAT, ev.FoundParty("2-2", "701", True), insured=True)
    assert sorted(one.agent for one in t.all(TalkOpened)) == ["1001", "701"]
    assert t.all(EndInvite) == [EndInvite(A, "2-1", False)]
    closed = [(one.seq, one.result, one.agent) for one in t.all(HandOverClosed)]
    assert closed == [(4, HandOverResult.REACHED, "701")]


def test_service_restarts_and_nobody_is_rung_any_more_the_seat_is_told() -> None:
    t = restarted(SEAT, insured=True)
    assert t.all(EndInvite) == [EndInvite(A, "2-1", True)]
    assert t.last(HandOverClosed).result is HandOverResult.NO_SPECIALIST
    assert t.all(OfferMade) == []


def test_link_was_lost_while_it_rang_and_he_is_not_there_any_more_the_next_one_is_invited() -> None:
    t = in_talk()
    asks(t, 60)
    t.ringing(60.1, "a")
    t.tell(61, ev.LinkLost("pbx1", ms(61)))
    seat = ev.FoundParty("3-1", "phone1001", True)
    t.tell(62, found(seat, insured=True, offer="3-1"))
    t.tell(62, ev.SnapshotDone("pbx1", ms(62)))
    assert [one.number for one in t.all(InviteParty)] == ["701", "702"]


def test_link_was_lost_and_the_seat_left_meanwhile_the_specialist_stays() -> None:
    t = in_talk()
    third_is_in(t, 70)
    t.tell(71, ev.LinkLost("pbx1", ms(71)))
    t.tell(75, found(ev.FoundParty("3-2", "701", True), insured=False, offer="3-2", number="701"))
    t.tell(75, ev.SnapshotDone("pbx1", ms(75)))
    assert t.presences("1001")[-1] == (75, "acw")
    assert list(t.engine.calls[A].talks) == ["3-2"]

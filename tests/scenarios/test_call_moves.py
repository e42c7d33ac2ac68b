"""The supervisor's hand on calls: a caller is moved to a line or to one agent, or stays where he is and is told why."""

import pytest

from acd import events as ev
from acd.commands import ExitCall, OfferCall, ReturnCall, TagCall
from acd.names import Act, LineState, OfferResult, Outcome
from acd.plan import Exit
from acd.records import CallClosed, CallWaiting, OfferMade, SupervisorActed
from agents.presence import DeviceState, Presence
from tests.scenarios.supervisor import THREE, move, order, presence, refusal, say
from tests.scenarios.world import T0, Timeline, call_id, ms, with_line


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

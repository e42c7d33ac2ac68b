"""Callers who are turned away by their number: never queued, never offered, no outcome; and whom the list does not concern."""

from dataclasses import replace

import pytest

from acd import events as ev
from acd.blocked import Blocklist
from acd.commands import ExitCall, WakeCall
from acd.names import EndedBy, LineState, OfferResult, Outcome, RejectReason
from acd.plan import REJECT, BlockedNumber, Exit
from acd.records import CallBlocked, CallClosed, CallOpened, CallWaiting, OfferMade, StepTaken
from tests.scenarios.world import PLAN, Timeline, call_id, ms, with_line

NUMBER = "13900001234"
LISTED = replace(
    PLAN,
    blocked=(
        BlockedNumber(NUMBER, "harassment"),
        BlockedNumber("0099", "fraud", is_beginning=True, prompt="own/no"),
        BlockedNumber("009955", "fraud, the worst of it", is_beginning=True),
    ),
)


def listed(**more: object) -> Timeline:
    t = Timeline(replace(LISTED, **more))
    t.login(0, "1001")
    return t


def refused(t: Timeline) -> Exit:
    """The exit that was wished for the newest caller."""
    return t.last(ExitCall).to


def test_listed_caller_calls_is_refused_at_once_though_an_agent_is_free() -> None:
    t = listed()
    t.arrive(1, "a", caller_number=NUMBER)
    assert t.last(CallBlocked) == CallBlocked(call_id("a"), ms(1), NUMBER, "harassment")
    assert (refused(t), t.last(ExitCall).reason) == (REJECT, RejectReason.BUSY)
    t.connecting(1.1, "a", t.last(ExitCall).offer)
    t.gone(3, "a", EndedBy.SYSTEM)
    assert t.last(CallClosed) == CallClosed(call_id("a"), ms(3), EndedBy.SYSTEM, None, "blocked")
    assert not t.all(CallWaiting) and not t.all(OfferMade)
    assert t.engine.next_deadline() is None


def test_other_caller_calls_meanwhile_is_served() -> None:
    t = listed()
    t.arrive(1, "a", caller_number=NUMBER)
    t.arrive(1, "b", caller_number="13900001235")
    assert [one.call for one in t.all(OfferMade)] == [call_id("b")]


def test_caller_of_a_blocked_beginning_hears_its_own_prompt() -> None:
    t = listed()
    t.arrive(1, "a", caller_number="+99 1-234567")
    assert refused(t) == Exit(reject=True, prompt="own/no")
    assert t.last(CallBlocked).entry == "0099*"


def test_caller_matches_two_beginnings_the_longer_one_is_told() -> None:
    t = listed()
    t.arrive(1, "a", caller_number="00995512345")
    assert t.last(CallBlocked).why == "fraud, the worst of it"


@pytest.mark.parametrize("number", [NUMBER, "+8613900001234", "008613900001234", "139 0000-1234", "(139) 0000.1234"])
def test_number_is_written_in_any_way_it_is_the_same_number(number: str) -> None:
    assert Blocklist(LISTED).entry_for(number) is not None


@pytest.mark.parametrize(
    "number",
    [
        "",
        " ",
        "anonymous",
        "<unknown>",
        "+",
        "00",
        "1390000123",
        "139000012345",
        "013900001234",
        "+8513900001234",
        "１３９００００１２３４",
        "13900001234\r\nAction: Originate",
        "13900001234*",
        "0099" + "1" * 40,
        "x0099123",
        "\x0013900001234",
    ],
)
def test_number_is_withheld_hostile_or_another_it_matches_no_entry(number: str) -> None:
    assert Blocklist(LISTED).entry_for(number) is None
    t = listed()
    t.arrive(1, "a", caller_number=number)
    assert not t.all(CallBlocked)
    assert t.when(OfferMade) == [1]


def test_empty_list_concerns_nobody() -> None:
    assert Blocklist(PLAN).entry_for(NUMBER) is None


def test_listed_caller_hears_the_greeting_first_and_is_then_refused() -> None:
    t = listed()
    t.arrive(1, "a", caller_number=NUMBER, has_menu=True)
    assert not t.all(ExitCall)
    t.tell(1, ev.MenuStarted(call_id("a"), ms(1)))
    t.tell(5, ev.CallQueued(call_id("a"), ms(5)))
    assert t.when(ExitCall) == [5]
    assert not t.all(CallWaiting)


def test_listed_caller_hangs_up_before_he_is_refused_has_no_outcome_either() -> None:
    t = listed()
    t.arrive(1, "a", caller_number=NUMBER, has_menu=True)
    t.gone(2, "a")
    assert (t.last(CallClosed).outcome, t.last(CallClosed).reason) == (None, "blocked")


def test_refusal_is_not_taken_it_is_wished_again_as_long_as_he_is_there() -> None:
    t = listed()
    t.arrive(1, "a", caller_number=NUMBER)
    t.run_to(3.5)
    assert t.when(ExitCall) == [1, 2, 3]
    for at in range(4, 9):  # he comes back to hold, whatever was wished: he never waits
        t.connecting(at, "a", t.last(ExitCall).offer)
        t.hold(at + 0.1, "a")
    t.run_to(12)
    assert t.when(ExitCall)[-1] > 10
    assert not t.all(CallWaiting) and not t.all(OfferMade)


def test_number_is_listed_by_a_reload_who_waits_is_served_and_the_next_one_is_not() -> None:
    t = Timeline()
    t.arrive(1, "a", caller_number=NUMBER)
    t.tell(2, ev.PlanChanged(LISTED, ms(2)))
    t.arrive(3, "b", caller_number=NUMBER)
    t.login(4, "1001")
    assert [one.call for one in t.all(CallBlocked)] == [call_id("b")]
    assert [one.call for one in t.all(OfferMade)] == [call_id("a")]


def test_number_is_taken_off_the_list_by_a_reload_the_next_call_is_served() -> None:
    t = listed()
    t.tell(2, ev.PlanChanged(PLAN, ms(2)))
    t.arrive(3, "a", caller_number=NUMBER)
    assert t.when(OfferMade) == [3]


def test_line_is_closed_or_in_emergency_listed_caller_is_refused_all_the_same() -> None:
    t = Timeline(with_line(LISTED, "general", is_open=False, on_closed=Exit(voicemail="100")))
    t.tell(0, ev.LineOrdered("general", LineState.EMERGENCY, ms(0), Exit(number="555")))
    t.arrive(1, "a", caller_number=NUMBER)
    assert refused(t) == REJECT


def found(name: str, place: str, **more: object) -> ev.CallFound:
    """He came at 1 and is found at 20."""
    values = {"queued_ms": ms(1), "line": "general", "did": "12345", "caller_number": NUMBER, **more}
    return ev.CallFound(call_id(name), ms(20), place, ms(1), score_ms=ms(1), **values)  # type: ignore[arg-type]  # fields by case


@pytest.mark.parametrize("place", ["rest", "fallback"])
def test_listed_caller_came_while_the_service_was_away_is_refused_when_it_is_back(place: str) -> None:
    t = Timeline(LISTED, pbx_up=False)
    t.tell(20, found("a", place))
    t.tell(20, ev.SnapshotDone("pbx1", ms(20)))
    if place == "fallback":
        assert t.all(WakeCall)
        t.hold(20.2, "a")
    assert refused(t) == REJECT
    assert [type(one) for one in t.all(CallOpened) + t.all(CallBlocked)] == [CallOpened, CallBlocked]
    assert not t.all(CallWaiting) and not t.all(StepTaken)
    assert t.engine.waiting_by_line() == {"general": 0, "enterprise": 0}


@pytest.mark.parametrize("kind", ["reject", "out"])
def test_service_starts_again_while_he_is_on_his_way_out_he_is_the_listed_one_only_if_he_is_refused(kind: str) -> None:
    t = Timeline(LISTED, pbx_up=False)
    t.tell(20, found("a", "exit", offer="2-1", kind=kind, number="busy" if kind == "reject" else "555", reason="busy"))
    t.tell(20, ev.SnapshotDone("pbx1", ms(20)))
    t.gone(22, "a", EndedBy.SYSTEM)
    assert t.last(CallClosed).outcome is (None if kind == "reject" else Outcome.OVERFLOWED_OUT)
    assert bool(t.all(CallBlocked)) is (kind == "reject")


@pytest.mark.parametrize("place", ["fallback_talk", "fallback_ring"])
def test_somebody_took_him_in_the_pbxs_own_queue_the_list_does_not_hold_there(place: str) -> None:
    t = Timeline(LISTED, pbx_up=False)
    t.tell(20, found("a", place, number="phone1001"))
    t.tell(20, ev.SnapshotDone("pbx1", ms(20)))
    if place == "fallback_ring":
        t.tell(21, ev.PartyJoined(call_id("a"), "phone1001", ms(21)))
    t.gone(30, "a")
    assert not t.all(CallBlocked)
    assert t.last(CallClosed).outcome is Outcome.AGENT_ANSWERED


def test_phone_of_the_pbxs_own_queue_picks_up_as_he_is_woken_he_is_answered_like_anybody() -> None:
    t = Timeline(LISTED, pbx_up=False)
    t.tell(20, found("a", "fallback"))
    t.tell(20, ev.SnapshotDone("pbx1", ms(20)))
    t.tell(20.5, found("a", "fallback_talk", number="phone1001", answered_ms=ms(20.4)))
    t.gone(30, "a")
    assert t.last(CallClosed).outcome is Outcome.AGENT_ANSWERED


def test_offer_goes_to_the_other_caller_when_a_listed_one_came_first() -> None:
    t = Timeline(LISTED)
    t.arrive(1, "a", caller_number=NUMBER)
    t.arrive(2, "b", caller_number="")
    t.login(3, "1001")
    assert [one.call for one in t.all(OfferMade)] == [call_id("b")]
    t.ringing(3, "b")
    t.ended(4, "b", OfferResult.REFUSED)
    assert call_id("a") in t.engine.calls

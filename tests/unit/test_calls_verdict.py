"""What a scenario expects against what ledger, CEL and phones say: each difference is found, by its own figure only."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from acd.names import CallId, EndedBy, Outcome
from callcenter.calls.plan import Place, places_of
from callcenter.calls.scenario import Inbound, read
from callcenter.calls.story import CelStory, Evidence, LedgerStory, Played
from callcenter.calls.verdict import Totals, judge, totals
from callcenter.lab.phone_log import PhoneCall
from callcenter.witness.calls import CelCall, CelTalk
from callcenter.witness.dialled import CelDialled

ROW: dict[str, Any] = {
    "outcome": "agent_answered",
    "outcome_reason": "",
    "blocked": False,
    "agent": "8010",
    "via": "engine",
    "ended_by": "agent",
    "offers": 2,
    "direction": "inbound",
}
CHILDREN: dict[str, list[dict[str, Any]]] = {
    "offers": [{"agent": "8010", "result": "accepted"}, {"agent": "1011", "result": "accepted"}],
    "hand_overs": [{"mode": "blind", "result": "reached", "specialist": "1011"}],
    "talks": [{"agent": "8010"}, {"agent": "1011"}],
    "placements": [{"kind": "queued", "line": "kind"}, {"kind": "step", "line": "kind"}],
    "ratings": [{"score": 4}],
    "recordings": [],
}
EXPECTED = {
    "outcome": "agent_answered",
    "agent": "seat",
    "ended_by": "agent",
    "offers": ["seat accepted", "expert accepted"],
    "hand_overs": ["blind reached expert"],
    "talks": ["seat", "expert"],
    "rating": 4,
}


def place(expected: dict[str, Any]) -> Place:
    """A kind with a seat (8010 at 1010) and a specialist (1011)."""
    table = {"what": "", "seats": ["seat"], "specialists": ["expert"], "happens": ["caller dials"]}
    return places_of([read("family", "kind", {**table, "calls": {"caller": expected}})])[0]


def cel_story(**changes: Any) -> CelStory:
    """CEL's word of the call."""
    talks = (CelTalk("1010", "8010", "seat", 2, 3), CelTalk("1011", "1011", "specialist", 4, 5))
    outcomes = frozenset({Outcome.AGENT_ANSWERED})
    call = CelCall(CallId("pbx", "1.1"), 1, 2, 5, 6, EndedBy.AGENT, outcomes, talks)
    return CelStory(replace(call, **changes), ("1010", "1011"))


def phones(
    number: str, last_ended_by: Any = "self", caller_ended_by: Any = "peer"
) -> tuple[PhoneCall, list[PhoneCall]]:
    """The caller's phone, and those of seat and specialist."""
    caller = PhoneCall("caller", number, "out", "a", "6010", "", 1.0, 1.2, 6.0, caller_ended_by, 200)
    seat = PhoneCall("agent", "1010", "in", "b", "6010", f"line {number}", 1.1, 2.0, 3.0, "peer", 200)
    expert = PhoneCall("specialist", "1011", "in", "c", "6010", f"line {number}", 3.1, 4.0, 6.0, last_ended_by, 200)
    return caller, [seat, expert]


def figures(
    expected: dict[str, Any] | None = None,
    row: dict[str, Any] | None = None,
    children: dict[str, Any] | None = None,
    cel: CelStory | None = None,
    mismatches: int = 0,
    **phone: Any,
) -> dict[str, int]:
    """Judge one call and return what is not 0."""
    where = place(EXPECTED | (expected or {}))
    number = where.caller("caller", 0)
    caller, others = phones(number, **phone)
    played = Played(where, 0, {"caller": caller}, others)
    ledger = LedgerStory(ROW | (row or {}), CHILDREN | (children or {}))
    evidence = Evidence({number: [ledger]}, {number: [cel or cel_story()]}, {})
    told = totals(judge([played], evidence), [played], mismatches).document()
    assert (told.pop("kinds"), told.pop("calls")) == (1, 1)
    return {name: count for name, count in told.items() if count}


def test_everything_is_as_written_and_nothing_is_wrong() -> None:
    assert figures() == {}


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"expected": {"outcome": "voicemail"}}, "wrong_outcome"),
        ({"row": {"outcome": "failed"}}, "wrong_outcome"),
        ({"row": {"outcome_reason": "full"}}, "wrong_outcome"),
        ({"row": {"blocked": True}}, "wrong_outcome"),
        ({"cel": cel_story(outcomes=frozenset({Outcome.FAILED}))}, "wrong_outcome"),
        ({"row": {"agent": "8011"}}, "wrong_agent"),
        ({"row": {"agent": None}}, "wrong_agent"),
        ({"row": {"via": "fallback"}}, "wrong_details"),
        ({"row": {"ended_by": "system"}}, "wrong_details"),
        ({"row": {"offers": 3}}, "wrong_details"),
        ({"children": {"offers": CHILDREN["offers"][:1]}}, "wrong_details"),
        ({"children": {"hand_overs": []}}, "wrong_details"),
        ({"children": {"hand_overs": CHILDREN["hand_overs"] * 2}}, "wrong_details"),
        ({"children": {"talks": CHILDREN["talks"][::-1]}}, "wrong_details"),
        ({"children": {"placements": []}}, "wrong_details"),
        ({"children": {"ratings": [{"score": None}]}}, "wrong_details"),
        ({"children": {"recordings": [{"kind": "voicemail"}]}}, "wrong_details"),
        ({"cel": replace(cel_story(), rang=("1010",))}, "wrong_details"),
        ({"cel": cel_story(talks=cel_story().inbound.talks[:1])}, "wrong_details"),  # type: ignore[union-attr]  # the story is of a call in
        ({"last_ended_by": "peer"}, "lost"),
        ({"mismatches": 1}, "ledger_mismatches"),
    ],
)
def test_one_thing_is_otherwise_and_its_own_figure_alone_says_so(changes: dict[str, Any], wrong: str) -> None:
    assert figures(**changes) == {wrong: 1}


def test_cel_names_another_agent_first_and_agent_and_talks_are_wrong() -> None:
    story = cel_story()
    assert story.inbound is not None
    assert figures(cel=cel_story(talks=story.inbound.talks[1:])) == {"wrong_agent": 1, "wrong_details": 1}


def test_phone_that_joins_two_calls_is_there_with_both_channels_and_counts_once() -> None:
    story = cel_story()
    assert story.inbound is not None
    seat, expert = story.inbound.talks
    assert figures(cel=cel_story(talks=(seat, seat, expert))) == {}


def test_caller_hung_up_himself_and_is_not_lost_though_the_specialist_was_cut_off() -> None:
    assert figures(caller_ended_by="self", last_ended_by="peer") == {}


def test_witness_does_not_know_the_call_and_the_outcome_is_wrong() -> None:
    where = place(EXPECTED)
    caller, others = phones(where.caller("caller", 0))
    played = Played(where, 0, {"caller": caller}, others)
    (verdict,) = judge([played], Evidence({}, {}, {}))
    assert verdict.outcome == [f"{who} knows 0 calls of {caller.number}" for who in ("ledger", "CEL")]


def test_exit_is_stated_in_the_scenario_and_its_end_by_the_pbx_is_no_loss() -> None:
    where = place({"outcome": "rejected", "reason": "closed", "ended_by": "system"})
    number = where.caller("caller", 0)
    caller, _ = phones(number)
    row = ROW | {"outcome": "rejected", "outcome_reason": "closed", "agent": None, "via": None, "offers": 0}
    queued = {name: [] for name in CHILDREN} | {"placements": CHILDREN["placements"]}
    cel = CelStory(replace(cel_story().inbound, outcomes=frozenset({Outcome.REJECTED}), talks=()))  # type: ignore[type-var]  # its inbound story is there
    ledger = LedgerStory(row | {"ended_by": "system"}, queued)
    (verdict,) = judge([Played(where, 0, {"caller": caller})], Evidence({number: [ledger]}, {number: [cel]}, {}))
    assert verdict.words == []


@pytest.mark.parametrize(
    ("row", "cel", "words"),
    [
        ({}, Outcome.REJECTED, []),
        ({"blocked": False}, Outcome.REJECTED, ["ledger blocked: False, expected True"]),
        ({"outcome": "rejected"}, Outcome.REJECTED, ["ledger outcome: rejected, expected nobody"]),
        ({}, Outcome.ABANDONED_QUEUE, ["CEL outcome: abandoned_queue, expected rejected"]),
    ],
)
def test_caller_is_turned_away_by_his_number_the_ledger_says_so_and_cel_saw_a_refusal(
    row: dict[str, Any], cel: Outcome, words: list[str]
) -> None:
    where = place({"outcome": "blocked", "ended_by": "system", "lines": []})
    number = where.caller("caller", 0)
    caller, _ = phones(number)
    told = ROW | {"outcome": None, "blocked": True, "agent": None, "via": None, "offers": 0, "ended_by": "system"} | row
    heard = CelStory(replace(cel_story().inbound, outcomes=frozenset({cel}), talks=()))  # type: ignore[type-var]  # its inbound story is there
    ledger = LedgerStory(told, {name: [] for name in CHILDREN})
    (verdict,) = judge([Played(where, 0, {"caller": caller})], Evidence({number: [ledger]}, {number: [heard]}, {}))
    assert verdict.words == words


def out(change: Callable[[dict[str, Any]], dict[str, Any]], cel: CelDialled) -> list[str]:
    """Judge one call that a seat dials out."""
    expected = {"agent": "seat", "answered": True, "status": "ANSWER", "ended_by": "caller"}
    table = {"what": "", "seats": ["seat"], "happens": ["seat dials out"], "calls": {"seat": expected}}
    (where,) = places_of([read("family", "kind", table)])
    row = {"direction": "outbound", "answered_ms": 5, "end_detail": "ANSWER", "agent": "8010", "ended_by": "caller"}
    ledger = LedgerStory(change(row | {"line_code": "kind"}), {})
    number = where.dialled(0)
    (verdict,) = judge([Played(where, 0)], Evidence({number: [ledger]}, {number: [CelStory(outbound=cel)]}, {}))
    return verdict.words


def test_call_dialled_out_is_as_written() -> None:
    assert out(lambda row: row, CelDialled("2.1", "1010", 5, 6)) == []


def test_call_dialled_out_is_otherwise_for_each_witness() -> None:
    assert out(lambda row: row | {"end_detail": "BUSY"}, CelDialled("2.1", "1010", 5, 6)) == [
        "ledger status: BUSY, expected ANSWER"
    ]
    assert out(lambda row: row, CelDialled("2.1", "1010", None, 6)) == ["CEL answered: False, expected True"]
    assert out(lambda row: row, CelDialled("2.1", "1011", 5, 6)) == ["CEL agent: 1011, expected seat"]


@pytest.mark.parametrize("wrong", [name for name in Totals.__slots__ if name not in ("kinds", "calls")])
def test_run_is_right_only_without_any_fault_and_with_a_call(wrong: str) -> None:
    right = Totals(1, 5, 0, 0, 0, 0, 0, 0)
    assert right.is_right
    assert not replace(right, **{wrong: 1}).is_right
    assert not replace(right, calls=0).is_right


def test_expectation_of_a_caller_is_the_default_of_an_ordinary_end() -> None:
    expected = place({"outcome": "abandoned_queue"}).scenario.calls["caller"]
    assert isinstance(expected, Inbound)
    assert (expected.ended_by, expected.agent, expected.offers) == (EndedBy.CALLER, None, ())


def test_either_of_two_may_be_first_and_a_mixture_of_both_is_wrong() -> None:
    where = place({"outcome": "abandoned_ringing", "offers": ["seat caller_gone"], "or": [EXPECTED]})
    number = where.caller("caller", 0)
    caller, others = phones(number)
    played = Played(where, 0, {"caller": caller}, others)
    for row, is_right in ((ROW, True), (ROW | {"outcome": "abandoned_ringing"}, False)):
        evidence = Evidence({number: [LedgerStory(row, CHILDREN)]}, {number: [cel_story()]}, {})
        (verdict,) = judge([played], evidence)
        assert (verdict.words == []) is is_right

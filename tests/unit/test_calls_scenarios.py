"""Scenario files are read whole or refused with the place; the plan made of them gives each kind its own numbers."""

from typing import Any

import pytest

from acd.names import HandOverMode, HandOverResult, OfferResult, Outcome
from callcenter.calls.__main__ import main
from callcenter.calls.errors import CallsUseError, ScenarioError
from callcenter.calls.handset import Handset
from callcenter.calls.plan import absent, places_of, plan_of
from callcenter.calls.play import Performance
from callcenter.calls.scenario import Inbound, Outbound, chosen, load, read
from callcenter.calls.screenplay import ACTS, Part, steps_of
from callcenter.proof import witnesses
from config.plan import parse_plan

KINDS = 36
"""So many kinds `make calls` plays."""


def table(**changes: Any) -> dict[str, Any]:
    """A kind as a file has it."""
    base: dict[str, Any] = {
        "what": "somebody calls",
        "seats": ["seat"],
        "specialists": ["expert"],
        "happens": ["caller dials", "seat rings", "1.5 s pass", "seat presses *7 and the topic"],
        "calls": {"caller": {"outcome": "agent_answered", "agent": "seat", "offers": ["seat accepted"]}},
    }
    return base | changes


def test_files_all_can_be_played_and_there_are_as_many_kinds_as_promised() -> None:
    scenarios = chosen(load(), ())
    assert len(scenarios) == KINDS
    assert len(chosen(load(), (), proof=True)) == witnesses.KINDS
    assert all(steps_of(one) and one.calls for one in scenarios)


def test_files_make_one_plan_that_the_service_takes_with_numbers_of_their_own() -> None:
    places = places_of(list(load().values()))
    seats = [absent(), *(seat for place in places for seat in place.company())]
    plan = parse_plan(plan_of(places) + "".join(seat.toml() for seat in seats), "the plan").plan
    assert {place.line("") for place in places} <= set(plan.lines)
    callers = [place.caller(name, 0) for place in places for name in place.scenario.callers]
    phones = [number for place in places for number in place.phones.values()]
    assert len(set(callers)) == len(callers) and len(set(phones)) == len(phones)


def test_table_is_read_with_everything_that_must_come_out() -> None:
    told = {
        "outcome": "agent_answered",
        "agent": "seat",
        "offers": ["seat accepted", "expert busy"],
        "hand_overs": ["blind no_specialist"],
    }
    scenario = read("family", "kind", table(calls={"caller": told}))
    expected = scenario.calls["caller"]
    assert isinstance(expected, Inbound)
    assert expected.outcome is Outcome.AGENT_ANSWERED
    assert expected.offers == (("seat", OfferResult.ACCEPTED), ("expert", OfferResult.BUSY))
    assert expected.hand_overs == ((HandOverMode.BLIND, HandOverResult.NO_SPECIALIST, None),)
    assert (expected.talks, expected.lines, expected.rating) == ((), ("",), None)


def test_table_of_a_call_dialled_out_is_told_by_what_it_says() -> None:
    told = {"agent": "seat", "answered": False, "status": "BUSY", "ended_by": "system"}
    expected = read("family", "kind", table(calls={"seat": told})).calls["seat"]
    assert isinstance(expected, Outbound)
    assert (expected.answered, expected.status) == (False, "BUSY")


def test_screenplay_is_read_sentence_by_sentence() -> None:
    steps = steps_of(read("family", "kind", table()))
    assert [(step.part, step.who, step.act, step.with_) for step in steps] == [
        (Part.CALLER, "caller", "dials", ""),
        (Part.PHONE, "seat", "rings", ""),
        (Part.TIME, "", "pass", "1.5"),
        (Part.PHONE, "seat", "presses_topic", "*7"),
    ]


def test_every_act_of_the_language_can_be_played() -> None:
    for part, acts in ACTS.items():
        for _, act in acts:
            assert hasattr(Performance, f"_{part}_{act}") or (part is Part.PHONE and hasattr(Handset, act)), act


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"happens": ["caller sings"]}, "a caller cannot do that: 'caller sings'"),
        ({"happens": ["nobody rings"]}, "nobody is called 'nobody'"),
        ({"seats": ["caller"], "happens": ["caller dials"]}, "a name is there twice"),
        ({"calls": {"caller": {"outcome": "rejected", "talks": ["stranger"]}}}, "nobody is called stranger"),
    ],
)
def test_screenplay_that_nobody_can_play_is_refused_with_the_sentence(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        steps_of(read("family", "kind", table(**changes)))


@pytest.mark.parametrize(
    "changes",
    [
        {"calls": {"caller": {"outcome": "answerd"}}},
        {"calls": {"caller": {"outcome": "rejected", "resaon": "full"}}},
        {"calls": {"caller": {"outcome": "rejected", "offers": ["seat"]}}},
        {"stage": "elsewhere"},
        {"hapens": []},
    ],
)
def test_table_with_a_word_that_does_not_exist_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError, match="family kind"):
        read("family", "kind", table(**changes))


def test_kind_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(CallsUseError, match="no kind nonsense; there are: answered_early, "):
        chosen(load(), ["nonsense"])


def test_command_names_its_kinds_and_refuses_one_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == KINDS
    assert main(["--only", "nonsense"]) == 2
    assert "there are: answered_early" in capsys.readouterr().err


def test_kinds_of_the_long_proof_are_played_only_when_asked_for() -> None:
    scenarios = load()
    more = {one.kind for one in scenarios.values() if one.proof}
    assert more and more.isdisjoint(one.kind for one in chosen(scenarios, ()))
    assert more < {one.kind for one in chosen(scenarios, (), proof=True)}


def test_alternatives_of_two_things_in_one_instant_are_each_complete() -> None:
    told = {"outcome": "abandoned_ringing", "or": [{"outcome": "agent_answered", "agent": "seat", "talks": ["seat"]}]}
    expected = read("family", "kind", table(calls={"caller": told})).calls["caller"]
    assert isinstance(expected, Inbound)
    assert [(one.outcome, one.agent) for one in expected.alternatives] == [(Outcome.AGENT_ANSWERED, "seat")]

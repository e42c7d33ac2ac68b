"""Who may dial what: the judgement alone."""

from dataclasses import replace

import pytest

from acd.dialout import TIED_MS, LastCaller, Permit, Refusal, clean, judge, judge_call_back
from acd.plan import AgentSpec
from tests.scenarios.world import PLAN, with_line

NOW = 1_700_000_000_000
OWN = "02586001234"
BASE = with_line(PLAN, "general", outbound_number=OWN)
BASE = replace(
    BASE,
    agents={
        **BASE.agents,
        "1001": AgentSpec("1001", "A", {}, "", outbound="general"),
        "1002": AgentSpec("1002", "B", {}, ""),
        "1003": AgentSpec("1003", "C", {}, "", outbound="gone"),
    },
)
LAST = LastCaller("pbx1", "p-1.1", "13900000001", NOW - 60_000, NOW - 1000)


def dial(number: str, agent: str | None = "1001", last: LastCaller | None = None, **more: object) -> Permit | Refusal:
    plan = replace(BASE, **more) if more else BASE
    return judge(plan, agent, number, "pbx1", NOW, last)


@pytest.mark.parametrize("number", ["110", "10086", "02584001234", "13900000001", "+8613900000001", "0" + "1" * 19])
def test_number_of_this_country_is_dialled_for_the_agents_line_as_its_number(number: str) -> None:
    assert dial(number) == Permit(number, "general", OWN, None)


@pytest.mark.parametrize("number", ["001234567", "008613900000001", "+12125550100", "00", "+1"])
def test_number_abroad_is_denied_however_it_is_written(number: str) -> None:
    expected = Refusal.NO_NUMBER if len(number.lstrip("+")) < 3 else Refusal.DENIED
    assert dial(number) == expected


@pytest.mark.parametrize(
    "number",
    [
        "",
        "1",
        "12",
        "1" * 21,
        "12*3",
        "12#3",
        "1390000*",
        "abc",
        "12a34",
        "1 3900000001",
        "++861390000",
        "１２３４",
        "+",
        "²³⁴",
    ],
)
def test_what_is_no_number_is_not_dialled(number: str) -> None:
    assert dial(number) is Refusal.NO_NUMBER


def test_denied_beginning_holds_for_the_same_number_with_the_countrys_code() -> None:
    assert dial("+861900123", outbound_deny=("1900",)) is Refusal.DENIED
    assert dial("1900123", outbound_deny=("1900",)) is Refusal.DENIED
    assert dial("+12125550100", outbound_deny=()) == Permit("+12125550100", "general", OWN)
    assert dial("+12125550100", country_code="1") == Permit("+12125550100", "general", OWN)


@pytest.mark.parametrize("agent", ["1002", "1003", "9999"])
def test_agent_without_a_line_to_dial_for_may_not(agent: str) -> None:
    assert dial("02584001234", agent) is Refusal.NOT_ALLOWED
    assert judge_call_back(BASE, agent, "pbx1", LAST) is Refusal.NOT_ALLOWED


def test_nobody_at_the_phone_may_not() -> None:
    assert dial("02584001234", None) is Refusal.NOBODY
    assert judge_call_back(BASE, None, "pbx1", None) is Refusal.NOBODY


def test_call_back_dials_the_last_caller_and_names_his_call() -> None:
    assert judge_call_back(BASE, "1001", "pbx1", LAST) == Permit("13900000001", "general", OWN, "p-1.1")
    assert judge_call_back(BASE, "1001", "pbx2", LAST) == Permit("13900000001", "general", OWN, None)


def test_call_back_of_nobody_of_a_withheld_and_of_a_denied_number_is_refused() -> None:
    assert judge_call_back(BASE, "1001", "pbx1", None) is Refusal.NO_CALLER
    assert judge_call_back(BASE, "1001", "pbx1", replace(LAST, number="")) is Refusal.WITHHELD
    assert judge_call_back(BASE, "1001", "pbx1", replace(LAST, number="0012125550100")) is Refusal.DENIED


@pytest.mark.parametrize(
    ("last", "in_wrapup", "tied"),
    [
        (LAST, False, True),
        (replace(LAST, ended_ms=None), False, True),
        (replace(LAST, ended_ms=NOW - TIED_MS), False, True),
        (replace(LAST, ended_ms=NOW - TIED_MS - 1), False, False),
        (replace(LAST, ended_ms=NOW - TIED_MS - 1), True, True),
        (replace(LAST, number="13900000002"), True, False),
        (replace(LAST, pbx="pbx2"), True, False),
        (None, True, False),
    ],
)
def test_number_dialled_by_hand_is_tied_to_the_call_of_the_last_caller(
    last: LastCaller | None, in_wrapup: bool, tied: bool
) -> None:
    permit = judge(BASE, "1001", "13900000001", "pbx1", NOW, last, in_wrapup)
    assert isinstance(permit, Permit)
    assert permit.follows == ("p-1.1" if tied else None)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("13900000001", "13900000001"),
        ("+86 (25) 8400-1234", "+862584001234"),
        ("anonymous", ""),
        ("", ""),
        ("12;rm", ""),
        ("*72", ""),
        ("1390000\r\n0001", ""),
    ],
)
def test_number_received_is_cleaned_or_none(text: str, number: str) -> None:
    assert clean(text) == number

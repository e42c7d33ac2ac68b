"""The demo's last line and its rules for exit 0."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from callcenter.demo.summary import Facts, broken_rules, json_line, result, table

KEYS = {
    "offered",
    "answered",
    "abandoned",
    "lost",
    "avg_wait_s",
    "avg_talk_s",
    "max_talk_s",
    "ledger_mismatches",
    "connect_rate",
}


def _call(line: str, outcome: str, wait_ms: int, talk_ms: int = 0) -> dict[str, Any]:
    answered = 1_000 + wait_ms if outcome == "agent_answered" else None
    return {
        "direction": "inbound",
        "excluded": False,
        "imported": False,
        "blocked": False,
        "line_code": line,
        "outcome": outcome,
        "arrived_ms": 1_000,
        "answered_ms": answered,
        "left_ms": None,
        "rebuilt_ms": None,
        "clock_adjusted": False,
        "is_test": False,
        "via": None,
        "menu_ms": None,
        "queued_ms": 1_000,
        "hold_ms": 0,
        "first_offer_ms": answered,
        "talk_ended_ms": None,
        "ended_ms": 1_000 + wait_ms + talk_ms,
        "talk_ms": talk_ms,
        "requeue_wait_ms": 0,
        "requeue_abandoned": False,
        "agent_answers": int(answered is not None),
        "specialist_answers": 0,
    }


CALLS = (
    _call("general", "agent_answered", 2_000, 5_000),
    _call("enterprise", "agent_answered", 1_000, 6_000),
    _call("general", "abandoned_queue", 4_500),
)
GOOD = Facts(CALLS, 1, 1, 0, 0, 0, 3, ("general", "enterprise"), True, 20.0)


def test_result_of_three_calls_is_figured_by_the_dictionary() -> None:
    said = result(GOOD)
    assert KEYS <= set(said)
    assert (said["offered"], said["answered"], said["abandoned"]) == (3, 2, 1)
    # (2 + 1 + 4.5) / 3 = 2.5 -> 3; (5 + 6) / 2 = 5.5 -> 6
    assert (said["avg_wait_s"], said["avg_talk_s"], said["max_talk_s"]) == (3, 6, 6)
    assert said["connect_rate"] == "66.7%"
    assert all(type(said[key]) is int for key in KEYS - {"connect_rate"})
    assert json.loads(json_line(GOOD)) == said


def test_result_of_no_call_has_zeros_and_no_rate() -> None:
    said = result(replace(GOOD, calls=(), dialled=0))
    assert (said["offered"], said["avg_talk_s"], said["connect_rate"]) == (0, 0, "—")


def test_rules_good_run_breaks_none() -> None:
    assert broken_rules(GOOD) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lost": 1}, "dropped"),
        ({"mismatches": 1}, "differ"),
        ({"dialled": 4}, "phones made 4"),
        ({"open": 1}, "no end"),
        ({"ronas": 0}, "RONA"),
        ({"hand_overs": 0}, "hand-over"),
        ({"calls": CALLS[:2], "dialled": 2}, "abandoned"),
        ({"calls": (CALLS[0], CALLS[2]), "dialled": 2}, "line enterprise had no answer"),
        ({"seconds": 40.0}, "offered"),
    ],
)
def test_rules_each_broken_one_is_said(change: dict[str, Any], words: str) -> None:
    assert any(words in sentence for sentence in broken_rules(replace(GOOD, **change)))


def test_rules_run_ended_by_the_user_needs_no_rona_abandonment_or_hand_over() -> None:
    cut_short = replace(GOOD, calls=CALLS[:1], dialled=1, ronas=0, hand_overs=0, is_whole=False, seconds=40.0)
    assert broken_rules(cut_short) == []
    assert len(broken_rules(replace(cut_short, lost=1))) == 1


def test_table_has_each_line_and_the_total() -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(table(GOOD, {"general": "群众诉求", "enterprise": "一企来"}))
    text = console.export_text()
    assert "群众诉求" in text and "一企来" in text and "66.7%" in text

"""The table of the year 2020 from its totals, and of a period without calls."""

from acd.names import Outcome
from metrics.dictionary import OUTCOMES, totals_of
from metrics.report import call_service_table, figure_text

EMPTY = totals_of([])


def test_published_year_comes_out_of_its_totals() -> None:
    offered, answered, outbound = 277_492, 198_684, 259_935
    totals = EMPTY | {
        "offered": offered,
        "agent_answered": answered,
        "wait_ms": offered * 40_000,
        "talk_in_ms": answered * 311_000,
        "longest_in_ms": 5_443_000,
        "outbound_attempts": outbound,
        "outbound_answered": outbound,
        "talk_out_ms": outbound * 122_000,
        "longest_out_ms": 5_933_000,
    }
    assert call_service_table(totals).rows == (
        ("接听", "198684", "71.6%", "40", "311", "5443"),
        ("呼出", "259935", "—", "—", "122", "5933"),
        ("合计", "458619", "—", "—", "204", "5933"),
    )


def test_period_without_calls_prints_dashes_never_a_false_zero() -> None:
    table = call_service_table(EMPTY, "en")
    assert table.rows == (
        ("Answered", "0", "—", "—", "—", "—"),
        ("Outbound", "0", "—", "—", "—", "—"),
        ("Total", "0", "—", "—", "—", "—"),
    )
    assert table.notes[0] == "No calls in this period."


def test_open_unknown_and_excluded_calls_and_a_running_period_are_said() -> None:
    notes = call_service_table(EMPTY | {"not_ended": 3, "unknown": 2, "excluded": 1}, "en", is_over=False).notes
    assert [note.split(":")[0] for note in notes[:2]] == ["Not final", "Not final"]
    assert "3 calls have not ended" in notes[0]
    assert notes[2].startswith("2 calls ended with an unknown outcome")
    assert notes[3].startswith("Besides, 1 test")


def test_outcome_words_are_the_engines_own() -> None:
    assert tuple(word.value for word in Outcome) == OUTCOMES


def test_all_answered_is_a_hundred_percent() -> None:
    assert figure_text("connect_rate", EMPTY | {"offered": 3, "agent_answered": 3}) == "100.0%"

"""The table of the year 2020 from its totals, and of a period without calls."""

import pytest

from acd.names import Outcome
from metrics import operator_report
from metrics.choices import Choices
from metrics.dictionary import DICTIONARY, OUTCOMES, build
from metrics.document import ChartKind, printed_rows
from metrics.report import call_service, hour_sections, intervals
from metrics.report_notes import notes
from metrics.tables import Part

EMPTY = DICTIONARY.empty()
from tests.counted import figure_text


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
    assert printed_rows(call_service(totals), "zh") == (
        ("接听", "198684", "71.6%", "40", "311", "5443"),
        ("呼出", "259935", "—", "—", "122", "5933"),
        ("合计", "458619", "—", "—", "204", "5933"),
    )


def test_head_of_the_call_service_table_is_that_of_the_published_one() -> None:
    assert [column.title.zh for column in call_service(EMPTY).columns] == [
        *("话务类别", "话务量（通）", "接通率", "平均等待时长（秒）", "平均通话时长（秒）", "最大通话时长（秒）")
    ]


def test_single_interval_has_no_line_to_draw() -> None:
    one, two = Part("a", "a", EMPTY), Part("b", "b", EMPTY)
    for of in (intervals, operator_report.intervals):
        assert of([one]).chart is None and of([]).chart is None
        chart = of([one, two]).chart
        assert chart is not None and chart.kind is ChartKind.LINE


@pytest.mark.parametrize(("queued", "noted"), [(0, False), (7, True), (10, False)])
def test_calls_answered_without_a_time_of_queueing_beside_others_are_noted_below_the_levels(
    queued: int, noted: bool
) -> None:
    totals = EMPTY | {"offered": 12, "agent_answered": 10, "answered_queued": queued}
    said = [note.en for note in operator_report.levels(totals).notes]
    assert any(note.startswith(f"Of {10 - queued} calls answered nobody tells") for note in said) is noted


@pytest.mark.parametrize(
    ("busiest", "divisor", "unit"), [(9_999, 1, "通"), (10_000, 10_000, "万通"), (19_109, 10_000, "万通")]
)
def test_hours_are_drawn_in_ten_thousands_where_one_is_that_large(busiest: int, divisor: int, unit: str) -> None:
    hours = [EMPTY | {"agent_answered": 5, "offered": 7}] * 23 + [
        EMPTY | {"offered": busiest, "agent_answered": busiest}
    ]
    for section in hour_sections(hours):
        assert section.chart is not None and len(section.rows) == 24
        assert (section.chart.divisor, section.chart.unit.zh) == (divisor, unit)


def test_period_without_calls_prints_dashes_never_a_false_zero() -> None:
    assert printed_rows(call_service(EMPTY), "en") == (
        ("Answered", "0", "—", "—", "—", "—"),
        ("Outbound", "0", "—", "—", "—", "—"),
        ("Total", "0", "—", "—", "—", "—"),
    )
    assert next(notes(EMPTY, DICTIONARY, is_over=True)).en == "No calls in this period."


def test_open_unknown_excluded_rebuilt_and_raised_calls_and_a_running_period_are_said() -> None:
    counted = {"not_ended": 3, "unknown": 2, "excluded": 1, "rebuilt": 5, "clock_adjusted": 4}
    said = [note.en for note in notes(EMPTY | counted, DICTIONARY, is_over=False)]
    for number, words in (
        (3, "have not ended"),
        (2, "unknown outcome"),
        (5, "rebuilt from CEL"),
        (4, "clock of the PBX set back"),
        (1, "test or internal"),
    ):
        assert any(f"{number} " in sentence and words in sentence for sentence in said), words
    assert "Not final: the period is not over." in said
    assert said[-1] == list(DICTIONARY.choices.sentences("en"))[-1], "the choices come last"


def test_unknown_outcome_is_explained_by_what_is_true_of_imported_calls_too() -> None:
    (note,) = [
        note for note in notes(EMPTY | {"offered": 2, "unknown": 2}, DICTIONARY, is_over=True) if "2 " in note.en[:2]
    ]
    for words in (note, DICTIONARY.figures["unknown"].counts):
        assert "nobody watched" in words.en and "former system" in words.en
        assert "无人值守" in words.zh and "原系统" in words.zh


@pytest.mark.parametrize("where", ["rebuilt", "imported"])
def test_hold_is_no_talk_and_calls_whose_holds_are_unknown_are_said(where: str) -> None:
    without = build(Choices(hold_in_talk=False))
    words = "Where holds are unknown, nothing was taken off the talk."
    assert words in [note.en for note in notes(EMPTY | {"offered": 2, where: 1}, without, is_over=True)]
    assert words not in [note.en for note in notes(EMPTY | {"offered": 2, where: 0}, without, is_over=True)]
    assert words not in [note.en for note in notes(EMPTY | {"offered": 2, where: 1}, DICTIONARY, is_over=True)]


def test_outcome_words_are_the_engines_own() -> None:
    assert tuple(word.value for word in Outcome) == OUTCOMES


def test_all_answered_is_a_hundred_percent() -> None:
    assert figure_text("connect_rate", EMPTY | {"offered": 3, "agent_answered": 3}) == "100.0%"

"""The dictionary as people see it, and what choices do to it."""

from dataclasses import replace
from fractions import Fraction

import pytest
from typer.testing import CliRunner

from callcenter.__main__ import app
from metrics.choices import DEFAULT, Choices, OutboundVolume
from metrics.dictionary import DICTIONARY, FIGURES, TOTALS, build
from metrics.figures import UNIT_WORDS
from metrics.registry import DEFINITIONS
from metrics.totals import Source


def some_totals(**known: int) -> dict[str, int | None]:
    none: dict[str, int | None] = dict.fromkeys(TOTALS, 0)
    return none | known


def test_every_figure_says_in_two_languages_what_it_counts() -> None:
    for figure in DEFINITIONS.values():
        for words in (figure.title, figure.counts, figure.excludes, figure.interval, UNIT_WORDS[figure.unit]):
            assert words.en and words.zh, figure.name
            assert any("\u4e00" <= letter <= "\u9fff" for letter in words.zh), figure.name


def test_every_figure_is_made_of_totals_that_there_are() -> None:
    for figure in FIGURES.values():
        assert set(figure.terms()) <= set(TOTALS), figure.name


def test_list_and_show_print_the_dictionary() -> None:
    listed = CliRunner().invoke(app, ["metrics", "list"])
    assert listed.exit_code == 0 and all(name in listed.stdout for name in DEFINITIONS)
    shown = CliRunner().invoke(app, ["metrics", "show", "connect_rate"])
    assert "\n  numerator · 分子    agent_answered\n  denominator · 分母  offered\n" in shown.stdout
    assert "接通率" in shown.stdout and "half up" in shown.stdout
    for name in DEFINITIONS:
        shown = CliRunner().invoke(app, ["metrics", "show", name])
        assert shown.exit_code == 0 and "rounding · 舍入     once" in shown.stdout, name
    assert "utilisation" in CliRunner().invoke(app, ["metrics", "show", "utilisation"]).stdout


def shown_line(name: str, label: str) -> str:
    """One line of what `metrics show` prints, without its label."""
    lines = CliRunner().invoke(app, ["metrics", "show", name]).stdout.splitlines()
    (line,) = [line.strip() for line in lines if line.strip().startswith(f"{label} ")]
    return line.removeprefix(label).strip()


def test_every_line_of_a_figure_is_labelled_and_said_in_two_languages() -> None:
    assert shown_line("avg_wait_s", "unit · 单位") == "seconds, 0 decimal places · 秒，不留小数"
    assert shown_line("connect_rate", "unit · 单位") == "percent, 1 decimal place · 百分比，小数1位"
    assert shown_line("connect_rate", "clock · 计时") == "none · 无"
    assert shown_line("asa_s", "clock · 计时") == "from the queue · 自进入排队"
    assert shown_line("abandon_distribution", "clock · 计时") == "from arrival · 自呼入"
    assert shown_line("total_max_talk_s", "numerator · 分子") == "max(longest_in_ms, longest_out_ms)"
    plain = ("numerator", "denominator", "=")
    for name in DEFINITIONS:
        head, *lines = CliRunner().invoke(app, ["metrics", "show", name]).stdout.splitlines()
        assert "version" in head and "版" in head
        for line in lines:
            is_plain = line.strip().startswith(plain[:2]) or " = " in line
            value = line if is_plain else line.split("  ")[-1]
            assert " · " in value or " = " in value, (name, line)


STATES_ALONE = ("phone_occupancy", "workload_occupancy", "utilisation", "logged_in_s")


def test_states_belong_to_no_call_and_are_cut_at_the_edges() -> None:
    for name in STATES_ALONE:
        definition = DEFINITIONS[name]
        assert "cut at the edges" in definition.interval.en and "边界" in definition.interval.zh
        assert "call" not in definition.interval.en and not definition.clock
    for name in ("aht_s", "seat_avg_wrapup_s"):
        said = DEFINITIONS[name].interval
        assert "arrived" in said.en and "cut at the edges" in said.en and "呼入" in said.zh and "边界" in said.zh
    of_states = {
        name
        for name, figure in FIGURES.items()
        if any(
            TOTALS[term.removeprefix("-")].source is Source.STATES for term in (*figure.numerator, *figure.denominator)
        )
    }
    assert of_states == {name for name in FIGURES if "edges" in DEFINITIONS[name].interval.en}


def test_figures_of_two_clocks_have_two_titles() -> None:
    for name, definition in DEFINITIONS.items():
        if name.endswith("_arrival"):
            other = DEFINITIONS[f"{name.removesuffix('arrival')}queue"]
            assert definition.title.en != other.title.en and definition.title.zh != other.title.zh


NAMED_BY_THE_REPORT = (
    *("offered", "agent_answered", "connect_rate", "connect_rate_excl_short", "connect_rate_24h_min", "avg_wait_s"),
    *("avg_queue_wait_s", "avg_wait_answered_s", "asa_s", "requeue_wait_s", "requeue_abandoned", "specialist_reach"),
    *(
        "avg_talk_s",
        "max_talk_s",
        "outbound_attempts",
        "outbound_answered",
        "outbound_reached_rate",
        "total_avg_talk_s",
    ),
    *("service_level_15_arrival", "service_level_30_queue", "answered_within_share_20_arrival", "abandon_rate"),
    *("short_abandons", "agent_answers", "specialist_answers", "aht_s", "phone_occupancy", "workload_occupancy"),
    *("utilisation", "calls_by_hour", "abandon_distribution", "fcr", "distinct_callers", "staff_per_100k"),
)


def test_every_figure_that_a_report_needs_is_there() -> None:
    assert set(NAMED_BY_THE_REPORT) <= set(DEFINITIONS)


def test_unknown_name_is_refused_with_the_nearest_one() -> None:
    refused = CliRunner().invoke(app, ["metrics", "show", "conect_rate"])
    assert refused.exit_code == 2 and "connect_rate" in refused.stderr


def test_short_calls_leave_the_denominator_of_their_own_rate_only() -> None:
    totals = some_totals(offered=6, agent_answered=3, short_unanswered=1)
    assert FIGURES["connect_rate"].value(totals) == 50
    assert FIGURES["connect_rate_excl_short"].value(totals) == 60


@pytest.mark.parametrize(
    ("choices", "figure", "before", "after"),
    [
        (replace(DEFAULT, ivr_hangups_offered=False), "connect_rate", Fraction(50), Fraction(60)),
        (replace(DEFAULT, ivr_hangups_offered=False), "connect_rate_excl_short", Fraction(60), Fraction(60)),
        (replace(DEFAULT, ivr_hangups_offered=False), "avg_wait_s", Fraction(10), Fraction(11)),
        (replace(DEFAULT, outbound_volume=OutboundVolume.ATTEMPTS), "total_volume", Fraction(5), Fraction(7)),
    ],
)
def test_choice_changes_the_figures_that_depend_on_it(
    choices: Choices, figure: str, before: Fraction, after: Fraction
) -> None:
    totals = some_totals(
        offered=6,
        agent_answered=3,
        abandoned_ivr=1,
        short_unanswered=1,
        short_abandoned_ivr=1,
        wait_ms=60_000,
        wait_ivr_ms=5_000,
        outbound_answered=2,
        outbound_attempts=4,
    )
    assert FIGURES[figure].value(totals) == before
    assert build(choices).figures[figure].value(totals) == after


def test_every_choice_is_said_in_both_languages() -> None:
    for lang in ("zh", "en"):
        said = list(DEFAULT.sentences(lang))
        assert len(said) == 11 and all(said)


def test_choice_without_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="short_s"):
        Choices(short_s=0)


def test_totals_of_parts_combine_to_those_of_the_whole() -> None:
    parts = [some_totals(offered=3, longest_in_ms=9), some_totals(offered=4, longest_in_ms=7)]
    whole = DICTIONARY.combined(parts)
    assert (whole["offered"], whole["longest_in_ms"]) == (7, 9)

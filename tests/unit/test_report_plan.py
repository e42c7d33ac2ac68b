"""What the plan says of the report: choices over our defaults, dated counts of staff, wrong ones refused by file and key."""

from dataclasses import fields
from pathlib import Path

import pytest

import config
from callcenter.report.question import choices_of, staff_of
from config.errors import PlanError
from config.plan import parse_plan
from config.plan_diff import plan_diff
from config.report_shape import ReportShape
from metrics.choices import DEFAULT, Choices, Clock
from metrics.rounding import Rounding

EXAMPLE = Path(config.__file__).with_name("plan.example.toml").read_text(encoding="utf-8")


COUNT = """
[[staff]]
since = 2026-07-01
platform = "city"
name = "Example"
total = 70
call_takers = 60
"""


def with_report(text: str) -> str:
    return EXAMPLE.replace("[report]\n", f"[report]\n{text}\n")


def test_example_has_our_defaults_and_one_count_of_staff() -> None:
    plan = parse_plan(EXAMPLE)
    assert choices_of(plan, None) == DEFAULT == choices_of(None, None)
    assert plan.report.organisation == "示例市12345热线"
    assert [(one.since, one.total, one.call_takers) for one in staff_of(plan)] == [("2026-01-01", 66, 52)]


def test_every_choice_can_be_said_in_the_plan() -> None:
    names = {field.name for field in fields(Choices)}
    assert names == set(ReportShape.model_fields) - {"organisation", "organisation_en"}
    plan = parse_plan(with_report('level_s = 15\nlevel_clock = "queue"\nrounding = "half_even"\nfcr_after_days = 3'))
    choices = choices_of(plan, None)
    assert (choices.level_s, choices.level_clock, choices.rounding) == (15, Clock.QUEUE, Rounding.HALF_EVEN)
    assert choices.fcr_after_days == 3
    assert choices_of(plan, Rounding.HALF_UP).rounding is Rounding.HALF_UP


def test_author_changes_choices_and_staff_each_is_a_sentence() -> None:
    new = EXAMPLE.replace("call_takers = 52", "call_takers = 50").replace("[report]\n", "[report]\nshort_s = 10\n")
    new = new.replace("示例市12345热线", "示例省12345热线") + COUNT

    assert plan_diff(parse_plan(EXAMPLE), parse_plan(new)) == [
        "report: organisation 示例市12345热线 becomes 示例省12345热线",
        "report: short_s 5 becomes 10",
        "staff city of 2026-01-01: call_takers 52 becomes 50",
        "staff city of 2026-07-01 (Example) is added",
    ]


def test_author_writes_a_default_down_nothing_changes() -> None:
    new = with_report('hold_in_talk = true\nshort_s = 5\nblocked_calls = "excluded"\nsilent_calls = "counted"')

    assert plan_diff(parse_plan(EXAMPLE), parse_plan(new)) == []
    assert plan_diff(parse_plan(new), parse_plan(with_report("hold_in_talk = false"))) == [
        "report: hold_in_talk true becomes false"
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (with_report("level_s = 17"), "report.level_s: must be 15, 20 or 30"),
        (
            with_report("hold_in_talks = true"),
            "report.hold_in_talks: there is no such key: did you mean 'hold_in_talk'?",
        ),
        (with_report("short_s = 0"), "report.short_s"),
        (with_report('blocked_calls = "offered"'), "report.blocked_calls: must be 'excluded' (it is 'offered')"),
        (with_report('silent_calls = "lost"'), "report.silent_calls: must be 'counted' (it is 'lost')"),
        (EXAMPLE.replace("call_takers = 52", "call_takers = 67"), "more people take calls (67) than there are (66)"),
        (EXAMPLE.replace("population_source =", "# population_source ="), "a population needs its population_source"),
        (EXAMPLE.replace("since = 2026-01-01", 'since = "January"'), "staff[0].since"),
        (EXAMPLE.replace("[[staff]]", "[staff]"), "staff: must be a list: begin each with [[staff]]"),
    ],
)
def test_wrong_key_is_refused_with_line_and_key(text: str, why: str) -> None:
    with pytest.raises(PlanError) as refused:
        parse_plan(text)
    assert why in str(refused.value)

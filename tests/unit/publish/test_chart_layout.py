"""Where the bars and words of a chart stand."""

import itertools
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest

from callcenter.publish.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, Drawing, layout
from metrics.document import Cell, Chart, ChartKind, Column, Row, Section
from metrics.figures import Unit
from metrics.words import Words


def section(
    values: list[int | Fraction | None], kind: ChartKind = ChartKind.BARS, *, divisor: int = 1, places: int = 0
) -> Section:
    columns = (Column("x", Words("Hour", "时段")), Column("y", Words("Calls", "话务量")))
    rows = tuple(Row(str(n), (str(n), Cell.of("offered", value, Unit.CALLS))) for n, value in enumerate(values))
    chart = Chart(kind, "x", ("y",), Words("calls", "通"), divisor, places)
    return Section("s", Words("S", "S"), columns, rows, chart=chart)


def drawing(values: list[int | Fraction | None], kind: ChartKind = ChartKind.BARS, **more: int) -> Drawing:
    drawn = layout(section(values, kind, **more), "zh")
    assert drawn is not None
    return drawn


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (0, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (1, ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (6, ["0", "1", "2", "3", "4", "5", "6"]),
        (7, ["0", "2", "4", "6", "8"]),
        (13_000, ["0", "5000", "10000", "15000"]),
        (31_000, ["0", "10000", "20000", "30000", "40000"]),
    ],
)
def test_scale_begins_at_zero_and_ends_above_the_highest(highest: int, ticks: list[str]) -> None:
    drawn = drawing([0, highest])
    assert [word.text for word in drawn.ticks] == ticks
    assert (drawn.ticks[0].y, drawn.ticks[-1].y) == (BOTTOM, TOP)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([90, 98], ["90", "92", "94", "96", "98"]),
        ([10, 98], ["0", "20", "40", "60", "80", "100"]),
        ([95, 95], ["0", "20", "40", "60", "80", "100"]),
        ([89, 101], ["85", "90", "95", "100", "105"]),
    ],
)
def test_scale_of_lines_far_from_zero_begins_below_the_lowest(values: list[int], ticks: list[str]) -> None:
    assert [word.text for word in drawing([*values], ChartKind.LINE).ticks] == ticks


def test_bars_are_as_high_as_their_values_and_stay_in_the_plot() -> None:
    bars = drawing([10, 5, 0]).bars
    assert [bar.height for bar in bars] == [BOTTOM - TOP, Decimal(BOTTOM - TOP) / 2, 0]
    assert all(bar.y + bar.height == BOTTOM for bar in bars)
    assert bars[0].x >= LEFT
    assert bars[-1].x + bars[-1].width <= RIGHT


def test_what_does_not_apply_is_not_drawn_and_breaks_a_line() -> None:
    assert [bar.title.split()[0] for bar in drawing([3, None, 4]).bars] == ["0", "2"]
    lines = drawing([3, 4, None, 5], ChartKind.LINE).lines
    assert [len(line.points.split()) for line in lines] == [2, 1]


def test_numbers_stand_above_bars_where_there_is_room() -> None:
    values: list[int | Fraction | None] = [3_000 + 1_000 * n for n in range(24)]
    drawn = drawing(values, divisor=10_000, places=2)
    assert [word.text for word in drawn.numbers][:2] == ["0.30", "0.40"]
    assert drawing([1_234_567] * 24).numbers == ()


def test_many_points_are_labelled_now_and_then() -> None:
    labels = drawing([1] * 365, ChartKind.LINE).labels
    assert labels[0].text == "0"
    assert 10 < len(labels) < 40
    assert all(after.x - before.x > 40 for before, after in itertools.pairwise(labels))


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["等待[0, 5)秒放弃", "等待300秒及以上放弃"] * 4, ["等待[0, 5)", "秒放弃", "等待300秒及", "以上放弃"]),
        (["waited 300 s or more"] * 8, ["waited 300", "s or more"]),
        (["短", "name"] * 4, ["短", "name"]),
    ],
)
def test_long_names_of_few_bars_stand_in_two_lines(names: list[str], labels: list[str]) -> None:
    wanted = section([1] * len(names))
    rows = tuple(replace(row, contents=(name, row.contents[1])) for name, row in zip(names, wanted.rows, strict=True))
    drawn = layout(replace(wanted, rows=rows), "zh")
    assert drawn is not None
    assert [word.text for word in drawn.labels][: len(labels)] == labels
    assert all(word.y < HEIGHT for word in drawn.labels)


def test_bar_is_as_high_as_the_exact_figure_and_says_the_rounded_one() -> None:
    bars = drawing([14_000, 10_000], divisor=10_000).bars
    assert [bar.title.split()[-1] for bar in bars] == ["1", "1"]
    assert float(bars[0].height / bars[1].height) == pytest.approx(1.4, abs=0.001)


def test_drawn_number_is_rounded_once_from_the_exact_value() -> None:
    (bar,) = drawing([Fraction(12_345)], divisor=10_000, places=3).bars
    assert bar.title == "0 话务量 1.235"


def test_section_without_chart_or_rows_draws_nothing() -> None:
    assert layout(section([]), "zh") is None


def test_chart_over_a_column_of_names_is_refused() -> None:
    wrong = section([1])
    chart = Chart(ChartKind.BARS, "y", ("x",), Words("calls", "通"))
    with pytest.raises(ValueError, match="has no figure in the drawn column x"):
        layout(Section("s", wrong.title, wrong.columns, wrong.rows, chart=chart), "zh")

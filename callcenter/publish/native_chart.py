"""Excel's own chart on the rows of a section: it changes with the cells, and anybody can restyle it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from xlsxwriter.chart import Chart as ExcelChart
from xlsxwriter.workbook import Workbook

from callcenter.publish import wording
from metrics.document import Chart, ChartKind

HEADING_ROW = 1
"""Row of a sheet in which the section's heading stands, from 0."""
ROWS, COLUMNS = 19, 9
"""Room that a chart takes on its sheet."""
SIZE = {"width": 640, "height": 440}
"""Pixels. Beside a narrow table it has room on A4 across."""
COLOURS = ("#1F4E79", "#D9A441", "#6B8E5A", "#9A9A9A")
MOST_LABELS = 24
"""Below the axis; with more points every k-th has one."""
_TYPES = {ChartKind.BARS: "column", ChartKind.LINE: "line"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table stands, rows and columns from 0."""

    sheet: str
    head: int
    """Row of its head."""
    last: int
    """Its last row."""
    x: int
    """Column with the labels."""
    columns: Sequence[int]
    """Those drawn, one series each, named by their heads."""
    scale: str | None = None
    """Excel's number format of the y axis; None: that of the drawn cells."""


def native_chart(book: Workbook, chart: Chart, lang: str, place: Place) -> ExcelChart:
    """Return the chart on a table; every word in it but the unit is that of a cell, so none can be taken for a formula."""
    sheet, rows = place.sheet, (place.head + 1, place.last)
    drawing = book.add_chart({"type": _TYPES[chart.kind]})
    for order, column in enumerate(place.columns):
        colour = COLOURS[order % len(COLOURS)]
        series: dict[str, Any] = {
            "name": [sheet, place.head, column],
            "categories": [sheet, rows[0], place.x, rows[1], place.x],
            "values": [sheet, rows[0], column, rows[1], column],
            "gap": 40,
            "overlap": 0,
        }
        if chart.kind is ChartKind.BARS:
            series["fill"] = {"color": colour}
        else:
            series["line"] = {"color": colour, "width": 2}
        drawing.add_series(series)
    _name_axes(drawing, chart, lang, place)
    drawing.set_size(SIZE)
    return drawing


def _name_axes(drawing: ExcelChart, chart: Chart, lang: str, place: Place) -> None:
    """Set titles (those of the cells), fonts and lines; the scale of bars begins at zero, as the page's does."""
    font = {"name": wording.FONTS.in_(lang), "size": 10, "bold": False}
    heading = {"name": wording.HEADING_FONTS.in_(lang), "size": 13, "bold": True}
    drawing.set_title({"name": [place.sheet, HEADING_ROW, 0], "name_font": heading})
    every = ceil((place.last - place.head) / MOST_LABELS)
    drawing.set_x_axis(
        {
            "name": [place.sheet, place.head, place.x],
            "name_font": font,
            "num_font": font,
            "interval_unit": every,
            "interval_tick": every,
        }
    )
    scale: dict[str, Any] = {
        "name": chart.unit.in_(lang),
        "name_font": font,
        "num_font": font,
        "major_gridlines": {"visible": True, "line": {"color": "#D7DBE0", "width": 0.75}},
        "line": {"none": True},
    }
    if chart.kind is ChartKind.BARS:
        scale["min"] = 0
    if place.scale is not None:
        scale["num_format"] = place.scale
    drawing.set_y_axis(scale)
    if len(chart.series) > 1:
        drawing.set_legend({"position": "top", "font": font})
    else:
        drawing.set_legend({"none": True})

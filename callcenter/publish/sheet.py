"""One sheet of the workbook: head, table, notes, chart.

A figure is written as a number with a format (71.6% is 0.716 shown as `0.0%`), rounded as the report prints it: a
spreadsheet never sees the exact fraction, whose denominator a public table does not show. Everything else is a text cell with
the format Text: a name that begins with `=`, `+`, `-` or `@` stays a name, edited or not. A chart in another unit than its
table (万通), or with cells that do not apply, has columns of its own, right of the table, in the chart's unit.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from math import ceil
from textwrap import wrap
from typing import Any

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_range
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from callcenter.publish import wording
from callcenter.publish.native_chart import COLUMNS, HEADING_ROW, ROWS, Place, native_chart
from callcenter.publish.outline import Numbered, Series, columns_of, drawn, figure_columns, notes
from metrics.document import Cell, Chart, Content, said

A4 = 9
"""Excel's number of this paper."""
HEAD_ROWS = 4
"""Above the head of the table."""
LINE_POINTS = 18
"""Height of a row with one line of text."""
CELL = {"border": 1, "border_color": "#8A8F98", "valign": "vcenter", "indent": 1}
NARROWEST, WIDEST = 9, 36
"""Columns, in characters."""
LONG_TITLE = 14
"""Of a column, in characters: from here on its unit stands in a line of its own."""
LEAST_TEXT_WIDTH = 80
"""Notes below a narrow table go on over the columns right of it, in characters."""
BESIDE_WIDTH = 70
"""A wider table has its chart below its notes, a narrower one beside it, in characters."""
PORTRAIT_WIDTH = 100
"""Wider tables are printed across, in characters."""
OWN_PLACES = 4
"""Decimal places of numbers in another unit than the table's: in 万通 each single call."""
PLAIN_WIDTH = 9
"""Of a column right of the table."""


class Styles:
    """The formats of one workbook; each is made once."""

    def __init__(self, book: Workbook, lang: str) -> None:
        self.book = book
        self.lang = lang
        self.of = cache(self._made)

    def heading(self, size: int) -> Format:
        """Return the format of a title of this size, points."""
        return self.of(font_name=wording.HEADING_FONTS.in_(self.lang), font_size=size, bold=True)

    def column_head(self) -> Format:
        """Return the format of the table's head."""
        return self.of(
            font_name=wording.HEADING_FONTS.in_(self.lang),
            bold=True,
            bg_color="#EEF2F7",
            align="center",
            text_wrap=True,
            **CELL | {"indent": 0},
        )

    def content(self, content: Content, *, is_right: bool) -> Format:
        """Return the format of a cell of the table; text is set to the right in a column of figures."""
        if isinstance(content, Cell):
            return self.figure(number_format(content, self.lang))
        align = "right" if is_right else "left"
        return self.of(num_format="@", text_wrap=True, align=align, **CELL)

    def figure(self, number: str) -> Format:
        """Return the format of a figure that is shown in this way (Excel's number format)."""
        return self.of(num_format=number, align="right", **CELL)

    def _made(self, **properties: Any) -> Format:
        return self.book.add_format(properties)


def number_format(cell: Cell, lang: str) -> str:
    """Return Excel's format of a figure: `0.0%`; whole numbers in groups of three in English only, as each language prints."""
    whole = "#,##0" if lang == "en" else "0"
    return (whole if not cell.suffix else "0") + ("." + "0" * cell.places if cell.places else "") + cell.suffix


def cell_number(cell: Cell) -> float | None:
    """Return the number that a spreadsheet holds for a figure: percent as a part of one; None: not applicable."""
    if cell.number is None:
        return None
    return float(cell.number.scaleb(-2) if cell.suffix == "%" else cell.number)


def closing_sheet(sheet: Worksheet, styles: Styles, head: Sequence[str], said_below: Sequence[str]) -> None:
    """Write the sheet with the notes to the whole report."""
    _set_up(sheet, styles, head, wording.ALL_NOTES.in_(styles.lang))
    sheet.set_column(0, 0, LEAST_TEXT_WIDTH)
    for row, note in enumerate(wording.numbered(list(said_below), styles.lang), HEAD_ROWS):
        sheet.set_row(row, LINE_POINTS * _lines(note, LEAST_TEXT_WIDTH))
        sheet.write_string(row, 0, note, styles.of(text_wrap=True, valign="top"))


class Sheet:
    """One section on its sheet."""

    def __init__(self, sheet: Worksheet, styles: Styles, numbered: Numbered, head: Sequence[str]) -> None:
        self._sheet = sheet
        self._styles = styles
        self._heading = numbered.heading
        self._section = numbered.section
        self._head = head
        self._lang = styles.lang
        self._chart = numbered.section.chart if numbered.section.rows else None
        self._series: tuple[Series, ...] = drawn(numbered.section, self._chart) if self._chart else ()
        self._own_columns = self._series if self._chart and _needs_own_columns(self._chart, self._series) else ()
        self._widths = list(self._column_widths())
        self._is_beside = self._chart is not None and sum(self._widths) <= BESIDE_WIDTH

    def write(self) -> None:
        """Write all of it."""
        _set_up(self._sheet, self._styles, self._head, self._heading)
        for at, width in enumerate(self._widths):
            self._sheet.set_column(at, at, width)
        self._write_table()
        # Across: room for a chart beside the table, or for the table; a chart below it needs the height.
        if self._is_beside or (self._chart is None and sum(self._widths) > PORTRAIT_WIDTH):
            self._sheet.set_landscape()
        below = HEAD_ROWS + 2 + len(self._section.rows)
        after_notes = self._write_notes(max(below, HEAD_ROWS + 2 + ROWS) if self._is_beside else below)
        if self._chart:
            self._write_own_columns(self._chart)
            place = (HEAD_ROWS + 1, len(self._widths)) if self._is_beside else (after_notes + 1, 0)
            self._insert_chart(self._chart, *place)
        self._sheet.freeze_panes(HEAD_ROWS + 1, 1)
        self._sheet.repeat_rows(HEAD_ROWS)

    def _titles(self) -> list[str]:
        """Heads of all columns, those of the chart's own numbers included."""
        titles = [_broken(column.title.in_(self._lang)) for column in self._section.columns]
        if self._chart:
            unit = wording.in_brackets(self._chart.unit.in_(self._lang), self._lang)
            titles += [one.column.title.in_(self._lang) + unit for one in self._own_columns]
        return titles

    def _column_widths(self) -> Iterator[float]:
        for at, title in enumerate(self._titles()):
            inside = (
                [said(row.contents[at], self._lang) for row in self._section.rows]
                if at < len(self._section.columns)
                else []
            )
            words = title.split("\n") if "（" in title else title.split()
            lines = [*words, *(line for text in inside for line in text.splitlines())]
            yield min(max(max(map(wording.width, lines), default=0) + 4, NARROWEST), WIDEST)

    def _write_table(self) -> None:
        titles = self._titles()
        lines = max(_lines(title, width - 3) for title, width in zip(titles, self._widths, strict=True))
        self._sheet.set_row(HEAD_ROWS, LINE_POINTS * lines + 6)
        for at, title in enumerate(titles):
            self._sheet.write_string(HEAD_ROWS, at, title, self._styles.column_head())
        are_right = figure_columns(self._section)
        for row, each in enumerate(self._section.rows, HEAD_ROWS + 1):
            texts = [said(content, self._lang) for content in each.contents]
            lines = max(_lines(text, width - 3) for text, width in zip(texts, self._widths, strict=False))
            self._sheet.set_row(row, LINE_POINTS * lines)
            for at, (content, is_right) in enumerate(zip(each.contents, are_right, strict=True)):
                self._write_content(row, at, content, is_right=is_right)
        # Hours and agents' numbers are text, and no mistake.
        area = xl_range(HEAD_ROWS + 1, 0, HEAD_ROWS + max(1, len(self._section.rows)), len(titles) - 1)
        self._sheet.ignore_errors({"number_stored_as_text": area})

    def _write_content(self, row: int, at: int, content: Content, *, is_right: bool) -> None:
        style = self._styles.content(content, is_right=is_right)
        number = cell_number(content) if isinstance(content, Cell) else None
        if number is None:
            self._sheet.write_string(row, at, said(content, self._lang), style)
        else:
            self._sheet.write_number(row, at, number, style)

    def _write_own_columns(self, chart: Chart) -> None:
        style = self._styles.figure("0." + "0" * OWN_PLACES if chart.divisor != 1 else "General")
        for at, one in enumerate(self._own_columns, len(self._section.columns)):
            for row, point in enumerate(one.points, HEAD_ROWS + 1):
                if point is not None:
                    self._sheet.write_number(row, at, float(point.height), style)

    def _insert_chart(self, chart: Chart, row: int, at: int) -> None:
        own = [len(self._section.columns) + n for n in range(len(self._own_columns))]
        place = Place(
            sheet=self._sheet.get_name(),
            head=HEAD_ROWS,
            last=HEAD_ROWS + len(self._section.rows),
            x=columns_of(self._section, (chart.x,))[0],
            columns=own or columns_of(self._section, chart.series),
            scale="0." + "0" * max(chart.places, 1) if own else None,
        )
        drawing = native_chart(self._styles.book, chart, self._lang, place)
        self._sheet.insert_chart(row, at, drawing, {"x_offset": 12, "object_position": 2})

    def _write_notes(self, row: int) -> int:
        """Write the notes from this row on; return the row after them."""
        last, width = self._text_span()
        style = self._styles.of(text_wrap=True, valign="top", font_size=10)
        listed = notes(self._section, self._lang)
        for at, note in enumerate(listed, row):
            self._sheet.set_row(at, LINE_POINTS * _lines(note, width))
            if last:
                self._sheet.merge_range(at, 0, at, last, "", style)
            self._sheet.write_string(at, 0, note, style)
        return row + len(listed)

    def _text_span(self) -> tuple[int, float]:
        """Return the last column that notes go over, and the width of all of them, characters."""
        width = sum(self._widths)
        wanted = width + COLUMNS * PLAIN_WIDTH if self._is_beside else max(width, LEAST_TEXT_WIDTH)
        more = ceil((wanted - width) / PLAIN_WIDTH)
        return len(self._widths) - 1 + more, wanted


def _set_up(sheet: Worksheet, styles: Styles, head: Sequence[str], heading: str) -> None:
    """Write the sheet's head and set its paper, margins (inches) and page numbers."""
    title, period, state = head
    page = {"zh": "第 &P 页，共 &N 页", "en": "Page &P of &N"}[styles.lang]
    sheet.set_paper(A4)
    sheet.set_margins(left=0.7, right=0.7, top=0.8, bottom=0.8)
    sheet.center_horizontally()
    sheet.fit_to_pages(1, 0)
    sheet.set_footer(f"&C{page}")
    sheet.hide_gridlines(2)
    sheet.set_row(0, 26)
    sheet.set_row(HEADING_ROW, 21)
    sheet.write_string(0, 0, title, styles.heading(16))
    sheet.write_string(HEADING_ROW, 0, heading, styles.heading(13))
    sheet.write_string(2, 0, period, styles.of(font_color="#444444"))
    sheet.write_string(3, 0, state, styles.of(font_color="#444444"))


def _needs_own_columns(chart: Chart, series: Sequence[Series]) -> bool:
    """Tell whether the table's own cells cannot be drawn: they are in another unit, or `—`, which Excel draws as 0."""
    return chart.divisor != 1 or any(point is None for one in series for point in one.points)


def _broken(title: str) -> str:
    """Return a long title of a column with its unit, `（秒）`, in a line of its own."""
    return title.replace("（", "\n（") if wording.width(title) > LONG_TITLE else title


def _lines(text: str, width: float) -> int:
    """Return into how many lines a text is broken in a column of this width, characters."""
    return sum(
        len(wrap(line, int(width))) if line.isascii() else ceil(wording.width(line) / width)
        for line in text.splitlines() or [""]
    )

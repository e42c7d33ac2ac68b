"""The workbook, read back: numbers are numbers, names are text, the chart is Excel's own on the rows of its sheet."""

import io
import re
import zipfile
from dataclasses import replace
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from callcenter.publish import xlsx
from callcenter.publish.sheet import HEAD_ROWS
from callcenter.publish.workbook import sheet_names
from metrics.document import Cell, Chart, ChartKind, Column, Document, Row, Section, said
from metrics.figures import Unit
from metrics.words import Words
from tests.unit.publish.documents import HOSTILE, MADE_AT, agents, by_hour, call_service, year

LANGUAGES = ("zh", "en")
DRAWING = {"c": "http://schemas.openxmlformats.org/drawingml/2006/chart"}


def book_of(document: Document, lang: str, *, public_only: bool = False) -> Workbook:
    return load_workbook(io.BytesIO(xlsx(document, lang, public_only=public_only, made_at=MADE_AT)))


def charts_of(document: Document, lang: str) -> list[ElementTree.Element]:
    with zipfile.ZipFile(io.BytesIO(xlsx(document, lang, made_at=MADE_AT))) as parts:
        names = sorted(name for name in parts.namelist() if re.match(r"xl/charts/chart\d+\.xml", name))
        return [ElementTree.fromstring(parts.read(name)) for name in names]


def rows_of(sheet: Worksheet, section: Section) -> list[list[object]]:
    first = HEAD_ROWS + 2
    last = first + len(section.rows) - 1
    return [list(row) for row in sheet.iter_rows(first, last, 1, len(section.columns), values_only=True)]


def in_excel(content: object, lang: str) -> object:
    """What a cell must hold: the printed number, percent as a part of one; text for all else."""
    if isinstance(content, Cell) and content.number is not None:
        return float(content.number / 100 if content.suffix else content.number)
    return said(content, lang)  # type: ignore[arg-type]  # a cell without a number is said like any text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_workbook_read_back_holds_every_figure_as_a_number(lang: str) -> None:
    document = year(call_service(), by_hour(), agents(("甲", "乙", "丙")))
    book = book_of(document, lang)
    for name, section in zip(book.sheetnames, document.sections, strict=False):
        expected = [[in_excel(content, lang) for content in row.contents] for row in section.rows]
        assert rows_of(book[name], section) == expected
        heads = [cell.value for cell in book[name][HEAD_ROWS + 1]][: len(section.columns)]
        assert [str(head).replace("\n", "") for head in heads] == [column.title.in_(lang) for column in section.columns]


@pytest.mark.parametrize(("lang", "whole"), [("zh", "0"), ("en", "#,##0")])
def test_numbers_show_as_the_report_prints_them(lang: str, whole: str) -> None:
    sheet = book_of(year(call_service()), lang).worksheets[0]
    inbound = sheet[HEAD_ROWS + 2][:6]
    assert [cell.number_format for cell in inbound[1:]] == [whole, "0.0%", whole, whole, whole]
    assert [cell.value for cell in inbound[1:]] == [198684, 0.716, 40, 311, 5443]
    outbound = sheet[HEAD_ROWS + 3]
    assert [cell.value for cell in outbound[1:4]] == [259935, "—", "—"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_hostile_names_are_text_cells_and_no_formula_is_in_the_file(lang: str) -> None:
    content = xlsx(year(agents(HOSTILE)), lang, made_at=MADE_AT)
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    cells = [sheet.cell(HEAD_ROWS + 2 + n, 2) for n in range(len(HOSTILE))]
    assert {cell.data_type for cell in cells} == {"s"}
    assert {cell.number_format for cell in cells} == {"@"}, "edited, they stay text too"
    assert [cell.value for cell in cells][:5] == list(HOSTILE[:5])
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
        assert not any("<f" in text for text in sheets)
        assert not any("hyperlink" in text for text in sheets)


@pytest.mark.parametrize(("divisor", "columns"), [(1, ("B", "C")), (10_000, ("D", "E"))])
def test_chart_is_native_and_refers_to_the_24_bins(divisor: int, columns: tuple[str, str]) -> None:
    (chart,) = charts_of(year(by_hour(divisor)), "zh")
    first, last = HEAD_ROWS + 2, HEAD_ROWS + 25
    assert chart.find(".//c:barChart", DRAWING) is not None
    for column, series in zip(columns, chart.findall(".//c:ser", DRAWING), strict=True):
        assert series.findtext("c:cat//c:f", "", DRAWING) == f"分时话务量!$A${first}:$A${last}"
        assert series.findtext("c:val//c:f", "", DRAWING) == f"分时话务量!${column}${first}:${column}${last}"
        assert series.findtext("c:tx//c:f", "", DRAWING) == f"分时话务量!${column}${HEAD_ROWS + 1}"
        assert [point.get("idx") for point in series.findall("c:val//c:pt", DRAWING)] == [str(n) for n in range(24)]


def test_axis_of_the_chart_shows_numbers_in_the_format_of_the_drawn_cells() -> None:
    for divisor, code, linked in ((1, "General", "1"), (10_000, "0.00", "0")):
        (chart,) = charts_of(year(by_hour(divisor)), "zh")
        shown = chart.find(".//c:valAx/c:numFmt", DRAWING)
        assert shown is not None
        assert (shown.get("formatCode"), shown.get("sourceLinked")) == (code, linked)
        assert chart.find(".//c:valAx/c:scaling/c:min", DRAWING) is not None, "bars begin at zero"


@pytest.mark.parametrize(("columns", "row", "column"), [(4, HEAD_ROWS + 1, 4), (9, HEAD_ROWS + 4, 0)])
def test_chart_stands_beside_a_narrow_table_and_below_a_wide_one(columns: int, row: int, column: int) -> None:
    heads = tuple(Column(f"c{n}", Words("Volume (calls)", "话务量（通）")) for n in range(columns))
    figures = (Cell.of("offered", 7, Unit.CALLS),) * columns
    chart = Chart(ChartKind.BARS, "c0", ("c1",), Words("calls", "通"))
    section = Section("s", Words("S", "S"), heads, (Row("1", figures),), (), chart)
    with zipfile.ZipFile(io.BytesIO(xlsx(year(section), "zh", made_at=MADE_AT))) as parts:
        drawing = ElementTree.fromstring(parts.read("xl/drawings/drawing1.xml"))
    at = {child.tag.rpartition("}")[2]: child.text for child in drawing[0][0]}
    assert (at["row"], at["col"]) == (str(row), str(column))


def test_section_without_rows_is_a_head_alone() -> None:
    empty = replace(by_hour(), rows=())
    sheet = book_of(year(empty), "zh").worksheets[0]
    assert [cell.value for cell in sheet[HEAD_ROWS + 1]][:3] == ["时段", "接听", "呼出"]
    assert charts_of(year(empty), "zh") == []


def test_cell_that_does_not_apply_is_a_gap_in_the_chart_and_no_zero() -> None:
    section = call_service()
    chart = Chart(ChartKind.LINE, "name", ("connect_rate",), Words("%", "%"), places=1)
    document = year(replace(section, chart=chart))
    (drawn,) = charts_of(document, "zh")
    first = HEAD_ROWS + 2
    assert drawn.findtext(".//c:val//c:f", "", DRAWING) == f"话务服务!$G${first}:$G${first + 2}"
    sheet = book_of(document, "zh").worksheets[0]
    assert [sheet.cell(row, 7).value for row in range(first, first + 3)] == [71.6, None, None]
    assert [sheet.cell(row, 3).value for row in range(first, first + 3)] == [0.716, "—", "—"]


def test_chart_in_ten_thousands_draws_the_tables_figures_divided_to_the_single_call() -> None:
    section = by_hour()
    sheet = book_of(year(section), "zh").worksheets[0]
    assert [cell.value for cell in sheet[HEAD_ROWS + 1]][3:5] == ["接听（万通）", "呼出（万通）"]
    for n, row in enumerate(section.rows):
        cells = [cell for cell in row.contents if isinstance(cell, Cell) and cell.value is not None]
        drawn = [Decimal(str(sheet.cell(HEAD_ROWS + 2 + n, 4 + at).value)) for at in range(2)]
        assert drawn == [cell.number / 10_000 for cell in cells if cell.number is not None]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_sheets_print_on_a4_with_the_head_of_the_table_on_each_page(lang: str) -> None:
    for sheet in book_of(year(), lang).worksheets:
        assert int(sheet.page_setup.paperSize) == 9
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        # Absent means 1; in height any number of pages.
        assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (None, 0)
        assert "&P" in (sheet.oddFooter.center.text or "")
    for sheet in book_of(year(), lang).worksheets[:3]:
        assert sheet.freeze_panes == f"B{HEAD_ROWS + 2}"
        assert sheet.print_title_rows == f"${HEAD_ROWS + 1}:${HEAD_ROWS + 1}"


def test_head_says_title_section_period_and_that_it_is_not_final() -> None:
    sheet = book_of(year(is_final=False), "zh").worksheets[0]
    assert [sheet.cell(row, 1).value for row in range(1, HEAD_ROWS + 1)] == [
        "“江苏 12345 在线”2020 年度话务服务情况",
        "1. 话务服务",
        "统计时段：[2020-01-01, 2021-01-01) Asia/Shanghai，省级平台",
        "制表时间：2021年1月4日 09:30（UTC+08:00）    状态：未定稿",
    ]


def test_notes_stand_below_the_table_and_those_of_the_whole_on_the_last_sheet() -> None:
    book = book_of(year(), "zh")
    assert book.sheetnames == ["话务服务", "分时话务量", "座席", "统计口径与说明"]
    below = [book.worksheets[0].cell(row, 1).value for row in range(HEAD_ROWS + 6, HEAD_ROWS + 9)]
    assert [str(note)[:6] for note in below] == ["注：1. 呼", "2. 接通率", "3. 平均等"]
    assert book.worksheets[-1].cell(HEAD_ROWS + 1, 1).value == "注：1. 各数由精确值四舍五入一次。"


def test_public_workbook_has_no_sheet_of_the_operator() -> None:
    assert book_of(year(), "en", public_only=True).sheetnames == [
        "Call service",
        "Calls by hour",
        "Definitions and completeness",
    ]


def test_public_workbook_does_not_tell_the_calls_offered() -> None:
    with zipfile.ZipFile(io.BytesIO(xlsx(year(), "zh", public_only=True, made_at=MADE_AT))) as parts:
        everything = b"".join(parts.read(name) for name in parts.namelist())
    assert b"0.716<" in everything
    assert b"277492" not in everything
    assert b"0.71599" not in everything, "the exact rate would tell them"


def test_equal_documents_give_equal_workbooks() -> None:
    assert xlsx(year(), "zh", made_at=MADE_AT) == xlsx(year(), "zh", made_at=MADE_AT)


@pytest.mark.parametrize(
    ("titles", "names"),
    [
        (["话务服务", "话务服务", "话务服务"], ["话务服务", "话务服务 2", "话务服务 3"]),
        (["a/b:c*[d]?\\e", "History", "'x'", ""], ["a b c  d   e", "History 2", "x", " 2"]),
        (["x" * 40, "X" * 40], ["x" * 31, "X" * 27 + " 2"]),
    ],
)
def test_sheet_names_are_such_that_excel_takes_them(titles: list[str], names: list[str]) -> None:
    assert sheet_names(titles) == names

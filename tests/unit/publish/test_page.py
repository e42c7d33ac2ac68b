"""The page: the document's figures and nothing else in it, nothing to fetch or run, whatever names say."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from callcenter.publish import html
from metrics.document import Cell, Column, Document, Row, Section, said
from metrics.figures import Unit
from metrics.words import Words
from tests.unit.publish.documents import HOSTILE, HOURS, MADE_AT, agents, by_hour, call_service, year
from tests.unit.publish.page_read import PageRead

LANGUAGES = ("zh", "en")


def printed(document: Document, lang: str) -> list[list[list[str]]]:
    """What the tables of a page must say."""
    return [
        [
            [column.title.in_(lang) for column in section.columns],
            *([said(content, lang) for content in row.contents] for row in section.rows),
        ]
        for section in document.sections
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_page_read_back_holds_every_figure_of_the_document_in_its_order(lang: str) -> None:
    assert PageRead.of(html(year(), lang, made_at=MADE_AT)).tables == printed(year(), lang)


def test_published_year_stands_in_the_page_as_its_report_prints_it() -> None:
    (table,) = PageRead.of(html(year(call_service()), "zh", made_at=MADE_AT)).tables
    assert table[1:] == [
        ["接听", "198684", "71.6%", "40", "311", "5443"],
        ["呼出", "259935", "—", "—", "122", "5933"],
        ["合计", "458619", "—", "—", "204", "5933"],
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_hostile_names_stay_text_and_make_no_element(lang: str) -> None:
    tame = PageRead.of(html(year(agents(tuple("abcdefghijk"))), lang, made_at=MADE_AT))
    hostile = PageRead.of(html(year(agents(HOSTILE)), lang, made_at=MADE_AT))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in tame.tags]
    assert [row[1] for row in hostile.tables[0][1:]] == list(HOSTILE)


def test_day_in_a_cell_is_not_broken_at_its_hyphens() -> None:
    page = html(year(agents(("2020-03-01", "2020-03-01 09:00", "2020-03-01 and more"))), "en", made_at=MADE_AT)
    assert page.count('<span class="day">2020-03-01</span>') == 2
    assert '<span class="day">2020-03-01</span> 09:00<' in page
    assert ".day { white-space: nowrap; }" in PageRead.of(page).style


@pytest.mark.parametrize("lang", LANGUAGES)
def test_page_fetches_and_runs_nothing(lang: str) -> None:
    page = PageRead.of(html(year(agents(HOSTILE), by_hour()), lang, made_at=MADE_AT))
    names = {tag for tag, _ in page.tags}
    assert names.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "image", "use", "a"})
    attributes = {name for _, attributes in page.tags for name in attributes}
    assert attributes.isdisjoint({"src", "href", "xlink:href", "srcset", "style"})
    assert not [name for name in attributes if name.startswith("on")]
    assert not re.search(r"url\(|@import|@font-face", page.style)
    policy = next(attributes for tag, attributes in page.tags if attributes.get("http-equiv"))
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"


@pytest.mark.parametrize(("lang", "divisor"), [("zh", 10_000), ("en", 1)])
def test_chart_draws_one_bar_for_each_hour_and_series_with_its_number(lang: str, divisor: int) -> None:
    section = by_hour(divisor)
    page = PageRead.of(html(year(section), lang, made_at=MADE_AT))
    bars = [(tag, attributes) for tag, attributes in page.tags if tag == "rect" and "height" in attributes][: 2 * 24]
    pointed = page.texts["title"][1:]
    assert len(bars) == len(pointed) == 2 * 24
    expected = [value for column in (1, 2) for value in (hour[column] for hour in HOURS)]
    for (_, bar), title, value in zip(bars, pointed, expected, strict=True):
        assert float(title.split()[-1]) == pytest.approx(value / divisor, abs=0.005 if divisor > 1 else 0)
        assert float(bar["height"] or "") >= 0
    heights = [float(bar["height"] or "") for _, bar in bars]
    assert heights.index(max(heights)) == expected.index(max(expected))
    assert section.chart is not None
    assert page.texts["text"][0] == section.chart.unit.in_(lang)


def table_class(columns: int, title: str, rows: int) -> str | None:
    names = (Column("a", Words("Agent", "工号")), *(Column(f"c{n}", Words(title, title)) for n in range(columns - 1)))
    figures = (Cell.of("talk_s", 1_234_567, Unit.SECONDS),) * (columns - 1)
    section = Section("s", Words("S", "S"), names, tuple(Row(str(n), (str(n), *figures)) for n in range(rows)))
    page = PageRead.of(html(year(section), "zh", made_at=MADE_AT))
    return next(attributes["class"] for tag, attributes in page.tags if tag == "table")


def test_large_tables_are_set_smaller_and_only_crowded_ones_break_their_titles_anywhere() -> None:
    assert table_class(3, "通话时长（秒）", 12) == "whole"
    assert table_class(3, "通话时长（秒）", 24) == "dense whole"
    assert table_class(3, "通话时长（秒）", 25) == "dense"
    assert table_class(10, "通话时长（秒）", 1) == "wide whole"
    assert table_class(10, "事后处理平均时长（秒）", 1) == "wide crowded whole"


def test_notes_are_numbered_as_the_report_numbers_them_and_a_single_one_is_not() -> None:
    paragraphs = PageRead.of(html(year(), "zh", made_at=MADE_AT)).texts["p"]
    assert paragraphs[0].startswith("注：1. 呼出包含")
    assert paragraphs[1].startswith("2. 接通率")
    assert paragraphs[2].startswith("3. 平均等待时长")
    assert paragraphs[3].startswith("注：横坐标为时间段，0表示“0时至1时”")
    assert paragraphs[4] == "注：1. 各数由精确值四舍五入一次。"


def test_whole_report_puts_what_is_public_first_and_the_operators_part_behind() -> None:
    page = PageRead.of(html(year(agents(), call_service(), by_hour()), "zh", made_at=MADE_AT))
    assert page.texts["h2"] == ["一、数据公开", "二、运行数据（不公开）"]
    assert page.texts["h3"] == ["1. 话务服务", "2. 分时话务量", "3. 座席", "统计口径与说明"]


def test_public_report_leaves_the_operators_sections_out() -> None:
    page = html(year(), "zh", public_only=True, made_at=MADE_AT)
    assert PageRead.of(page).texts["h3"] == ["1. 话务服务", "2. 分时话务量", "统计口径与说明"]
    assert "h2" not in PageRead.of(page).texts
    assert "王小明" not in page


def test_public_report_does_not_tell_the_calls_offered() -> None:
    page = html(year(), "zh", public_only=True, made_at=MADE_AT)
    assert "277492" not in page
    assert "69373" not in page, "the exact fraction's denominator would tell them"


@pytest.mark.parametrize(
    ("lang", "is_final", "words"),
    [
        ("zh", True, ["2021年1月4日 09:30（UTC+08:00）", "定稿"]),
        ("zh", False, ["2021年1月4日 09:30（UTC+08:00）", "未定稿"]),
        ("en", False, ["2021-01-04 09:30 (UTC+08:00)", "Not final"]),
    ],
)
def test_title_block_says_period_when_it_was_made_and_whether_it_is_final(
    lang: str, is_final: bool, words: list[str]
) -> None:
    document = year(is_final=is_final)
    page = PageRead.of(html(document, lang, made_at=MADE_AT))
    assert page.texts["dd"] == [document.period.in_(lang), *words]
    assert page.texts["h1"] == [document.title.in_(lang)]
    assert (words[-1] in page.style) is not is_final, "not final is said on top of each page"


def test_zone_of_when_it_was_made_is_named() -> None:
    at = datetime(2026, 11, 28, 7, 5, tzinfo=ZoneInfo("Asia/Shanghai"))
    assert "2026年11月28日 07:05（Asia/Shanghai）" in html(year(), "zh", made_at=at)


def test_equal_documents_give_equal_pages() -> None:
    assert html(year(), "zh", made_at=MADE_AT) == html(year(), "zh", made_at=MADE_AT)


def test_document_without_sections_is_a_page_with_its_notes() -> None:
    document = Document(year().title, year().period, (), year().notes)
    page = PageRead.of(html(document, "en", made_at=MADE_AT))
    assert page.tables == []
    assert page.texts["p"][0].startswith("Notes: 1. ")

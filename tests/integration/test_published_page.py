"""The published page in a real browser: it prints on A4, with its Chinese, and shows its chart."""

import io
import unicodedata
from pathlib import Path

import pypdf
import pytest

from callcenter.lab.browser import Browser
from callcenter.publish import html
from metrics.document import Document
from tests.contract.test_report_command import home, report, with_calls
from tests.unit.publish.documents import HOSTILE, MADE_AT, agents, by_hour, call_service, year

__all__ = ["home", "with_calls"]

A4_POINTS = (595.3, 841.9)


def pages_of(browser: Browser, document: Document, lang: str, folder: Path) -> list[str]:
    """The text of each printed page of a document."""
    file = folder / "report.html"
    file.write_text(html(document, lang, made_at=MADE_AT), encoding="utf-8")
    return printed_on_a4(browser, file)


def printed_on_a4(browser: Browser, file: Path) -> list[str]:
    """The text of each page that a browser prints of a file; a page that is not A4 is a failure."""
    printed = pypdf.PdfReader(io.BytesIO(browser.print_pdf(file))).pages
    for page in printed:
        assert (float(page.mediabox.width), float(page.mediabox.height)) == pytest.approx(A4_POINTS, abs=1.5)
    # A font may draw 一 with the glyph of the radical ⼀: the same for a reader, and for NFKC.
    return [unicodedata.normalize("NFKC", page.extract_text()) for page in printed]


def test_public_report_of_a_year_prints_on_two_pages_of_a4_with_its_chinese(browser: Browser, tmp_path: Path) -> None:
    pages = pages_of(browser, year(call_service(), by_hour()), "zh", tmp_path)
    assert len(pages) == 2
    text = "".join("".join(pages).split())
    for words in ("话务服务", "平均等待时长(秒)", "198684", "71.6%", "分时话务量", "万通", "统计口径与说明", "定稿"):
        assert words in text


@pytest.mark.parametrize(("public", "pages"), [(["--public"], 2), ([], 7)])
def test_report_of_the_command_prints_on_a4_with_its_tables_charts_and_notes(
    browser: Browser, with_calls: Path, public: list[str], pages: int
) -> None:
    words = ("--format", "html", "--output", "report.html", *public)
    assert report("2021-01-01", "2021-01-02", *words).exit_code == 0
    printed = printed_on_a4(browser, with_calls / "report.html")
    assert len(printed) == pages
    text = "".join("".join(printed).split())
    for said in ("话务服务", "平均等待时长(秒)", "50.0%", "407", "分时段话务量", "统计口径与说明", "数据完整率"):
        assert said in text
    assert ("来电结果" in text) is (not public)


def test_long_table_repeats_its_head_on_each_page_and_loses_no_row(browser: Browser, tmp_path: Path) -> None:
    names = tuple(f"话务员{n:03}" for n in range(150))
    pages = pages_of(browser, year(agents(names), is_final=False), "zh", tmp_path)
    assert len(pages) >= 4
    for number, page in enumerate(pages, 1):
        tidy = "".join(page.split())
        assert f"第{number}页,共{len(pages)}页" in tidy
        assert "未定稿" in tidy
        assert "通话利用率" in tidy or "话务员" not in tidy
    everything = "".join("".join(pages).split())
    assert all(everything.count(name) == 1 for name in names)


def test_english_report_prints_with_page_numbers(browser: Browser, tmp_path: Path) -> None:
    pages = pages_of(browser, year(call_service(), by_hour()), "en", tmp_path)
    assert f"Page 1 of {len(pages)}" in pages[0]
    assert "Connect rate" in pages[0]


def test_hostile_names_are_shown_as_they_are_and_run_nothing(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(html(year(agents(HOSTILE)), "zh", made_at=MADE_AT), encoding="utf-8")
    tree = browser.dom(file)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in tree
    assert "<script" not in tree
    assert "<img" not in tree


def test_picture_of_the_page_is_a_png_of_the_window(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(html(year(), "zh", made_at=MADE_AT), encoding="utf-8")
    picture = browser.screenshot(file, width=900, height=1200)
    assert picture.startswith(b"\x89PNG")
    assert (int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")) == (900, 1200)

"""The lab's browser: pages of loopback after their scripts ran, nothing from outside, nothing left behind."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from callcenter.lab import browser as browser_module
from callcenter.lab.browser import Browser
from callcenter.lab.devtools import PageGoes, devtools
from callcenter.lab.errors import StartError
from callcenter.lab.loader import running

PAGE = """<!DOCTYPE html><meta charset="utf-8"><p id="said">before</p>
<script src="http://outside.example/never.js"></script>
<script>document.getElementById("said").textContent = "来电" + (typeof never)</script>
<style>@media print { @page { size: A5 } }</style>"""


class Handler(BaseHTTPRequestHandler):
    """Answers every path with the page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """A page that is served on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


async def test_page_of_a_url_is_seen_after_its_script_ran_and_nothing_comes_from_outside(
    browser: Browser, url: str
) -> None:
    tree = await asyncio.to_thread(browser.dom, url)
    assert '<p id="said">来电undefined</p>' in tree


async def test_page_that_goes_elsewhere_while_it_is_asked_says_so_and_until_asks_again(
    browser: Browser, url: str
) -> None:
    def goes(where: str) -> str:
        """A question in which the page goes, so that no answer comes."""
        return f"(setTimeout(() => location.assign('{where}'), 100), new Promise(() => {{}}))"

    async with devtools(browser) as tools:
        page = await tools.open(url)
        await page.until("!!document.querySelector('#said')")
        with pytest.raises(PageGoes):
            await page.evaluate(goes("?one"))
        await page.until("location.search === '?one' && !!document.querySelector('#said')")
        assert await page.until(f"location.search === '?two' || {goes('?two')}")


def test_page_is_printed_on_the_paper_that_it_asks_for(browser: Browser, url: str) -> None:
    assert browser.print_pdf(url).startswith(b"%PDF")


def test_run_that_hangs_is_ended_and_said(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser_module, "JOB_S", 1.5)
    page = tmp_path / "page.html"
    page.write_text("<script>while (true) {}</script>", encoding="utf-8")
    before = running()
    with pytest.raises(StartError, match=r"was not done after 2 s|made no page\.png"):
        browser.screenshot(page)
    assert set(running()) <= set(before)

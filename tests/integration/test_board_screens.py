"""Screens of the wallboard in a real browser, before a board whose floor is made up: what a hall sees in rare moments.

The page, its files and its stream are served as the service serves them. With real calls: `test_board`.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from callcenter.board.fanout import Fanout, message
from callcenter.board.today import Today
from callcenter.board.view import Trust, compose
from callcenter.board.watch import FloorWatch
from callcenter.days import zone_named
from callcenter.http.app import create_app
from callcenter.http.board import FILES
from callcenter.http.server import serving
from callcenter.http.tokens import Audience, TokenStore
from callcenter.lab.browser import Browser
from callcenter.lab.devtools import DevTools, devtools
from tests.unit.test_http import ServiceInMemory

NOW = "2026-01-01T00:00:00Z"
IS_LIVE = "document.body?.dataset.live === 'live' && !!document.querySelector('.figure .value')"
BACK_WITHIN_S = 30.0
"""After a try that nobody answers the page waits 5 s for the next one; each takes 5 s to be given up."""


@pytest.fixture
async def tools(browser: Browser) -> AsyncIterator[DevTools]:
    async with devtools(browser) as running:
        yield running


class MadeUp(ServiceInMemory):
    """A service with a board of one state: nobody leads, unless a test changes it."""

    def __init__(self, trust: Trust) -> None:
        super().__init__()
        plan = self.in_force.plan
        state = compose(FloorWatch(), Today(), plan, None, int(time.time() * 1000), zone_named("Asia/Shanghai"), trust)
        self.state: dict[str, dict[str, Any]] = {name: dict(rows) for name, rows in state.items()}
        self.board = Fanout(lambda: message("state", self.head() | {"state": self.state}))

    def head(self) -> dict[str, int]:
        return {"number": 0, "now_ms": int(time.time() * 1000)}

    async def beat(self) -> None:
        """Tell the screens once a second that nothing has changed."""
        while True:
            self.board.tell(message("beat", self.head()))
            await asyncio.sleep(1)


@asynccontextmanager
async def shown(service: MadeUp, folder: Path, *, without_token: bool = True) -> AsyncIterator[int]:
    """Serve the board; yields the port."""
    app = create_app(service, TokenStore(folder).owner_of, board_without_token=without_token)
    async with serving(app, "127.0.0.1", 0) as port:
        beating = asyncio.create_task(service.beat())
        try:
            yield port
        finally:
            beating.cancel()
            service.board.close()


class Network:
    """Between a screen and its service: passes everything on, until it swallows what comes, and says nothing of it."""

    def __init__(self, to: int) -> None:
        self.port = 0
        self.is_deaf = False
        self.swallowed: list[bytes] = []
        """Requests whose client still waits."""
        self._to = to
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "Network":
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            if self.is_deaf:
                self.swallowed.append(asked := await reader.read(65536))
                while await reader.read(65536):
                    pass
                self.swallowed.remove(asked)
            else:
                there, back = await asyncio.open_connection("127.0.0.1", self._to)
                await asyncio.gather(self._carry(reader, back), self._carry(there, writer))
        writer.close()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            if not self.is_deaf:
                sink.write(data)
        sink.close()


async def test_network_swallows_everything_the_page_keeps_no_question_open_and_lives_again_when_it_is_back(
    tools: DevTools, tmp_path: Path
) -> None:
    async with shown(MadeUp(Trust(True, True, True, FILES.build)), tmp_path) as port, Network(port) as network:
        page = await tools.open(f"http://127.0.0.1:{network.port}/board", width=1920, height=1080)
        await page.until(IS_LIVE, 30)
        network.is_deaf = True
        await page.until("document.body.dataset.live === 'stale'", 30)
        most = 0
        for _ in range(40):
            await asyncio.sleep(0.5)
            most = max(most, sum(asked.startswith(b"HEAD") for asked in network.swallowed))
        assert most == 1, "there was one, and never another one beside it"
        network.is_deaf = False
        await page.until(IS_LIVE, BACK_WITHIN_S)


async def test_board_is_stale_since_yesterday_it_says_the_day(tools: DevTools, tmp_path: Path) -> None:
    says = "document.querySelector('#stale-text').innerText"
    async with shown(MadeUp(Trust(True, True, True, FILES.build)), tmp_path) as port:
        page = await tools.open(f"http://127.0.0.1:{port}/board?lang=en", width=1920, height=1080)
        await page.until(IS_LIVE, 30)
    await page.until("document.body.dataset.live === 'stale'", 30)
    assert re.match(r"Stale since \d\d:\d\d:\d\d:", await page.evaluate(says))
    await page.evaluate("(now => { Date.now = () => now() + 86400000; })(Date.now)")
    await page.until(f"/^Stale since \\d{{4}}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d:/.test({says})", 30)


async def test_screen_is_opened_again_while_its_cookie_holds_the_token_leaves_the_address_and_is_the_new_one(
    tools: DevTools, tmp_path: Path
) -> None:
    store = TokenStore(tmp_path)
    (old_one, old), (_, new) = store.create(Audience.BOARD, NOW), store.create(Audience.BOARD, NOW)
    async with shown(MadeUp(Trust(True, True, True, FILES.build)), tmp_path, without_token=False) as port:
        for token, is_first in ((old, True), (new, False), ("wrong", False)):
            page = await tools.open(f"http://127.0.0.1:{port}/board?kiosk#token={token}", width=1920, height=1080)
            await page.until(IS_LIVE, 30)
            assert await page.evaluate("location.href") == f"http://127.0.0.1:{port}/board?kiosk"
            if not is_first:
                was_judged = (
                    "performance.getEntriesByName(new URL('/board/login', location)).some(one => one.responseEnd)"
                )
                await page.until(was_judged)
        store.revoke(old_one.token_id)
        page = await tools.open(f"http://127.0.0.1:{port}/board?kiosk", width=1920, height=1080)
        await page.until(IS_LIVE, 30)


def busy_floor(service: MadeUp) -> None:
    """Four lines, three of which say what holds for them; callers who wait; an agent with each word of the service's own."""
    now_ms = service.head()["now_ms"]
    row = service.state["lines"].popitem()[1]
    service.state["lines"] = {
        f"line{place}": {**row, "place": place, "state": "closed" if place else "open"} for place in range(4)
    }
    service.state["callers"] = {
        f"pbx-{n}": {"line": "line0", "from_ms": now_ms - 9000, "number": "138****5678", "rings": True}
        for n in range(5)
    }
    service.state["agents"] = {
        f"800{n}": {
            "name": "欧阳小芳",
            "state": "not_ready",
            "reason": reason,
            "since_ms": now_ms - 5_000_000,
            "until_ms": None,
            "reachable": True,
        }
        for n, reason in enumerate(("missed", "unreachable", "supervisor"))
    }


async def test_link_to_the_pbx_is_down_no_row_of_a_caller_is_cut_in_half_and_each_reason_is_read(
    tools: DevTools, tmp_path: Path
) -> None:
    service = MadeUp(Trust(False, True, True, FILES.build))
    busy_floor(service)
    async with shown(service, tmp_path) as port:
        for width, height in ((1920, 1080), (1280, 720)):
            page = await tools.open(f"http://127.0.0.1:{port}/board?lang=en", width=width, height=height)
            await page.until(IS_LIVE, 30)
            await page.until(
                "!document.querySelector('#stale').hidden && document.querySelectorAll('#oldest li').length", 30
            )
            lowest = "Math.max(...[...document.querySelectorAll('#oldest li')].map(row => row.getBoundingClientRect().bottom))"
            assert await page.evaluate(
                f"{lowest} <= document.querySelector('#oldest').getBoundingClientRect().bottom + 0.5"
            ), (width, height)
            assert await page.evaluate(
                "document.querySelector('#callers').scrollHeight <= document.querySelector('#callers').clientHeight"
            )
            read = await page.evaluate(
                """[...document.querySelectorAll('#people .what')].map(node => {
                    const [reason] = node.children;
                    const isWhole = reason.scrollWidth <= reason.clientWidth || getComputedStyle(reason).display === 'inline';
                    const [inner, outer] = [reason.getBoundingClientRect(), node.getBoundingClientRect()];
                    return isWhole && inner.right <= outer.right && inner.bottom <= outer.bottom + 1 ? reason.innerText : node.innerHTML;
                })"""
            )
            assert read == ["missed", "unreachable", "supervisor"]


@pytest.mark.parametrize(
    ("lang", "says"),
    [("en", "This service stands by: another one distributes the calls"), ("zh", "本服务为备机，由另一台分配来电")],
)
async def test_supervisor_opens_the_board_of_the_stand_by_it_says_so_and_claims_nothing_of_the_floor(
    tools: DevTools, tmp_path: Path, lang: str, says: str
) -> None:
    async with shown(MadeUp(Trust(False, False, False, FILES.build, is_standing_by=True)), tmp_path) as port:
        page = await tools.open(f"http://127.0.0.1:{port}/board?lang={lang}", width=1920, height=1080)
        await page.until(IS_LIVE, 30)
        said = await page.evaluate("document.querySelector('#stale-text').innerText")
        assert said.startswith(says) and "ledger" not in said and "账本" not in said
        assert await page.evaluate("document.querySelector('#stale-text').scrollWidth <= innerWidth")
        assert await page.evaluate("document.querySelectorAll('.badge').length") == 0
        assert await page.evaluate("document.querySelectorAll('.figure:not(.doubtful)').length") == 0
        assert await page.evaluate("document.querySelector('#oldest').innerText") == "—"

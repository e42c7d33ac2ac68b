"""Pictures of the wallboard in a real browser, taken while a demo runs.

Theory of operation: one page of one browser. Every second, if the floor is at least as lively as in the best pictures so far, it is
taken in each look, one right after the other, by the page's own buttons; so both show the same moment.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from callcenter.demo.run import Demo
from callcenter.lab.browser import find_browser
from callcenter.lab.devtools import Page, devtools

LOOKS = ("wallboard-zh-dark.png", "wallboard-en-light.png")
"""File names, in the order of the looks; the first one as a hall sees it, without buttons."""
EVERY_S = 1.0
OPEN_S = 20.0
_IS_LIVE = "document.body?.dataset.live === 'live' && document.querySelectorAll('#people li').length > 0"
_TURN = "document.querySelector('#lang').click(), document.querySelector('#theme').click(), document.body.classList.toggle('kiosk')"

Score = tuple[int, ...]


class Photographs:
    """The best pictures so far."""

    def __init__(self, demo: Demo, liveliness: Callable[[], Score | None]) -> None:
        """liveliness: how much there is to be seen now; None: not worth a picture."""
        self.best: dict[str, bytes] = {}
        """File name -> PNG; empty: none was taken."""
        self._demo = demo
        self._liveliness = liveliness
        self._score: Score | None = None

    async def take(self) -> None:
        """Take pictures until cancelled. Raises LabError."""
        browser = await asyncio.to_thread(find_browser)
        while self._liveliness() is None:  # noqa: ASYNC110 - the floor is another process's, it sets no event
            await asyncio.sleep(EVERY_S)
        async with devtools(browser) as tools:
            page = await tools.open(f"{self._demo.wallboard}?lang=zh&theme=dark&kiosk")
            await page.until(_IS_LIVE, OPEN_S)
            while True:
                score = self._liveliness()
                if score is not None and (self._score is None or score >= self._score):
                    await self._take(page, score)
                await asyncio.sleep(EVERY_S)

    def keep(self, folder: Path) -> list[Path]:
        """Write the pictures; return their files."""
        folder.mkdir(exist_ok=True)
        for name, picture in self.best.items():
            (folder / name).write_bytes(picture)
        return [folder / name for name in self.best]

    async def _take(self, page: Page, score: Score) -> None:
        taken = {}
        for name in LOOKS:
            taken[name] = await page.screenshot()
            await page.evaluate(_TURN)
        if await page.evaluate(_IS_LIVE):
            self.best, self._score = taken, score

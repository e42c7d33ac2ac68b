"""`board_crowd`: what 20 open boards and Prometheus feel while 10,000 more boards come, and 10,000 who connect and say nothing.

The same service, stand-in PBX and probes as in `board_fanout`, with fewer agents. Times from the PBX's event to a board's handler are taken
before (`quiet_p99_ms`), while the crowd that wants boards comes (`boards_p99_ms`) and while the silent one does (`silent_p99_ms`);
`scrape_ms` is the slowest of the scrapes meanwhile. Right means: every connection was either a board or told why not, no scrape failed, and
the boards that were open lost no message and say at the end how many calls were told.
"""

import asyncio
import contextlib
import os
import time
import urllib.request
from typing import Any

from callcenter.bench.board_fanout import PROBE_LINE, Hall, hall, let_come, until_over
from callcenter.bench.errors import BenchWrong
from callcenter.bench.floor import percentile
from callcenter.bench.screens import Screen, Story, open_screen
from callcenter.lab.crowd import crowd

AGENTS, CALLS_PER_S, BOARDS, ATTEMPTS = 300, 10.0, 20, 10_000
QUIET_S, WARM_S = 10.0, 6.0


class _Scrapes:
    """Scrapes one after the other, as a Prometheus without patience."""

    def __init__(self, running: Hall) -> None:
        self.took_ms: list[float] = []
        self.most_files = 0
        self._running = running

    async def go_on(self) -> None:
        while True:
            self.took_ms.append(await asyncio.to_thread(self._scrape))
            self.most_files = max(self.most_files, len(os.listdir(f"/proc/{self._running.service.pid}/fd")))
            await asyncio.sleep(0.1)

    def _scrape(self) -> float:
        began = time.perf_counter()
        with urllib.request.urlopen(f"http://127.0.0.1:{self._running.service.http_port}/metrics", timeout=10) as page:
            page.read()
        return (time.perf_counter() - began) * 1e3


async def _with_crowd(running: Hall, story: Story, token: str) -> tuple[list[float], dict[str, Any]]:
    """Let a crowd come and go; return the boards' times meanwhile, and what the crowd was told."""
    story.took_ms = []
    async with crowd(running.service.http_port, ATTEMPTS, token) as come:
        told = await come.told()
        took_ms, story.took_ms = story.took_ms, []
        await come.leave()
    if told["streams"] + told["silent"] + told["refused"] != ATTEMPTS:
        raise BenchWrong(f"not every one of the crowd was told: {told}")
    return took_ms, told


async def measure() -> dict[str, Any]:
    """Run it."""
    story = Story("lines", "from_ms", [PROBE_LINE])
    async with hall(AGENTS) as running:
        calls = asyncio.create_task(let_come(running.pbx, CALLS_PER_S))
        await asyncio.sleep(WARM_S)
        screens = [await open_screen(running.service.http_port, running.token, story) for _ in range(BOARDS)]
        await asyncio.sleep(1.0)
        scrapes = _Scrapes(running)
        scraping = asyncio.create_task(scrapes.go_on())
        story.is_timed = True
        await asyncio.sleep(QUIET_S)
        quiet_ms = story.took_ms
        boards_ms, boards = await _with_crowd(running, story, running.token)
        silent_ms, silent = await _with_crowd(running, story, "")
        if scraping.done():
            scraping.result()
        for task in (scraping, calls):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await until_over(running, story)
        _check(screens, story)
        for screen in screens:
            if screen.transport is not None:
                screen.transport.abort()
    return {
        "name": "board_crowd",
        "attempts": ATTEMPTS,
        "boards": boards["streams"] + BOARDS,
        "refused": boards["refused"],
        "quiet_p99_ms": round(percentile(quiet_ms, 0.99), 1),
        "boards_p99_ms": round(percentile(boards_ms, 0.99), 1),
        "boards_s": boards["took_s"],
        "silent_p99_ms": round(percentile(silent_ms, 0.99), 1),
        "silent_s": silent["took_s"],
        "scrapes": len(scrapes.took_ms),
        "scrape_ms": round(max(scrapes.took_ms), 1),
        "most_files": scrapes.most_files,
    }


def _check(screens: list[Screen], story: Story) -> None:
    """Every open board was told everything. Raises BenchWrong."""
    for screen in screens:
        if screen.error is not None:
            raise screen.error
        if screen.is_lost or (screen.number or 0) < max(story.states) - 2:
            raise BenchWrong("a board that was open before the crowd came was lost, or is behind")


def run() -> dict[str, Any]:
    """Measure both crowds."""
    return asyncio.run(measure())

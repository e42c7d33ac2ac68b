"""`make pictures`: the README's pictures of the terminal view and of the wallboard, taken from a real run.

The demo is played for DEMO_SECONDS (default 40); of all screens the busiest is kept and drawn as SVG. The picture names
no address: rich's own template fetches its font from a foreign host, ours takes what the reader's machine has. The wallboard is
taken in a real browser (`callcenter.demo.photographs`).
"""

import asyncio
import io
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from callcenter.demo.errors import DemoUseError
from callcenter.demo.options import Options
from callcenter.demo.photographs import Photographs
from callcenter.demo.run import Demo
from callcenter.demo.view import Screen, render
from callcenter.lab.errors import LabError

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "terminal.svg"
COLUMNS, ROWS = 100, 30
SECONDS = 40.0
FONTS = "ui-monospace, Menlo, Consolas, 'Noto Sans Mono CJK SC', 'WenQuanYi Zen Hei Mono', monospace"
_ADDRESSES = re.compile(r"@font-face\s*\{.*?\}\s*|<!--.*?-->\s*", re.DOTALL)
_FAMILY = "Fira Code, monospace"


def svg_of(screen: Screen) -> str:
    """Return the picture of one screen (pure)."""
    console = Console(width=COLUMNS, height=ROWS, record=True, file=io.StringIO(), force_terminal=True)
    console.print(render(screen))
    drawn = console.export_svg(title="make demo", unique_id="callcenter")
    return _ADDRESSES.sub("", drawn).replace(_FAMILY, FONTS)


def liveliness(screen: Screen) -> tuple[int, int, int, int]:
    """Return how much a screen shows: a hand-over, callers who wait, states of agents, talks."""
    status = screen.board.status
    presences = [agent["presence"] for agent in status.get("agents", ())]
    busy = sum(one["state"] == "busy" for one in status.get("specialists", ()))
    return (min(busy, 1), min(screen.board.waiting, 3), len(set(presences)), presences.count("talking"))


async def _play(options: Options) -> int:
    best: list[Screen] = []
    newest: list[Screen] = []

    def seen(screen: Screen) -> None:
        newest[:] = [screen]
        if screen.elapsed_s > SECONDS / 3 and (not best or liveliness(screen) > liveliness(best[0])):
            best[:] = [screen]

    def score() -> tuple[int, ...] | None:
        return liveliness(newest[0]) if newest and newest[0].elapsed_s > SECONDS / 3 else None

    demo = Demo(options, Console(width=COLUMNS), on_screen=seen)
    photographs = Photographs(demo, score)
    taking = asyncio.create_task(photographs.take())
    code = await demo.run()
    taking.cancel()
    failed = [one for one in await asyncio.gather(taking, return_exceptions=True) if isinstance(one, LabError)]
    if failed:
        raise failed[0]
    if code == 0 and best and photographs.best:
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_text(svg_of(best[0]), encoding="utf-8")
        for file in (PICTURE, *photographs.keep(PICTURE.parent)):
            sys.stderr.write(f"{file}\n")
    return code


def main() -> int:
    """Play a run and keep its picture."""
    try:
        options = Options.read(os.environ)
        return asyncio.run(_play(options if options.seconds else replace(options, seconds=SECONDS)))
    except (DemoUseError, LabError) as error:
        sys.stderr.write(f"no picture: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())

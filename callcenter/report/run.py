"""`callcenter report`, from the ledger to what is printed or written."""

import asyncio
import csv
import difflib
import io
import json
import logging
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import IO

from rich.cells import cell_len
from rich.console import Console

from callcenter.rebuild.watched import is_watched_after, watched_last
from callcenter.report.as_csv import as_csv
from callcenter.report.as_json import as_json
from callcenter.report.build import Request, build_document
from callcenter.report.explain import Addend, Shape, Sum, explain, shape_of
from callcenter.report.text import show
from callcenter.storage.database import open_engine
from callcenter.storage.errors import StateUnusable
from callcenter.storage.figures import Figures
from callcenter.storage.figures_sql import REPORT_S
from callcenter.storage.migrate import make_ready
from callcenter.storage.rolled_figures import reading
from callcenter.storage.rollup import refresh_if_possible
from metrics.choices import Choices
from metrics.dictionary import build
from metrics.document import Document
from metrics.words import Words

log = logging.getLogger(__name__)

WIDTH = 160
"""Columns of a report that is written to a file."""
ROLL_UP_S = 5.0
"""How long a report may first bring the roll-ups up to date; what is left is counted from the rows."""
LINE_KEYS = ("at", "call", "agent", "numerator", "denominator")
"""Of one row behind a figure."""
QUIET_MS = 60_000
"""A service that has not said for so long that it watches does not."""
LINE_HEADS = (Words("time", "时间"), Words("call or agent", "通话或座席"))
"""Of the text, before the numbers."""
NUMBER_HEADS = (Words("numerator", "分子"), Words("denominator", "分母"))
LINE_WIDTHS = (29, 32, 16, 16)
"""Columns of the text; the numbers are on the right."""
AT_HAND = 1 << 24
"""Bytes of a list of calls that stay in memory; a longer one waits in the temporary folder."""
BOM = "\ufeff"
"""Before CSV in a file: without it a spreadsheet reads Chinese as something else."""


class Format(StrEnum):
    """How a report is laid out."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"
    HTML = "html"


class UnknownName(ValueError):
    """No call and no plan has this line or platform."""


class NoRoom(Exception):
    """The temporary folder cannot take the list of calls."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"the calls cannot be listed: {tempfile.gettempdir()}: {error.strerror or error}")


@asynccontextmanager
async def figures_of(database: str, choices: Choices) -> AsyncIterator[Figures]:
    """Read figures of the ledger at this URL. Raises LedgerAway, SchemaOutdated."""
    engine = open_engine(database, command_s=REPORT_S)
    try:
        await make_ready(engine)
        await refresh_if_possible(engine, within_s=ROLL_UP_S)
        async with reading(engine, build(choices)) as figures:
            yield figures
    finally:
        await engine.dispose()


async def document_of(database: str, choices: Choices, request: Request, folder: Path) -> Document:
    """Return the report. folder: the service's state. Raises UnknownName, LedgerAway, SchemaOutdated."""
    async with figures_of(database, choices) as figures:
        await check_scope(figures, request)
        unwatched = await _unwatched(database, request, folder)
        return await build_document(figures, replace(request, unwatched=unwatched))


async def _unwatched(database: str, request: Request, folder: Path) -> dict[str, int]:
    """Return PBX -> since when nobody has watched it, where that is within the period. A folder that is somebody else's, or
    damaged, tells nothing: the ledger can be reported all the same."""
    before_ms = min(request.period.to_ms, request.now_ms - QUIET_MS)
    try:
        watched = await asyncio.to_thread(watched_last, folder, before_ms)
    except (StateUnusable, OSError) as error:
        log.warning("whether the PBX is watched now is not known: %s", error)
        return {}
    if not watched:
        return {}
    engine = open_engine(database)
    try:
        return {pbx: at_ms for pbx, at_ms in watched.items() if not await is_watched_after(engine, pbx, at_ms)}
    finally:
        await engine.dispose()


async def check_scope(figures: Figures, request: Request) -> None:
    """Refuse a line or platform that nobody knows: an empty report would hide a slip of the pen. Raises UnknownName."""
    line, platform = request.scope.line, request.scope.platform
    lines = [code for code in request.line_names if code]
    if line is not None and line not in lines and not await figures.knows("line_code", line):
        raise UnknownName(f"there is no line '{line}'{_nearest(line, lines)}")
    if platform is not None and not await figures.knows("platform_id", platform):
        platforms = [count.platform for count in request.staff]
        if platform not in platforms:
            raise UnknownName(f"no call of platform '{platform}' is on record{_nearest(platform, platforms)}")


def _nearest(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f": did you mean '{near[0]}'?" if near else (f" (there are {', '.join(known)})" if known else "")


def rendered(document: Document, kind: Format, lang: str, *, made_at: datetime, public_only: bool) -> str | bytes:
    """Return the report laid out, as text or (XLSX) bytes. `made_at`: when it was made, with a zone."""
    match kind:
        case Format.TEXT:
            page = io.StringIO()
            show(document, lang, public_only=public_only, console=Console(file=page, width=WIDTH))
            return page.getvalue()
        case Format.JSON:
            return as_json(document, lang, public_only=public_only) + "\n"
        case Format.CSV:
            return as_csv(document, lang, public_only=public_only)
        case Format.XLSX | Format.HTML:
            from callcenter import publish  # templates and a workbook writer that no other format needs

            lay_out = publish.xlsx if kind is Format.XLSX else publish.html
            return lay_out(document, lang, made_at=made_at, public_only=public_only)


async def explained(database: str, choices: Choices, request: Request, name: str, kind: Format, lang: str) -> IO[str]:
    """Return the calls behind a figure, a line each, and what they come to, as an open file at its beginning.

    Only when all is there anybody writes it on: a reader who goes away, or a full disk, is no fault of the database.
    Raises as `document_of`, and NoRoom."""
    page = tempfile.SpooledTemporaryFile(AT_HAND, "w+", encoding="utf-8", newline="")
    try:
        async with figures_of(database, choices) as figures:
            await check_scope(figures, request)
            async for text in _explained(figures, request, name, kind, lang):
                _put(page, text)
        page.seek(0)
    except BaseException:
        page.close()
        raise
    return page


def _put(page: IO[str], text: str) -> None:
    """Write, and say whose fault it is if that fails: inside a transaction an OSError is the database's."""
    try:
        page.write(text)
    except OSError as error:
        raise NoRoom(error) from error


async def _explained(figures: Figures, request: Request, name: str, kind: Format, lang: str) -> AsyncIterator[str]:
    found, shape = Sum(), shape_of(figures.dictionary, name)
    if kind is Format.CSV:
        yield _csv_line(LINE_KEYS)
    elif kind is Format.TEXT:
        yield _text_line(_heads(shape, lang), shape)
    async for line in explain(figures, request, name, found):
        yield _line(line, request, kind, shape)
    assert found.cell is not None
    said = {"figure": name, "numerator": found.numerator, "denominator": found.denominator}
    if kind is Format.JSON:
        yield json.dumps(said | {"exact": found.cell.exact, "printed": found.cell.text}, ensure_ascii=False) + "\n"
    elif kind is Format.TEXT:
        yield f"{name}: {_equation(found, shape)} -> {found.cell.text}\n"


def _equation(found: Sum, shape: Shape) -> str:
    """Return what the rows come to, with units, so that both sides are the same; one side where the figure does not apply."""
    assert found.cell is not None
    rows = _with_unit(found.numerator, shape.numerator)
    if shape.is_divided:
        rows += f" / {_with_unit(found.denominator, shape.denominator)}"
    return rows if found.cell.exact is None else f"{rows} = {_with_unit(found.cell.exact, shape.value)}"


def _with_unit(number: object, unit: str) -> str:
    return f"{number} {unit}".rstrip()


def _heads(shape: Shape, lang: str) -> Sequence[str]:
    around = "（{}）" if lang == "zh" else " ({})"
    units = [around.format(unit) if unit else "" for unit in (shape.numerator, shape.denominator)]
    numbers = [head.in_(lang) + unit for head, unit in zip(NUMBER_HEADS, units, strict=True)]
    return [*(head.in_(lang) for head in LINE_HEADS), *numbers]


def _text_line(texts: Sequence[str], shape: Shape) -> str:
    """Return texts in columns as a terminal shows them: a Chinese character is two wide."""
    room = [" " * (width - cell_len(text)) for text, width in zip(texts, LINE_WIDTHS, strict=True)]
    at, call, above, below = texts
    line = f"{at}{room[0]}  {call}{room[1]}  {room[2]}{above}"
    return (f"{line}  {room[3]}{below}" if shape.is_divided else line) + "\n"


def _csv_line(values: Sequence[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()


def _line(line: Addend, request: Request, kind: Format, shape: Shape) -> str:
    at = request.period.local(line.at_ms).isoformat(timespec="milliseconds")
    values = (at, line.call, line.agent, line.numerator, line.denominator)
    if kind is Format.JSON:
        return json.dumps(dict(zip(LINE_KEYS, values, strict=True)), ensure_ascii=False) + "\n"
    if kind is Format.CSV:
        return _csv_line(values)
    return _text_line((at, line.call or line.agent, str(line.numerator), str(line.denominator)), shape)

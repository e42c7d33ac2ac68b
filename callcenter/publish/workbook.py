"""The report as an Excel workbook: one sheet for each section, figures as numbers, native charts; prints on A4.

Theory of operation: a sheet has a head (title, section, period, when made, state), the table, its notes, and right of the
table its chart. Sheets are one page wide in print, with the head of the table on each page. How cells are written is in
`sheet`, the chart in `native_chart`.
"""

import io
import re
from collections.abc import Iterator, Sequence
from datetime import datetime

import xlsxwriter

from callcenter.publish import wording
from callcenter.publish.outline import parts
from callcenter.publish.sheet import Sheet, Styles, closing_sheet
from metrics.document import Document

LONGEST_NAME = 31
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f]")


def xlsx(document: Document, lang: str, *, made_at: datetime, public_only: bool = False) -> bytes:
    """Return the report as a workbook in `zh` or `en`; the notes to all of it are on its last sheet.

    made_at: when it was made, with a zone. public_only: only what an office publishes.
    Raises ValueError for a chart over a column that holds no figures.
    """
    file = io.BytesIO()
    fonts = {"font_name": wording.FONTS.in_(lang), "font_size": 11}
    book = xlsxwriter.Workbook(file, {"in_memory": True, "default_format_properties": fonts})
    book.set_properties({"title": document.title.in_(lang), "created": made_at.replace(tzinfo=None)})
    styles = Styles(book, lang)
    head = tuple(_head(document, lang, made_at))
    listed = [numbered for part in parts(document, lang, public_only=public_only) for numbered in part.sections]
    *names, last = sheet_names(
        [*(numbered.section.title.in_(lang) for numbered in listed), wording.ALL_NOTES.in_(lang)]
    )
    for name, numbered in zip(names, listed, strict=True):
        Sheet(book.add_worksheet(name), styles, numbered, head).write()
    if document.notes or not listed:
        closing_sheet(book.add_worksheet(last), styles, head, [note.in_(lang) for note in document.notes])
    book.close()
    return file.getvalue()


def sheet_names(titles: Sequence[str]) -> list[str]:
    """Return a name for each sheet that Excel takes: at most 31 characters, none of `[]:*?/\\`, no two alike."""
    names: list[str] = []
    taken = {"", "history"}
    for title in titles:
        plain = _NOT_IN_NAMES.sub(" ", title).strip("' ")[:LONGEST_NAME].rstrip("' ")
        name, number = plain, 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain[: LONGEST_NAME - 4]} {number}"
        taken.add(name.casefold())
        names.append(name)
    return names


def _head(document: Document, lang: str, made_at: datetime) -> Iterator[str]:
    colon = "：" if lang == "zh" else ": "
    yield document.title.in_(lang)
    yield f"{wording.PERIOD.in_(lang)}{colon}{document.period.in_(lang)}"
    state = f"{wording.STATE.in_(lang)}{colon}{wording.state(is_final=document.is_final).in_(lang)}"
    yield f"{wording.MADE_AT.in_(lang)}{colon}{wording.instant(made_at, lang)}    {state}"

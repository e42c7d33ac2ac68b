"""The report as one HTML page: self-contained, without script, made to be printed on A4.

Jinja2 escapes everything that stands in the document (names of lines and agents are anybody's text); the page's own
policy forbids the browser to fetch or run anything, so a name that got through would still do nothing.
"""

import re
from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from callcenter.publish import chart, wording
from callcenter.publish.outline import figure_columns, notes, parts
from metrics.document import Cell, Document, Section, said

TEMPLATES = Path(__file__).resolve().parent / "templates"
MANY_COLUMNS = 8
"""From here on a table is set smaller, so that it has room on A4."""
CROWDED_EM = 46
"""Titles and figures of a wide table that need more room than this have their titles broken anywhere."""
MANY_ROWS, WHOLE_ROWS = 12, 24
"""With more rows a table's lines are closer; up to the hours of a day it is not broken over two pages."""
LONG_WORD = 24
"""Characters."""
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)( \d\d:\d\d)?")


def html(document: Document, lang: str, *, made_at: datetime, public_only: bool = False) -> str:
    """Return the report as a page in `zh` or `en`, with its charts inside.

    made_at: when it was made, with a zone. public_only: only what an office publishes.
    Raises ValueError for a chart over a column that holds no figures.
    """
    return _template().render(
        document=document,
        lang=lang,
        parts=parts(document, lang, public_only=public_only),
        closing=wording.numbered([note.in_(lang) for note in document.notes], lang),
        made_at=wording.instant(made_at, lang),
        state=wording.state(is_final=document.is_final),
        words=wording,
        chart=chart,
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "said": said,
        "numeric": figure_columns,
        "shape": _shape,
        "notes": notes,
        "drawing": chart.layout,
        "breakable": _breakable,
        "whole_day": _whole_day,
    }
    environment.tests["long"] = _is_long
    return environment.get_template("report.html")


def _shape(section: Section, lang: str) -> str:
    """Return the style's names for a table of this size."""
    is_wide = len(section.columns) >= MANY_COLUMNS
    names = {
        "wide": is_wide,
        "crowded": is_wide and sum(_needed_em(section, at, lang) for at in range(len(section.columns))) > CROWDED_EM,
        "dense": len(section.rows) > MANY_ROWS,
        "whole": len(section.rows) <= WHOLE_ROWS,
    }
    return " ".join(name for name, holds in names.items() if holds)


def _needed_em(section: Section, at: int, lang: str) -> float:
    """Return how wide a column is if neither its title, but before the unit, nor a figure in it is broken."""
    title = section.columns[at].title.in_(lang)
    figures = [said(row.contents[at], lang) for row in section.rows if isinstance(row.contents[at], Cell)]
    return max(map(wording.width, [*title.replace("（", " （").split(), *figures]), default=0) / 2


def _is_long(text: str) -> bool:
    """Tell whether a word in it may have to be broken, or the table would be wider than the paper."""
    return max(map(len, text.split()), default=0) > LONG_WORD


def _whole_day(text: str) -> str | Markup:
    """Return a text; a day in front of it is not broken at its hyphens, or it could not be read down a column."""
    found = _DATE.fullmatch(text)
    return text if found is None else Markup('<span class="day">{}</span>{}').format(found[1], found[2] or "")


def _breakable(title: str) -> Markup:
    """Return a column's title that is broken before its unit, `（秒）`, and nowhere else."""
    return escape(title).replace("（", Markup("<wbr>（"))

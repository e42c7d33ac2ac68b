"""A report as JSON: one object a section, by its key; in it one object a row, by its key; in it the figures, by theirs.

A percentage is the printed text ("71.6%"), any other figure the printed number, what does not apply null. Beside them,
`exact` has the reduced fraction of each figure as text: "49671/69373". The public part has none: a
fraction tells the calls offered. `report` says what it is a report of.
"""

import json
from decimal import Decimal

from metrics.document import Cell, Document, Row, Section, said
from metrics.rounding import NOT_APPLICABLE

Value = str | int | float | None


def as_json(document: Document, lang: str, *, public_only: bool) -> str:
    """Return the report as JSON text, indented; words in `zh` or `en`."""
    whole: dict[str, object] = {
        "report": {"title": document.title.in_(lang), **document.facts},
        **{
            section.key: _section(section, lang, has_exact=not public_only)
            for section in document.shown(public_only=public_only)
        },
        "notes": [note.in_(lang) for note in document.notes],
    }
    return json.dumps(whole, ensure_ascii=False, indent=2)


def _section(section: Section, lang: str, *, has_exact: bool) -> dict[str, object]:
    return {row.key: _row(section, row, lang, has_exact=has_exact) for row in section.rows}


def _row(section: Section, row: Row, lang: str, *, has_exact: bool) -> dict[str, object]:
    pairs = list(zip((column.key for column in section.columns), row.contents, strict=True))
    cells = {key: content for key, content in pairs if isinstance(content, Cell)}
    found: dict[str, object] = {
        key: _value(content) if isinstance(content, Cell) else _none_of(said(content, lang))
        for key, content in pairs[1:]
    }
    named: dict[str, object] = {"name": said(pairs[0][1], lang)} | found
    return named | {"exact": {key: content.exact for key, content in cells.items()}} if has_exact else named


def _none_of(text: str) -> str | None:
    return None if text == NOT_APPLICABLE else text


def _value(cell: Cell) -> Value:
    """A percentage as printed; else a whole number, or one with its printed decimals."""
    number: Decimal | None = cell.number
    if number is None:
        return None
    if cell.suffix:
        return cell.text
    return float(number) if cell.places else int(number)

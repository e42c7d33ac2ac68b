"""A report as CSV: one line for each cell, so that every section fits the same columns."""

import csv
import io
from collections.abc import Iterator

from metrics.document import Cell, Document, Section, said

HEAD = ("section", "row", "name", "column", "title", "printed", "exact")
"""Keys of section, row and column as in JSON; `name` and `title` in the report's language; `exact` the reduced fraction, not in the
public part: a fraction tells the calls offered."""


def as_csv(document: Document, lang: str, *, public_only: bool) -> str:
    """Return the report as CSV text with a header; notes are rows of the section `notes`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    for section in document.shown(public_only=public_only):
        writer.writerows(_cells(section, lang, has_exact=not public_only))
    for number, note in enumerate(document.notes, start=1):
        writer.writerow(("notes", number, "", "", "", note.in_(lang), ""))
    return text.getvalue()


def _cells(section: Section, lang: str, *, has_exact: bool) -> Iterator[tuple[str, ...]]:
    for row in section.rows:
        name = said(row.contents[0], lang)
        for column, content in zip(section.columns[1:], row.contents[1:], strict=True):
            exact = content.exact if has_exact and isinstance(content, Cell) else None
            title = column.title.in_(lang)
            yield (section.key, row.key, name, column.key, title, said(content, lang), exact or "")

"""A report on a terminal, or as plain text in a file."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from metrics.document import Cell, Document, Section, printed_rows


def show(document: Document, lang: str, *, public_only: bool, console: Console) -> None:
    """Print the report's sections one after the other, then its notes."""
    console.print(f"{document.title.in_(lang)}  {document.period.in_(lang)}", highlight=False, markup=False)
    for section in document.shown(public_only=public_only):
        if section.rows:
            console.print(_table(section, lang))
        else:
            console.print(section.title.in_(lang), highlight=False, markup=False, style="italic")
        for note in section.notes:
            console.print(note.in_(lang), highlight=False, markup=False, soft_wrap=True)
    for note in document.notes:
        console.print(note.in_(lang), highlight=False, markup=False, soft_wrap=True)


def _table(section: Section, lang: str) -> Table:
    grid = Table(title=escape(section.title.in_(lang)), title_justify="left")
    for number, column in enumerate(section.columns):
        is_number = any(isinstance(row.contents[number], Cell) for row in section.rows)
        grid.add_column(
            escape(column.title.in_(lang)), justify="right" if is_number and number else "left", overflow="fold"
        )
    for row in printed_rows(section, lang):
        grid.add_row(*(escape(text) for text in row))
    return grid

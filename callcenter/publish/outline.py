"""The order in which a document is published: parts, numbered sections, notes; and the numbers that its charts draw.

HTML and XLSX are laid out from the same outline, so a section has the same number, notes and drawn figures in both. What is
for publication comes first; the operator's own sections follow as a part of their own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from callcenter.publish import wording
from metrics.document import Cell, Chart, Column, Document, Section
from metrics.rounding import rounded


@dataclass(frozen=True, slots=True)
class Numbered:
    """One section as it is published."""

    heading: str
    """`1. 话务服务`."""
    section: Section


@dataclass(frozen=True, slots=True)
class Part:
    """Sections under one heading."""

    heading: str
    """`一、数据公开`; empty where the document has one part only."""
    sections: tuple[Numbered, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One figure as a chart draws it."""

    height: Decimal
    """The figure as printed, in the chart's unit: 1.2345 (万通) for 12345 calls."""
    text: str
    """The same with the chart's places: `1.2`; rounded once, from the exact value."""


@dataclass(frozen=True, slots=True)
class Series:
    """One column of a section as its chart draws it."""

    column: Column
    points: tuple[Point | None, ...]
    """One for each row; None: not applicable, nothing is drawn."""


def parts(document: Document, lang: str, *, public_only: bool) -> tuple[Part, ...]:
    """Return the parts that have a section, and their sections numbered through from 1."""
    shown = list(document.shown(public_only=public_only))
    groups = [
        (title, [section for section in shown if section.is_public is is_public])
        for title, is_public in ((wording.PUBLIC_PART, True), (wording.OWN_PART, False))
    ]
    groups = [(title, sections) for title, sections in groups if sections]
    number = 0
    made = []
    for order, (title, sections) in enumerate(groups, 1):
        heading = wording.ordinal(order, lang) + title.in_(lang) if len(groups) > 1 else ""
        listed = [
            Numbered(f"{n}. {section.title.in_(lang)}", section) for n, section in enumerate(sections, number + 1)
        ]
        number += len(listed)
        made.append(Part(heading, tuple(listed)))
    return tuple(made)


def notes(section: Section, lang: str) -> list[str]:
    """Return the notes below a section's table, numbered."""
    return wording.numbered([note.in_(lang) for note in section.notes], lang)


def drawn(section: Section, chart: Chart) -> tuple[Series, ...]:
    """Return what the chart of a section draws. Raises ValueError for a series that is no column of figures."""
    return tuple(
        Series(section.columns[at], tuple(_drawn(section, chart, at))) for at in columns_of(section, chart.series)
    )


def figure_columns(section: Section) -> list[bool]:
    """Return for each column whether figures stand in it, which are set to the right."""
    return [any(isinstance(row.contents[at], Cell) for row in section.rows) for at in range(len(section.columns))]


def columns_of(section: Section, keys: tuple[str, ...]) -> list[int]:
    """Return where these columns stand in the section. Raises ValueError for one that is not there."""
    order = [column.key for column in section.columns]
    return [order.index(key) for key in keys]


def _drawn(section: Section, chart: Chart, at: int) -> Iterator[Point | None]:
    for row in section.rows:
        cell = row.contents[at]
        if not isinstance(cell, Cell):
            raise ValueError(f"{section.key}: {row.key} has no figure in the drawn column {section.columns[at].key}")
        if cell.value is None or cell.number is None:
            yield None
        else:
            text = f"{rounded(cell.value / chart.divisor, chart.places, cell.mode):f}"
            yield Point(cell.number / chart.divisor, text)

"""Sections made of figures: one row for each thing (a line, an agent, an hour), or one row for each figure."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from metrics.dictionary import Dictionary
from metrics.document import Cell, Chart, Column, Content, Row, Section
from metrics.figures import Unit
from metrics.totals import Totals
from metrics.words import Words

UNIT_WORDS = {Unit.SECONDS: Words(" (s)", "（秒）")}


class Part(NamedTuple):
    """One thing that has totals: a stable key, what people call it, and its totals."""

    key: str
    name: Content
    totals: Totals


def cell(dictionary: Dictionary, name: str, totals: Totals) -> Cell:
    """Return a figure of these totals, to be rounded once as the choices say."""
    figure = dictionary.figures[name]
    return Cell.of(name, figure.value(totals), figure.unit, dictionary.choices.rounding)


def heading(dictionary: Dictionary, name: str) -> Words:
    """Return a figure's title with its unit."""
    figure = dictionary.figures[name]
    unit = UNIT_WORDS.get(figure.unit, Words("", ""))
    return Words(figure.title.en + unit.en, figure.title.zh + unit.zh)


def terms(dictionary: Dictionary, names: Iterable[str]) -> tuple[str, ...]:
    """Return the totals that these figures are made of."""
    return tuple(dict.fromkeys(term for name in names for term in dictionary.figures[name].terms()))


def table_of(
    dictionary: Dictionary,
    key: str,
    title: Words,
    first: Column,
    figures: Sequence[str],
    parts: Iterable[Part],
    notes: tuple[Words, ...] = (),
    chart: Chart | None = None,
    *,
    is_public: bool = False,
) -> Section:
    """Return a section with a row for each part and a column for each figure, named as the figure is."""
    columns = (first, *(Column(name, heading(dictionary, name)) for name in figures))
    rows = tuple(
        Row(part.key, (part.name, *(cell(dictionary, name, part.totals) for name in figures))) for part in parts
    )
    return Section(key, title, columns, rows, notes, chart, is_public)


def list_of(
    dictionary: Dictionary,
    key: str,
    title: Words,
    figures: Iterable[str],
    totals: Totals,
    notes: tuple[Words, ...] = (),
) -> Section:
    """Return a section with a row for each figure: its title, its value, what it counts."""
    columns = (
        Column("figure", Words("Figure", "指标")),
        Column("value", Words("Value", "数值")),
        Column("counts", Words("Counts", "口径")),
    )
    rows = tuple(
        Row(name, (heading(dictionary, name), cell(dictionary, name, totals), dictionary.figures[name].counts))
        for name in figures
    )
    return Section(key, title, columns, rows, notes)

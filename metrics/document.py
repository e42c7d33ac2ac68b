"""A report as values, before anybody prints it: sections of cells, a chart, notes; the same for every format and language.

Theory of operation: whoever knows the figures makes a `Document`; a renderer (text, JSON, CSV, XLSX, HTML) only lays it
out, so all formats carry the same figures. A cell of a figure keeps its exact fraction in the figure's unit and is rounded
once, here, when it is printed or handed to a spreadsheet as a number. Words come in English and Chinese; a renderer
picks one language.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from metrics.figures import PLACES, Unit
from metrics.rounding import NOT_APPLICABLE, Rounding, rounded
from metrics.words import Words


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure in a table."""

    figure: str
    """Name in the dictionary; what `--explain` takes. Empty: of no figure of the dictionary."""
    value: Fraction | None
    """Exact, in the figure's unit (calls, seconds, percent); None: not applicable, printed `—`, never 0."""
    places: int = 0
    """Decimal places when printed."""
    suffix: str = ""
    """Behind the printed number: `%`."""
    mode: Rounding = Rounding.HALF_UP

    @classmethod
    def of(cls, figure: str, value: Fraction | int | None, unit: Unit, mode: Rounding = Rounding.HALF_UP) -> "Cell":
        """Return the cell of a figure, printed as its unit is."""
        exact = Fraction(value) if isinstance(value, int) else value
        return cls(figure, exact, PLACES[unit], "%" if unit is Unit.PERCENT else "", mode)

    @property
    def number(self) -> Decimal | None:
        """The value rounded once, without suffix (71.6 for 71.6%); None: not applicable."""
        return None if self.value is None else rounded(self.value, self.places, self.mode)

    @property
    def exact(self) -> str | None:
        """The reduced fraction (`49671/69373` for 71.6%, seconds and counts as they are); None: not applicable."""
        if self.value is None:
            return None
        return str(self.value / 100 if self.suffix == "%" else self.value)

    @property
    def text(self) -> str:
        """As printed: `71.6%`, `40`, `—`."""
        return NOT_APPLICABLE if self.number is None else f"{self.number:f}{self.suffix}"


Content = Cell | Words | str
"""What stands in a table: a figure, something said in two languages, or text that is the same in both (a name, a date)."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a stable key for machines, then one content for each column of the section."""

    key: str
    """As JSON names it: `inbound`, a line's code, an agent's number, an instant in ISO 8601."""
    contents: tuple[Content, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """Head of a column."""

    key: str
    """As JSON and CSV name it: `call_volume`."""
    title: Words


class ChartKind(StrEnum):
    """How a section is drawn."""

    BARS = "bars"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing of some columns of its section: one point for each row, in order."""

    kind: ChartKind
    x: str
    """Key of the column with the labels below."""
    series: tuple[str, ...]
    """Keys of the columns drawn."""
    unit: Words
    """Unit of the y axis: `calls` · `通`, or `10,000 calls` · `万通` where `divisor` is 10,000."""
    divisor: int = 1
    places: int = 0
    """Decimal places of the drawn numbers, after dividing."""


@dataclass(frozen=True, slots=True)
class Section:
    """One table of the report."""

    key: str
    title: Words
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[Words, ...] = ()
    """Below the table."""
    chart: Chart | None = None
    is_public: bool = False
    """Part of what an office publishes; the others are the operator's own."""


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report of one period."""

    title: Words
    period: Words
    """In words: `2026-01-01 to 2026-12-31 (Asia/Shanghai)`, what is in it (scope, line), and whether it is final."""
    sections: tuple[Section, ...]
    notes: tuple[Words, ...] = ()
    """Below everything: the choices that the figures depend on, completeness, gaps."""
    is_final: bool = True
    facts: Mapping[str, object] = field(default_factory=dict)
    """What a program must know of it: days, zone, scope, calls still open, the choices; text, numbers, yes or no."""

    def shown(self, *, public_only: bool) -> Iterator[Section]:
        """Return the sections of the public part, or all."""
        return (section for section in self.sections if section.is_public or not public_only)


def printed_rows(section: Section, lang: str) -> tuple[tuple[str, ...], ...]:
    """Return a section's rows as printed, without its keys."""
    return tuple(tuple(said(content, lang) for content in row.contents) for row in section.rows)


def said(content: Content, lang: str) -> str:
    """Return a content as text in `zh` or `en`."""
    match content:
        case Cell():
            return content.text
        case Words():
            return content.in_(lang)
        case _:
            return content

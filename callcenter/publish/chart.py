"""The geometry of a chart: bars or lines on a page, as values that the page's template writes down as SVG.

Theory of operation: `layout` turns the numbers that `outline.drawn` gives into shapes and words with places. Everything is
exact until the last division, so equal documents give equal pages. The scale has at most six steps of 1, 2 or 5; that of bars
begins at zero, that of lines below the lowest point where all are far from zero. A word is drawn only where it has room: with
many points every k-th label, with narrow bars no numbers above them (the table beside the chart has them all). Lengths are in units of the drawing, 1/1000 of its width.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from callcenter.publish import wording
from callcenter.publish.outline import Series, columns_of, drawn
from metrics.document import ChartKind, Section, said

WIDTH, HEIGHT = 1000, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 992, 44, 352
"""Edges of the plot."""
LABEL_LINES = 2
LABEL_SIZE, NUMBER_SIZE = 17, 14
"""Of words below the axis, of numbers above the bars."""
_STEPS = (1, 2, 5, 10, 20)
_MOST_STEPS = 6
_BARS_SHARE = Decimal("0.74")
"""Of a point's width; the rest is the gap between two points."""


@dataclass(frozen=True, slots=True)
class Word:
    """Text at a place."""

    x: Decimal
    y: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar and what it says when one points at it."""

    x: Decimal
    y: Decimal
    width: Decimal
    height: Decimal
    series: int
    title: str


@dataclass(frozen=True, slots=True)
class Curve:
    """An unbroken run of points."""

    points: str
    """As SVG's `points`: `x,y x,y`."""
    series: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """A whole chart."""

    unit: str
    ticks: tuple[Word, ...]
    """Left of the scale, each at its grid line."""
    labels: tuple[Word, ...]
    """Below the axis."""
    bars: tuple[Bar, ...]
    lines: tuple[Curve, ...]
    numbers: tuple[Word, ...]
    """Above bars; none where there is no room."""
    legend: tuple[Word, ...]
    """One for each series; none for a single one, which the section's title names."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The scale of the y axis: `count` steps from `base`."""

    base: Decimal
    step: Decimal
    count: int

    @classmethod
    def of(cls, values: Sequence[Decimal], *, from_zero: bool) -> "Scale":
        """Return the scale that holds these values (none below zero). from_zero: it begins there, come what may."""
        highest = max(values, default=Decimal()) or Decimal(1)
        lowest = min(values, default=Decimal())
        floor = Decimal() if from_zero or lowest < highest / 2 or lowest == highest else lowest
        power = Decimal(10) ** ((highest - floor) / _MOST_STEPS).log10().to_integral_value(ROUND_FLOOR)
        for step in (power * factor for factor in _STEPS):
            base = (floor / step).to_integral_value(ROUND_FLOOR) * step
            count = int(((highest - base) / step).to_integral_value(ROUND_CEILING))
            if count <= _MOST_STEPS:
                break
        return cls(base, step, count)

    def y(self, value: Decimal) -> Decimal:
        """Return where a value stands."""
        return _tidy(BOTTOM - (BOTTOM - TOP) * (value - self.base) / (self.step * self.count))

    def words(self) -> Iterator[Word]:
        """Return the words left of the scale, from below."""
        for value in (self.base + self.step * n for n in range(self.count + 1)):
            yield Word(_tidy(LEFT - 10), self.y(value), f"{value.normalize():f}")


def layout(section: Section, lang: str) -> Drawing | None:
    """Return a section's chart laid out, None where it has none (or no row to draw). Raises ValueError like `drawn`."""
    chart = section.chart
    if chart is None or not section.rows:
        return None
    series = drawn(section, chart)
    (x_column,) = columns_of(section, (chart.x,))
    names = [said(row.contents[x_column], lang) for row in section.rows]
    is_bars = chart.kind is ChartKind.BARS
    scale = Scale.of([point.height for one in series for point in one.points if point is not None], from_zero=is_bars)
    bars = tuple(_bars(series, names, scale, lang)) if is_bars else ()
    return Drawing(
        unit=chart.unit.in_(lang),
        ticks=tuple(scale.words()),
        labels=tuple(_labels(names)),
        bars=bars,
        lines=() if is_bars else tuple(_lines(series, scale)),
        numbers=_numbers(bars, series),
        legend=tuple(_legend(series, lang)) if len(series) > 1 else (),
    )


def text_width(text: str, size: int) -> Decimal:
    """Return about how wide the text is at this size: full-width characters a whole em, others 0.56."""
    return size * sum((Decimal(1) if ord(char) > 0x2E7F else Decimal("0.56") for char in text), Decimal())


def _bars(series: Sequence[Series], names: Sequence[str], scale: Scale, lang: str) -> Iterator[Bar]:
    slot = Decimal(RIGHT - LEFT) / len(names)
    width = slot * _BARS_SHARE / len(series)
    for order, one in enumerate(series):
        title = one.column.title.in_(lang)
        for n, (name, point) in enumerate(zip(names, one.points, strict=True)):
            if point is not None:
                x = LEFT + slot * n + slot * (1 - _BARS_SHARE) / 2 + width * order
                y = scale.y(point.height)
                yield Bar(_tidy(x), y, _tidy(width), BOTTOM - y, order, f"{name} {title} {point.text}")


def _numbers(bars: Sequence[Bar], series: Sequence[Series]) -> tuple[Word, ...]:
    texts = [point.text for one in series for point in one.points if point is not None]
    if any(text_width(text, NUMBER_SIZE) > bar.width * Decimal("1.3") for text, bar in zip(texts, bars, strict=False)):
        return ()
    return tuple(Word(_tidy(bar.x + bar.width / 2), bar.y - 6, text) for text, bar in zip(texts, bars, strict=False))


def _lines(series: Sequence[Series], scale: Scale) -> Iterator[Curve]:
    for order, one in enumerate(series):
        slot = Decimal(RIGHT - LEFT) / len(one.points)
        run: list[str] = []
        for n, point in enumerate((*one.points, None)):
            if point is not None:
                run.append(f"{_tidy(LEFT + slot * n + slot / 2)},{scale.y(point.height)}")
            elif run:
                yield Curve(" ".join(run), order)
                run = []


def _labels(names: Sequence[str]) -> Iterator[Word]:
    """Return the words below the axis: all, in one line or two, or every k-th."""
    slot = Decimal(RIGHT - LEFT) / len(names)
    room = int((slot - LABEL_SIZE) / LABEL_SIZE * 2)
    broken = [_broken(name, room) for name in names]
    if all(len(lines) <= LABEL_LINES and max(map(wording.width, lines)) <= room + 1 for lines in broken):
        for n, lines in enumerate(broken):
            for line, text in enumerate(lines):
                yield Word(_tidy(LEFT + slot * n + slot / 2), Decimal(BOTTOM + 24 + LABEL_SIZE * line), text)
        return
    widest = max(text_width(name, LABEL_SIZE) for name in names) + LABEL_SIZE
    every = max(1, int((widest / slot).to_integral_value(ROUND_CEILING)))
    for n in range(0, len(names), every):
        yield Word(_tidy(LEFT + slot * n + slot / 2), Decimal(BOTTOM + 24), names[n])


def _broken(name: str, room: int) -> list[str]:
    """Return the lines of a name, of at most so many half-width characters where it can be broken: words are kept whole."""
    lines = [""]
    for piece in re.findall(r"[!-~]+ ?|.", name):
        if lines[-1] and wording.width(lines[-1] + piece.rstrip()) > room:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


def _legend(series: Sequence[Series], lang: str) -> Iterator[Word]:
    titles = [one.column.title.in_(lang) for one in series]
    x = RIGHT - sum(text_width(title, LABEL_SIZE) + 50 for title in titles)
    for title in titles:
        yield Word(_tidy(x), Decimal(22), title)
        x += text_width(title, LABEL_SIZE) + 50


def _tidy(number: Decimal | int) -> Decimal:
    return round(Decimal(number), 2)

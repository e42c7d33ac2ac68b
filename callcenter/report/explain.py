"""The calls behind a figure: each member of its numerator and denominator, and what they come to.

A figure of calls is explained from its totals, row by row; one of callers by its calls; the lowest 24 hours by the connect
rate of those hours; of a maximum the calls are listed that are it. Whatever is listed adds up to the printed figure, because
the same expressions are evaluated.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from callcenter.report.build import Request, whole_hours
from callcenter.report.until_now import states_end_ms
from callcenter.storage.figures import Figures, Member
from metrics.dictionary import Dictionary
from metrics.document import Cell
from metrics.figures import Figure, Unit
from metrics.lengths import HOUR_MS
from metrics.tables import terms
from metrics.totals import Source
from metrics.windows import WINDOW_HOURS, lowest_window

OF_CALLERS = {"fcr": Unit.PERCENT, "distinct_callers": Unit.CALLS}
LOWEST_WINDOW = "connect_rate_24h_min"


@dataclass(frozen=True, slots=True)
class Addend:
    """One row behind a figure. What it adds is in the totals' own units: calls, or milliseconds."""

    at_ms: int
    call: str
    """`pbx/uniqueid`; '' for a state."""
    agent: str
    numerator: int
    denominator: int


@dataclass(slots=True)
class Sum:
    """What the listed rows come to."""

    numerator: int = 0
    denominator: int = 0
    cell: Cell | None = None
    """The figure as the report prints it; None until all rows were listed."""


@dataclass(frozen=True, slots=True)
class Shape:
    """In what a figure's rows are counted."""

    numerator: str = ""
    """`ms`; empty: whole calls."""
    denominator: str = ""
    is_divided: bool = True
    """It has a denominator."""
    value: str = ""
    """Unit of the exact value: `s`."""


ROWS_OF_FIGURES = {"calls_by_hour": "offered, agent_answered, abandoned", "abandon_distribution": "abandoned"}
"""Names of the report that are whole rows -> the figures whose calls are in their bins."""


def can_explain(dictionary: Dictionary, name: str) -> bool:
    """Tell whether there is such a figure."""
    return name in dictionary.figures or name in OF_CALLERS or name == LOWEST_WINDOW


def shape_of(dictionary: Dictionary, name: str) -> Shape:
    """Return in what the rows behind a figure are counted."""
    if name in OF_CALLERS:
        return Shape(is_divided=OF_CALLERS[name] is Unit.PERCENT)
    figure = dictionary.figures["connect_rate" if name == LOWEST_WINDOW else name]
    value = "s" if figure.unit is Unit.SECONDS else ""
    return Shape(_unit(figure.numerator), _unit(figure.denominator), bool(figure.denominator), value)


def _unit(names: Sequence[str]) -> str:
    return "ms" if names and all(name.endswith("_ms") for name in names) else ""


async def explain(figures: Figures, request: Request, name: str, found: Sum) -> AsyncIterator[Addend]:
    """Return the rows behind a figure, and put into `found` what they come to."""
    from_ms, to_ms = request.period.from_ms, request.period.to_ms
    if name in OF_CALLERS:
        async for addend in _of_callers(figures, request, name, found):
            yield addend
        return
    figure = figures.dictionary.figures["connect_rate" if name == LOWEST_WINDOW else name]
    if name == LOWEST_WINDOW:
        began_ms = await _lowest_window(figures, request)
        from_ms, to_ms = (from_ms, from_ms) if began_ms is None else (began_ms, began_ms + WINDOW_HOURS * HOUR_MS)
    totals = figures.dictionary.empty(figure.terms())
    largest: list[Addend] = []
    async for member in _members(figures, request, figure, from_ms, to_ms):
        for term, value in member.values.items():
            totals[term] = figures.dictionary.totals[term].combined((totals[term], value))
        addend = Addend(member.at_ms, _call(member.pbx, member.uniqueid), member.agent, *_added(figure, member.values))
        if figure.longest and addend.numerator:
            if addend.numerator > found.numerator:
                largest.clear()
            if addend.numerator >= found.numerator:
                largest.append(addend)
        _count(found, addend, is_longest=figure.longest)
        if not figure.longest and (addend.numerator or addend.denominator):
            yield addend
    for addend in largest:
        yield addend
    found.cell = Cell.of(name, figure.value(totals), figure.unit, figures.dictionary.choices.rounding)


async def _members(
    figures: Figures, request: Request, figure: Figure, from_ms: int, to_ms: int
) -> AsyncIterator[Member]:
    """Return the rows behind a figure; states are counted until now."""
    states = [name for name in figure.terms() if figures.dictionary.totals[name].source is Source.STATES]
    others = [name for name in figure.terms() if name not in states]
    for names, end_ms in (
        (others, to_ms),
        (states, min(to_ms, states_end_ms(request.period, request.now_ms, request.scope))),
    ):
        if names and end_ms > from_ms:
            async for member in figures.members(from_ms, end_ms, names, request.scope):
                yield member


async def _of_callers(figures: Figures, request: Request, name: str, found: Sum) -> AsyncIterator[Addend]:
    async for member in figures.caller_members(name, request.period.from_ms, request.period.to_ms, request.scope):
        addend = Addend(member.at_ms, _call(member.pbx, member.uniqueid), "", member.values[name], int(name == "fcr"))
        _count(found, addend)
        yield addend
    value: Fraction | None = Fraction(found.numerator)
    if name == "fcr":
        value = Fraction(found.numerator * 100, found.denominator) if found.denominator else None
    found.cell = Cell.of(name, value, OF_CALLERS[name], figures.dictionary.choices.rounding)


async def _lowest_window(figures: Figures, request: Request) -> int | None:
    """Return the beginning of the period's worst 24 hours; None: no window had a call."""
    hours = await whole_hours(figures, request, terms(figures.dictionary, ("connect_rate",)))
    return lowest_window(hours, dictionary=figures.dictionary).began_ms


def _added(figure: Figure, values: Mapping[str, int]) -> tuple[int, int]:
    """Return what a row adds to numerator and denominator."""
    above, below = (
        sum(values.get(name.removeprefix("-"), 0) * (-1 if name.startswith("-") else 1) for name in names)
        for names in (figure.numerator, figure.denominator)
    )
    return above, below


def _count(found: Sum, addend: Addend, *, is_longest: bool = False) -> None:
    found.numerator = max(found.numerator, addend.numerator) if is_longest else found.numerator + addend.numerator
    found.denominator += addend.denominator


def _call(pbx: str, uniqueid: str) -> str:
    return f"{pbx}/{uniqueid}" if uniqueid else ""

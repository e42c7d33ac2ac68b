"""`callcenter metrics list|show NAME`: what each figure counts, in English and Chinese, straight from the dictionary.

Where there is a plan, it is the dictionary under the choices of its `[report]`: what the report of this house counts.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import Annotated

import typer
from rich.cells import cell_len

from callcenter.report.question import choices_of, plan_at
from config.errors import ConfigError
from config.settings import load_settings
from metrics.choices import CLOCK_WORDS, Choices, Clock
from metrics.dictionary import build
from metrics.figures import UNIT_WORDS
from metrics.registry import Definition, definitions
from metrics.rounding import Rounding
from metrics.words import Words

WRONG_USE = 2
_ROUNDED = {
    Rounding.HALF_UP: Words("half up", "四舍五入"),
    Rounding.HALF_EVEN: Words("half even (GB/T 8170)", "恰在中间时取偶数（GB/T 8170）"),
}
LABEL = 18
"""Columns of the label of a line."""

metrics_app = typer.Typer(no_args_is_help=True, help="The dictionary of figures: what each number counts.")


def register(app: typer.Typer) -> None:
    """Add `metrics` to the command line."""
    app.add_typer(metrics_app, name="metrics")


@metrics_app.command("list")
def list_metrics() -> None:
    """List every figure: name, unit, English and Chinese title.

    \b
    Example:
        callcenter metrics list
    """
    listed = _figures(_choices())
    width = max(len(name) for name in listed)
    for one in listed.values():
        typer.echo(f"{one.name:{width}}  {one.unit:8}  {one.title.en} · {one.title.zh}")


@metrics_app.command("show")
def show(name: Annotated[str, typer.Argument(help="As `callcenter metrics list` shows it.")]) -> None:
    """Show one figure: what is divided by what, unit, rounding, clock, what is left out.

    \b
    Example:
        callcenter metrics show connect_rate
    """
    choices = _choices()
    figures = _figures(choices)
    definition = figures.get(name)
    if definition is None:
        near = difflib.get_close_matches(name, figures, n=1)
        hint = f": did you mean '{near[0]}'?" if near else "; 'callcenter metrics list' shows all"
        typer.echo(f"there is no figure '{name}'{hint}", err=True)
        raise typer.Exit(WRONG_USE)
    for line in _lines(definition, choices):
        typer.echo(line)


def _choices() -> Choices:
    """Return the choices of the plan that the settings name; our defaults where there is none."""
    try:
        return choices_of(plan_at(load_settings().plan), None)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_USE) from error


def _figures(choices: Choices) -> Mapping[str, Definition]:
    return definitions(build(choices))


def _lines(one: Definition, choices: Choices) -> Iterator[str]:
    """Return the description of a figure, each line in both languages."""
    yield f"{one.name} (version {one.version} · 第{one.version}版)"
    yield f"  {_both(one.title)}"
    yield _line(Words("counts", "口径"), one.counts)
    yield _line(Words("numerator", "分子"), one.numerator)
    yield _line(Words("denominator", "分母"), one.denominator)
    yield _line(Words("unit", "单位"), _unit(one))
    yield _line(Words("rounding", "舍入"), _rounding(choices))
    yield _line(Words("clock", "计时"), _clock(one))
    yield _line(Words("interval", "时段"), one.interval)
    yield _line(Words("excluded", "不计入"), one.excludes)
    for term in one.terms:
        yield f"  {term}"


def _line(label: Words, said: Words) -> str:
    head = _both(label)
    return f"  {head}{' ' * (LABEL - cell_len(head))}  {_both(said)}"


def _both(words: Words) -> str:
    """Return both languages; once what is the same in them, as names of totals are."""
    return words.en if words.en == words.zh else f"{words.en} · {words.zh}"


def _unit(one: Definition) -> Words:
    unit = UNIT_WORDS[one.unit]
    places = f"小数{one.places}位" if one.places else "不留小数"
    return Words(
        f"{unit.en}, {one.places} decimal place{'' if one.places == 1 else 's'}",
        f"{unit.zh}，{places}",
    )


def _rounding(choices: Choices) -> Words:
    how = _ROUNDED[choices.rounding]
    return Words(
        f"once, from the exact fraction, {how.en} (the plan's [report] rounding)",
        f"由精确分数舍入一次，{how.zh}（计划文件 [report] 的 rounding）",
    )


def _clock(one: Definition) -> Words:
    if not one.clock:
        return Words("none", "无")
    since = CLOCK_WORDS[Clock(one.clock)]
    return Words(f"from {since.en}", f"自{since.zh}")

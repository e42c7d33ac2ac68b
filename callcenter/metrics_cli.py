"""`callcenter metrics list|show NAME`: what each figure counts, in English and Chinese, straight from the dictionary.

Where there is a plan, it is the dictionary under the choices of its `[report]`: what the report of this house counts.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import Annotated

import typer

from callcenter.report.question import choices_of, plan_at
from config.errors import ConfigError
from config.settings import load_settings
from metrics.choices import Choices
from metrics.dictionary import build
from metrics.registry import Definition, definitions
from metrics.rounding import Rounding

WRONG_USE = 2
_ROUNDED = {Rounding.HALF_UP: "half up", Rounding.HALF_EVEN: "half even"}

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
    """Return the description of a figure."""
    yield f"{one.name} (version {one.version})"
    yield f"  {one.title.en} · {one.title.zh}"
    yield f"  counts      {one.counts.en}"
    yield f"  口径        {one.counts.zh}"
    yield f"  numerator   {one.numerator}"
    yield f"  denominator {one.denominator}"
    yield f"  unit        {one.unit}, {one.places} decimal places"
    yield f"  rounding    once, from the exact fraction, {_ROUNDED[choices.rounding]} (the plan's [report] rounding)"
    yield f"  clock       {one.clock or 'none'}"
    yield f"  interval    {one.interval.en} · {one.interval.zh}"
    yield f"  excluded    {one.excludes.en} · {one.excludes.zh}"
    for term in one.terms:
        yield f"  {term}"

"""`callcenter metrics list|show NAME`: what each figure counts, in English and Chinese, straight from the dictionary."""

import difflib
from collections.abc import Iterator
from typing import Annotated

import typer

from metrics.registry import DEFINITIONS, Definition

WRONG_USE = 2

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
    width = max(len(name) for name in DEFINITIONS)
    for one in DEFINITIONS.values():
        typer.echo(f"{one.name:{width}}  {one.unit:8}  {one.title.en} · {one.title.zh}")


@metrics_app.command("show")
def show(name: Annotated[str, typer.Argument(help="As `callcenter metrics list` shows it.")]) -> None:
    """Show one figure: what is divided by what, unit, rounding, clock, what is left out.

    \b
    Example:
        callcenter metrics show connect_rate
    """
    definition = DEFINITIONS.get(name)
    if definition is None:
        near = difflib.get_close_matches(name, DEFINITIONS, n=1)
        hint = f": did you mean '{near[0]}'?" if near else "; 'callcenter metrics list' shows all"
        typer.echo(f"there is no figure '{name}'{hint}", err=True)
        raise typer.Exit(WRONG_USE)
    for line in _lines(definition):
        typer.echo(line)


def _lines(one: Definition) -> Iterator[str]:
    """Return the description of a figure."""
    yield f"{one.name} (version {one.version})"
    yield f"  {one.title.en} · {one.title.zh}"
    yield f"  counts      {one.counts.en}"
    yield f"  口径        {one.counts.zh}"
    yield f"  numerator   {one.numerator}"
    yield f"  denominator {one.denominator}"
    yield f"  unit        {one.unit}, {one.places} decimal places"
    yield "  rounding    once, from the exact fraction, half up (the plan's [report] rounding may say half_even)"
    yield f"  clock       {one.clock or 'none'}"
    yield f"  interval    {one.interval.en} · {one.interval.zh}"
    yield f"  excluded    {one.excludes.en} · {one.excludes.zh}"
    for term in one.terms:
        yield f"  {term}"

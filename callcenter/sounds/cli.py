"""`callcenter sounds make|list`: the prompts of an Asterisk, spoken by a synthesiser where nobody has recorded them."""

from collections import Counter
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from callcenter.sounds.maker import Sound, make, sounds_of
from callcenter.sounds.shelf import Shelf, State
from config.errors import ConfigError
from config.plan import load_plan
from config.prompts import agent_prompts, prompts

sounds_app = typer.Typer(no_args_is_help=True, help="What people hear: prompts made by a speech synthesiser.")

Folder = Annotated[
    Path, typer.Option("--to", "--in", help="Asterisk's folder of sounds: astdatadir of asterisk.conf, and /sounds.")
]
PlanFile = Annotated[
    Path | None, typer.Option("--plan", help="A plan: the announcement of each of its agents too (agent-NUMBER).")
]


@sounds_app.command("make")
def make_sounds(
    to: Folder,
    names: Annotated[
        list[str] | None, typer.Argument(help="Prompts of config/asterisk/sounds.txt; all of them.")
    ] = None,
    plan: PlanFile = None,
    force: Annotated[list[str] | None, typer.Option(help="Overwrite your own file of this name.")] = None,
) -> None:
    """Speak every prompt in Mandarin and English, where there is no file of your own.

    \b
    Exit codes: 0 done, 1 a prompt could not be made (a tone stands in), 2 wrong use.
    Example:
        callcenter sounds make --to /var/lib/asterisk/sounds --plan plan.toml
    """
    wanted = _wanted(plan, [*(names or ()), *(force or ())], is_all=not names and not force)
    made = make(wanted)
    try:
        written = Shelf(to).fill(made, force or ())
    except OSError as error:
        _fail(f"{error.filename or to}: {error.strerror}")
    typer.echo(f"{len(written)} written to {to}, {len(made) - len(written)} left as they are")
    if len(made) < len(wanted):
        _fail(f"{len(wanted) - len(made)} of {len(wanted)} could not be made: tones stand in for them")


@sounds_app.command("list")
def list_sounds(folder: Folder, plan: PlanFile = None) -> None:
    """Say of each prompt whether it is made, your own, missing, or cannot be played.

    \b
    Exit codes: 0 all are there, 1 some are missing or cannot be played (a tone stands in), 2 wrong use.
    Example:
        callcenter sounds list --in /var/lib/asterisk/sounds
    """
    shelf = Shelf(folder)
    counts: Counter[State] = Counter()
    for sound in _wanted(plan, [], is_all=True):
        try:
            standing = shelf.standing(sound)
        except OSError as error:
            _fail(f"{error.filename or folder}: {error.strerror}")
        counts[standing.state] += 1
        fault = f"  {standing.path} {standing.fault}" if standing.fault else ""
        typer.echo(f"{standing.state.value:<10} {sound.language}/{sound.prompt.name:<16} {sound.text}{fault}")
    typer.echo(", ".join(f"{counts[state]} {state.value}" for state in State))
    if counts[State.MISSING] or counts[State.UNREADABLE]:
        raise typer.Exit(1)


def _wanted(plan: Path | None, names: list[str], *, is_all: bool) -> list[Sound]:
    known = prompts()
    if plan is not None:
        try:
            known += agent_prompts(load_plan(plan).agents)
        except ConfigError as error:
            _fail(str(error), code=2)
    unknown = sorted(set(names) - {prompt.name for prompt in known})
    if unknown:
        _fail(f"there is no prompt {', '.join(unknown)} in config/asterisk/sounds.txt", code=2)
    return sounds_of(prompt for prompt in known if is_all or prompt.name in names)


def _fail(message: str, code: int = 1) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)

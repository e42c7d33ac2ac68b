"""Commands for the plan, for access tokens, and `status`: small clients of the running service.

`register(app)` adds them to the command line. Exit codes: 0 done, 1 failed (the service does not answer or refuses),
2 wrong use or configuration.
"""

import getpass
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from agents.login import pin_sha1_of
from callcenter.http.tokens import Audience, TokenStore, TokenStoreError
from callcenter.service_client import ServiceClient, ServiceError
from config.errors import ConfigError
from config.plan import read_plan
from config.plan_diff import plan_diff
from config.settings import load_settings

FAILED, WRONG_USE = 1, 2

plan_app = typer.Typer(no_args_is_help=True, help="Look at the plan, change it while calls run, make PINs.")
token_app = typer.Typer(no_args_is_help=True, help="Access for boards and for other machines.")


def register(app: typer.Typer) -> None:
    """Add `plan`, `token` and `status` to the command line."""
    app.add_typer(plan_app, name="plan")
    app.add_typer(token_app, name="token")
    app.command("status")(status)


@contextmanager
def told() -> Iterator[None]:
    """Turn our errors into sentences on the screen and exit codes."""
    try:
        yield
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_USE) from error
    except ServiceError as error:
        for line in (str(error), *error.problems):
            typer.echo(line, err=True)
        raise typer.Exit(WRONG_USE if error.problems else FAILED) from error
    except (TokenStoreError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(FAILED) from error


# plan ------------------------------------------------------------------------------------------------------------------

PlanFileArgument = Annotated[
    Path | None,
    typer.Argument(help="The new plan; without it the file that CALLCENTER_PLAN names.", show_default=False),
]


@plan_app.command("diff")
def diff(
    file: PlanFileArgument = None,
    against: Annotated[
        Path | None, typer.Option(help="An older file to compare with, instead of the running service.")
    ] = None,
) -> None:
    """Say in words what a plan file would change, against the running service or against a second file.

    \b
    Example:
        callcenter plan diff
        callcenter plan diff new.toml --against plan.toml
    """
    with told():
        settings = load_settings()
        path = file or settings.plan
        new = read_plan(path)
        for warning in new.warnings:
            typer.echo(f"warning: {warning}", err=True)
        if against is not None:
            changes = plan_diff(read_plan(against), new)
        else:
            changes = ServiceClient(settings).post("/plan/diff", path.read_bytes())["changes"]
    _print_changes(changes)


@plan_app.command("reload")
def reload() -> None:
    """Have the running service read its plan file again; callers who wait keep their place. A wrong plan changes nothing.

    \b
    Example:
        callcenter plan reload
    """
    with told():
        answer = ServiceClient(load_settings()).post("/plan/reload")
    _print_changes(answer["changes"])
    typer.echo(f"in force: {answer['version']}")


@plan_app.command("pin")
def pin(agent: Annotated[str, typer.Argument(help="The agent's number.")]) -> None:
    """Ask for a six-digit PIN, twice and hidden, and print the line for the plan. Nothing is stored.

    \b
    Example:
        callcenter plan pin 1001
    """
    if not agent.isascii() or not agent.isdigit():
        _stop(f"{agent!r} is no agent's number: digits only")
    ask = getpass.getpass if sys.stdin.isatty() else _line_of_input
    first = ask(f"PIN for agent {agent} (six digits): ")
    if len(first) != 6 or not first.isascii() or not first.isdigit():
        _stop("a PIN has six digits")
    if len(set(first)) == 1 or first in "01234567890" or first in "9876543210":
        _stop("this PIN is too easy to guess")
    if ask("again: ") != first:
        _stop("the two are not the same")
    typer.echo(f'pin_sha1 = "{pin_sha1_of(agent, first)}"')


def _line_of_input(prompt: str) -> str:
    return sys.stdin.readline().rstrip("\n")


def _stop(sentence: str) -> None:
    typer.echo(sentence, err=True)
    raise typer.Exit(WRONG_USE)


def _print_changes(changes: list[str]) -> None:
    for change in changes or ["nothing changes"]:
        typer.echo(change)


# tokens ----------------------------------------------------------------------------------------------------------------


@token_app.command("create")
def create(audience: Annotated[Audience, typer.Option("--for", help="board: reading; api: changing too.")]) -> None:
    """Make a token and show it once; only its hash is stored.

    \b
    Example:
        callcenter token create --for api
    """
    with told():
        created_at = datetime.now(UTC).isoformat(timespec="seconds")
        entry, token = TokenStore(load_settings().state_dir).create(audience, created_at)
    typer.echo(f"id {entry.token_id}, for {entry.audience.value}. Keep it now, it cannot be shown again:", err=True)
    typer.echo(token)


@token_app.command("revoke")
def revoke(token_id: Annotated[str, typer.Argument(metavar="ID", help="As `callcenter token list` shows it.")]) -> None:
    """Make a token worthless, at once.

    \b
    Example:
        callcenter token revoke 1a2b3c4d
    """
    with told():
        if not TokenStore(load_settings().state_dir).revoke(token_id):
            _stop(f"there is no token {token_id}: 'callcenter token list' shows all")
    typer.echo(f"{token_id} is revoked")


@token_app.command("list")
def list_tokens() -> None:
    """List tokens: id, what for, made when.

    \b
    Example:
        callcenter token list
    """
    with told():
        entries = TokenStore(load_settings().state_dir).entries()
    for entry in entries:
        typer.echo(f"{entry.token_id}  {entry.audience.value:5}  {entry.created_at}")


# status ----------------------------------------------------------------------------------------------------------------


def status() -> None:
    """Who leads, which links are up, how many wait and work. Exit code 1 when calls are not being distributed.

    \b
    Example:
        callcenter status
    """
    with told():
        client = ServiceClient(load_settings())
        page, ready = client.get("/status"), client.get("/readyz")
    for line in status_lines(page):
        typer.echo(line)
    missing = [_missing(name, holds) for name, holds in ready.items() if name != "ready" and holds not in (True, "ok")]
    typer.echo("ready" if ready.get("ready") else f"NOT READY: {', '.join(missing)}")
    if not ready.get("ready"):
        raise typer.Exit(FAILED)


def _missing(name: str, holds: object) -> str:
    return f"{name} ({holds})" if isinstance(holds, str) else name


def status_lines(page: dict[str, Any], indent: str = "") -> list[str]:
    """Return a status page as lines, nested tables indented."""
    lines: list[str] = []
    for key, value in page.items():
        if isinstance(value, dict) and value:
            lines += [f"{indent}{key}:", *status_lines(value, indent + "  ")]
        else:
            show: Callable[[Any], str] = _SHOWN.get(type(value), str)
            lines.append(f"{indent}{key}: {show(value)}")
    return lines


def _shown_bool(value: bool) -> str:
    return "yes" if value else "no"


def _shown_list(value: list[Any]) -> str:
    return ", ".join(str(one) for one in value) or "none"


_SHOWN: dict[type[Any], Callable[[Any], str]] = {
    bool: _shown_bool,
    list: _shown_list,
    dict: lambda value: "none",
    type(None): lambda value: "none",
}

"""The supervisor's hand on the command line: `agent`, `line`, `call`. Small clients of the running service.

Exit codes: 0 done, 1 not done (the service says why, or does not answer), 2 wrong use or configuration.
"""

import getpass
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

import typer

from callcenter.plan_cli import told
from callcenter.service_client import ServiceClient
from config.settings import load_settings

Why = Annotated[
    str, typer.Option(help="Why: goes on record with who you are. May be left out; you are not asked for it.")
]


class AgentDo(StrEnum):
    """What an agent is to do."""

    READY = "ready"
    NOT_READY = "not-ready"
    LOGOUT = "logout"


class LineDo(StrEnum):
    """What holds for a line."""

    DRAIN = "drain"
    OPEN = "open"
    EMERGENCY = "emergency"


class CallDo(StrEnum):
    """What happens to a call."""

    MOVE = "move"


def register(app: typer.Typer) -> None:
    """Add `agent`, `line` and `call` to the command line."""
    app.command("agent")(agent)
    app.command("line")(line)
    app.command("call")(call)


def alone() -> None:
    """Run these commands without the rest of the command line."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)
    app.callback()(lambda: None)
    register(app)
    app()


def agent(
    name: Annotated[str, typer.Argument(help="His number, or his name if no other agent of the plan has it.")],
    order: Annotated[AgentDo, typer.Argument(help="What he is to do.")],
    reason: Annotated[
        str, typer.Option(help="Of not-ready: one of the plan's words. Left out: supervisor.", show_default=False)
    ] = "",
    why: Why = "",
) -> None:
    """Make an agent ready or not ready, or log him out, as if he had dialled the code himself. No talk is cut: it takes
    effect after his call and wrap-up. `ready` ends wrap-up.

    \b
    Example:
        callcenter agent 1001 not-ready --reason training --why "new plan"
        callcenter agent 1001 ready
    """
    _order("agent", agent=name, order=order.value, reason=reason, why=why)


def line(
    name: Annotated[str, typer.Argument(help="Its code in the plan, or its name.")],
    order: Annotated[LineDo, typer.Argument(help="What holds for it until the next order, also after a restart.")],
    to: Annotated[
        str,
        typer.Option(
            help="Of emergency: a line's code, an outside number (digits), or voicemail:BOX.", show_default=False
        ),
    ] = "",
    why: Why = "",
) -> None:
    """Drain a line (who waits is served, new callers take its on_closed exit), open it again (as the plan says), or send
    everybody who waits in it and everybody who calls it to another place at once. Who rings or talks is left alone.

    \b
    Example:
        callcenter line general emergency --to enterprise --why fire
        callcenter line general open
    """
    _order("line", line=name, order=order.value, to=to, why=why)


def call(
    name: Annotated[str, typer.Argument(metavar="ID", help="The call's id, or `list` to see all that live.")],
    order: Annotated[CallDo | None, typer.Argument(help="What happens to it.", show_default=False)] = None,
    to: Annotated[str, typer.Option(help="A line's code, else an agent's number or name.", show_default=False)] = "",
    why: Why = "",
) -> None:
    """Move a caller who waits or talks to another line (he keeps what he has waited; that line's limits hold for him), or to
    one agent who is ready. While a phone rings for him he cannot be moved: try again when that offer has ended.

    \b
    Example:
        callcenter call list
        callcenter call pbx1-1767225600.12 move --to enterprise
    """
    if name == "list" and order is None:
        _list()
        return
    if order is None or not to:
        raise typer.BadParameter("write: callcenter call ID move --to LINE or AGENT; or: callcenter call list")
    _order("call", call=name, to=to, why=why)


def _order(what: str, **values: str) -> None:
    with told():
        answer = ServiceClient(load_settings()).order(f"/hand/{what}", values, quote(_user()))
    typer.echo(answer["done"])


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""  # a user without a name: the service says `unknown`


def _list() -> None:
    with told():
        page = ServiceClient(load_settings()).guarded("/hand/calls")
    rows: list[dict[str, Any]] = page["calls"]
    table = [("id", "line", "caller", "place", "waited", "agent")]
    for one in rows:
        id_, waited, agents = f"{one['pbx']}/{one['id']}", f"{one['waited_s']:.0f} s", ", ".join(one["agents"])
        table.append((id_, one["line"], one["caller"] or "-", one["place"], waited, agents or "-"))
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if page["living"] > len(rows):
        typer.echo(f"and {page['living'] - len(rows)} more, who wait less long or talk")

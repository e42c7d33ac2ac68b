"""The terminal view: one screen of about 100 columns and 30 rows, in Chinese and English (pure: values in, text out)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich import box
from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from callcenter.demo.board import Board, Counts
from metrics.dictionary import FIGURES
from metrics.rounding import printed

PRESENCE = {
    "logged_out": ("未签入 logged out", "dim"),
    "ready": ("就绪 ready", "green"),
    "ringing": ("振铃 ringing", "bold yellow"),
    "talking": ("通话 talking", "bold cyan"),
    "hold": ("保持 hold", "cyan"),
    "acw": ("事后处理 wrap-up", "blue"),
    "dialling": ("呼出 dialling", "cyan"),
    "case_work": ("办件 case work", "blue"),
    "not_ready": ("置忙 not ready", "red"),
}
_SPECIALIST = {"idle": ("空闲 idle", "green"), "busy": ("通话 busy", "bold magenta"), "unreachable": ("不可达", "red")}
LEFT_COLUMNS = 53
LINES_ROWS = 8


@dataclass(frozen=True, slots=True)
class Screen:
    """Everything that one picture of the screen shows."""

    board: Board
    elapsed_s: float
    seconds: float | None
    """Length of the run; None: until Ctrl-C."""
    phase: str
    """What goes on: calls come, calls end."""
    calling: int = 0
    """Callers in a call, as their phones say."""
    events: Sequence[tuple[str, str, str]] = field(default_factory=tuple)
    """(clock, style, text), newest last."""
    wallboard: str = ""
    """Its address."""


def rate(counts: Counts) -> str:
    """Return the connect rate of calls that have ended, `—` for none."""
    totals = {"offered": counts.offered, "agent_answered": counts.answered}
    return printed(FIGURES["connect_rate"].value(totals), 1, "%")


def status_line(screen: Screen) -> str:
    """Return the line that is printed where there is no terminal."""
    total = screen.board.total
    busy = sum(agent["presence"] in ("talking", "hold") for agent in screen.board.status.get("agents", ()))
    return (
        f"{screen.elapsed_s:5.0f} s  {screen.phase}: waiting {screen.board.waiting}, talking {busy}, "
        f"ended {total.offered}, answered {total.answered}, abandoned {total.abandoned}, connect rate {rate(total)}"
    )


def render(screen: Screen) -> RenderableType:
    """Return the whole screen."""
    layout = Layout()
    right = Layout()
    right.split_column(Layout(_specialists(screen.board), size=LINES_ROWS), Layout(_events(screen)))
    left = Layout(size=LEFT_COLUMNS)
    left.split_column(Layout(_lines(screen.board), size=LINES_ROWS), Layout(_agents(screen.board)))
    body = Layout()
    body.split_row(left, right)
    layout.split_column(Layout(_head(screen), size=3), body)
    return layout


def _head(screen: Screen) -> RenderableType:
    status = screen.board.status
    links = status.get("links", {})
    is_up = bool(links) and all(links.values())
    of = f" / {screen.seconds:.0f}" if screen.seconds is not None else ""
    grid = Table.grid(expand=True)
    grid.add_column()
    grid.add_column(justify="center")
    grid.add_column(justify="right")
    grid.add_row(
        Text("12345 热线 hotline", "bold"),
        Text(f"{screen.phase}  {screen.elapsed_s:.0f}{of} s  通话中 in calls {screen.calling}"),
        Text.assemble(
            "AMI ", ("●", "green" if is_up else "red"), f"  时延 lag {1000 * status.get('event_lag_s', 0.0):.0f} ms"
        ),
    )
    wallboard = Text(f"大屏 wallboard {screen.wallboard}", "bold") if screen.wallboard else None
    return Panel(grid, box=box.ROUNDED, border_style="blue", subtitle=wallboard)


def _lines(board: Board) -> RenderableType:
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("线路", no_wrap=True)
    for name in ("等待", "最久", "接听", "放弃", "接通率"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_row("line", "waiting", "oldest", "answd", "aband", "conn.", style="dim")
    for line in board.status.get("lines", ()):
        counts = board.counts.get(line["code"], Counts())
        table.add_row(
            Text(f"{line['name']} {line['dids'][0]}"),
            Text(str(line["waiting"]), "bold yellow" if line["waiting"] else ""),
            f"{line['oldest_wait_s']:.0f} s",
            Text(str(counts.answered), "green"),
            Text(str(counts.abandoned), "red" if counts.abandoned else ""),
            rate(counts),
        )
    total = board.total
    table.add_row(
        "合计 total", str(board.waiting), "", str(total.answered), str(total.abandoned), rate(total), style="bold"
    )
    return Panel(table, title="线路 Lines", box=box.ROUNDED, border_style="blue")


def _agents(board: Board) -> RenderableType:
    table = Table(box=None, expand=True, padding=(0, 1, 0, 0), header_style="dim")
    table.add_column("座席 agent", no_wrap=True)
    table.add_column("话机", no_wrap=True)
    table.add_column("状态 state", no_wrap=True)
    table.add_column("时长", justify="right", no_wrap=True)
    table.add_column("接听", justify="right", no_wrap=True)
    now_ms = board.status.get("now_ms", 0)
    for agent in board.status.get("agents", ()):
        words, style = PRESENCE.get(agent["presence"], (agent["presence"], ""))
        if agent["presence"] != "logged_out" and not agent["reachable"]:
            words, style = "话机不可达 unreachable", "red"
        since = f"{max(now_ms - agent['since_ms'], 0) // 1000} s" if agent["since_ms"] else ""
        table.add_row(
            f"{agent['name']} {agent['number']}", agent["device"] or "", Text(words, style), since, str(agent["calls"])
        )
    return Panel(table, title="座席 Agents", box=box.ROUNDED, border_style="blue")


def _specialists(board: Board) -> RenderableType:
    table = Table.grid(expand=True, padding=(0, 1, 0, 0))
    for one in board.status.get("specialists", ()):
        words, style = _SPECIALIST.get(one["state"], (one["state"], ""))
        table.add_row(one["name"], one["department"], "*7 " + " ".join(one["topics"]), Text(words, style))
    return Panel(table, title="政策专员 Policy specialists", box=box.ROUNDED, border_style="blue")


def _events(screen: Screen) -> RenderableType:
    rows = [
        Text.assemble((clock, "dim"), " ", (text, style), no_wrap=True, overflow="ellipsis")
        for clock, style, text in reversed(screen.events)
    ]
    return Panel(Group(*rows), title="动态 Events", box=box.ROUNDED, border_style="blue")

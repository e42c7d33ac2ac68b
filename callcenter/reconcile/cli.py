"""`callcenter reconcile`: does the ledger say of each call what CEL says?

Exit codes: 0 they agree (rebuilt and unknown calls are told, they prove nothing); 1 they do not, or one of them cannot be
reached; 2 wrong use or configuration.
"""

import asyncio
import json
import sys
from datetime import datetime
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from acd.plan import Plan
from callcenter.days import midnight_ms, why_no_period, zone_of
from callcenter.reconcile.errors import ReconcileError
from callcenter.reconcile.join import Period, compare_period
from callcenter.reconcile.shown import as_json, print_result
from callcenter.reconcile.verdicts import Result
from config.errors import ConfigError
from config.plan import load_plan
from config.settings import Settings, load_settings

DAY = ["%Y-%m-%d"]


def reconcile(
    from_day: Annotated[datetime, typer.Option("--from", formats=DAY, help="First day of the period.")],
    to_day: Annotated[datetime, typer.Option("--to", formats=DAY, help="Day after the last one: [from, to).")],
    line: Annotated[str | None, typer.Option(help="Only the ledger's calls of this line (its code).")] = None,
    zone: Annotated[str | None, typer.Option(help="Time zone of the days; default: the plan's, Asia/Shanghai.")] = None,
    as_object: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Compare each call of the ledger with Asterisk's CEL: outcome, agent, talks, instants within 50 ms; outbound calls too.

    CEL is where CALLCENTER_CEL says: the CSV file (with what was rotated away from it, compressed or not), an SQLite file,
    or a database URL. Calls rebuilt from CEL are counted apart, and so are those that cannot be known. The command changes nothing:
    it is the running service that tells the ledger, after each start, what CEL has of the time in which nobody watched.

    \b
    Example:
        callcenter reconcile --from 2026-03-01 --to 2026-04-01
        callcenter reconcile --from 2026-03-01 --to 2026-03-02 --line general --json
    """
    first, last = from_day.date(), to_day.date()
    if why := why_no_period(first, last):
        _refuse(why)
    try:
        settings = load_settings()
        plan = load_plan(settings.plan) if settings.plan.exists() else None
        tz = zone_of(zone, settings.plan)
    except ConfigError as error:
        _refuse(str(error))
    if line is not None and plan is not None and line not in plan.lines:
        _refuse(f"there is no line {line!r}: {', '.join(plan.lines)}")
    period = Period(midnight_ms(first, tz), midnight_ms(last, tz), line)
    result = _compared(settings, period, plan)
    if as_object:
        named = {"from": str(first), "to": str(last), "zone": str(tz), "line": line}
        typer.echo(json.dumps(as_json(result, named), ensure_ascii=False))
    else:
        console = Console() if sys.stdout.isatty() else Console(width=160)
        print_result(result, f"[{first}, {last}) {tz}", tz, console)
    raise typer.Exit(0 if result.agrees else 1)


def _compared(settings: Settings, period: Period, plan: Plan | None) -> Result:
    if settings.cel is None:
        _refuse("CALLCENTER_CEL is not set: set it to the file or database URL that Asterisk writes CEL to")
    if settings.database_url is None and not (settings.state_dir / "ledger.sqlite3").exists():
        _refuse(f"there is no ledger in {settings.state_dir}: set CALLCENTER_STATE_DIR or CALLCENTER_DATABASE_URL")
    bar = Progress(
        TextColumn("CEL"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), console=Console(stderr=True)
    )
    task = bar.add_task("CEL", total=1.0)
    bar.disable = not sys.stderr.isatty()
    specialists = [one.number for one in plan.specialists if one.target == "endpoint"] if plan is not None else []
    try:
        with bar:
            cel = settings.cel.get_secret_value()
            work = compare_period(
                settings.database, cel, period, specialists, lambda share: bar.update(task, completed=share)
            )
            return asyncio.run(work)
    except ReconcileError as error:
        _refuse(str(error), code=2 if error.is_use else 1)


def _refuse(message: str, code: int = 2) -> NoReturn:
    Console(file=sys.stderr).print(message, highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(code)

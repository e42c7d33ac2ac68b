"""`callcenter reconcile`: tells the ledger what CEL has of times in which nobody watched, then compares the two call by call.

`callcenter.rebuild` tells, `callcenter.reconcile` compares; neither knows of the other, and a call that was told counts as rebuilt,
never as agreement. Exit codes: 0 nothing differs, and at least one call agreed or was rebuilt unless none was over (rebuilt and unknown
calls are told, they prove nothing); 1 something differs, or all calls that are over are unknown (CEL may be empty), or one of the two
cannot be reached, or the ledger cannot be written; 2 wrong use or configuration.
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
from callcenter.rebuild.catch_up import Caught, LedgerNotWritable, Where, catch_up
from callcenter.rebuild.shown import gaps_as_json, gaps_in_words
from callcenter.rebuild.source import CelAway
from callcenter.reconcile.errors import ReconcileError
from callcenter.reconcile.join import Period, compare_period, knows_line
from callcenter.reconcile.shown import as_json, print_result
from callcenter.reconcile.verdicts import Result
from callcenter.storage.errors import LedgerAway, StorageError
from config.errors import ConfigError
from config.plan import load_plan
from config.settings import Settings, load_settings

DAY = ["%Y-%m-%d"]


def reconcile(
    from_day: Annotated[datetime, typer.Option("--from", formats=DAY, help="First day of the period.")],
    to_day: Annotated[datetime, typer.Option("--to", formats=DAY, help="Day after the last one: [from, to).")],
    line: Annotated[
        str | None, typer.Option(help="Only the ledger's calls of this line (its code), in the plan or not any more.")
    ] = None,
    zone: Annotated[str | None, typer.Option(help="Time zone of the days; default: the plan's, Asia/Shanghai.")] = None,
    as_object: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be rebuilt, change nothing.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also gaps that were read before: CEL was restored since, or repaired.")
    ] = False,
) -> None:
    """Rebuild calls from Asterisk's CEL for time when the service was away; compare every call of the ledger with CEL.

    A running service rebuilds by itself after each start. This does it for what is left: gaps of the period that were never read
    (CEL was away, came late, was restored), each whole and for all lines, and the time since the service of this state folder
    ended, if it has not come back. Rebuilt calls are marked; what CEL does not tell stays unknown. It may run beside the
    service and as often as you like: what is told already is not told again. Calls that live on are never touched.

    Compared are outcome, agent, talks, instants within 50 ms; outbound calls too. CEL is where CALLCENTER_CEL says: the CSV file
    (with what was rotated away from it, compressed or not), an SQLite file, or a database URL.

    \b
    Example:
        callcenter reconcile --from 2026-03-01 --to 2026-04-01
        callcenter reconcile --from 2026-03-01 --to 2026-03-02 --dry-run
        callcenter reconcile --from 2026-03-01 --to 2026-03-02 --line general --json
    Exit codes: 0 nothing differs, and a call agreed or was rebuilt (or none was over); 1 something differs, or every call that is
    over is unknown, or the database or CEL fails; 2 wrong use or configuration.
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
    if why := why_no_period(first, last, tz):
        _refuse(why)
    cel = _cel(settings)
    if line is not None:
        _check_line(settings, plan, line)
    period = Period(midnight_ms(first, tz), midnight_ms(last, tz), line)
    caught = _caught_up(settings, cel, period, plan, is_trial=dry_run, again=again)
    result = _compared(settings, cel, period, plan)
    if as_object:
        named = {"from": str(first), "to": str(last), "zone": str(tz), "line": line}
        told = gaps_as_json(caught, is_trial=dry_run)
        typer.echo(json.dumps(as_json(result, named) | told, ensure_ascii=False))
    else:
        console = Console() if sys.stdout.isatty() else Console(width=160)
        for said in gaps_in_words(caught, tz, is_trial=dry_run):
            console.print(said, highlight=False, markup=False, soft_wrap=True)
        print_result(result, f"[{first}, {last}) {tz}", tz, console)
    raise typer.Exit(0 if result.agrees and result.has_evidence else 1)


def _cel(settings: Settings) -> str:
    if settings.cel is None:
        _refuse("CALLCENTER_CEL is not set: set it to the file or database URL that Asterisk writes CEL to")
    if settings.database_url is None and not (settings.state_dir / "ledger.sqlite3").exists():
        _refuse(f"there is no ledger in {settings.state_dir}: set CALLCENTER_STATE_DIR or CALLCENTER_DATABASE_URL")
    return settings.cel.get_secret_value()


def _check_line(settings: Settings, plan: Plan | None, line: str) -> None:
    """Refuse a line that neither the plan nor a call of the ledger has: "0 calls" would hide a slip of the pen."""
    lines = [] if plan is None else [*plan.lines]
    try:
        if line not in lines and not asyncio.run(knows_line(settings.database, line)):
            _refuse(f"there is no line {line!r}" + (f": {', '.join(lines)}" if lines else ""))
    except ReconcileError as error:
        _refuse(str(error), code=2 if error.is_use else 1)


def _caught_up(
    settings: Settings, cel: str, period: Period, plan: Plan | None, *, is_trial: bool, again: bool
) -> Caught:
    """Tell the gaps of the period."""
    where = Where(settings.database, cel, settings.state_dir.absolute(), plan)
    try:
        return asyncio.run(catch_up(where, period.from_ms, period.to_ms, is_trial=is_trial, again=again))
    except CelAway as error:
        _refuse(f"{error} (CALLCENTER_CEL)")
    except LedgerNotWritable as error:
        why = f"calls are to be rebuilt, but the ledger cannot be written: {error}"
        _refuse(f"{why}\n(nothing is lost: run it again as somebody who may; --dry-run compares only)", code=1)
    except LedgerAway as error:
        _refuse(f"the ledger's database cannot be used: {error}", code=1)
    except StorageError as error:
        _refuse(str(error))


def _compared(settings: Settings, cel: str, period: Period, plan: Plan | None) -> Result:
    bar = Progress(
        TextColumn("CEL"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), console=Console(stderr=True)
    )
    task = bar.add_task("CEL", total=1.0)
    bar.disable = not sys.stderr.isatty()
    specialists = [one.number for one in plan.specialists if one.target == "endpoint"] if plan is not None else []
    try:
        with bar:
            work = compare_period(
                settings.database, cel, period, specialists, lambda share: bar.update(task, completed=share)
            )
            return asyncio.run(work)
    except ReconcileError as error:
        _refuse(str(error), code=2 if error.is_use else 1)


def _refuse(message: str, code: int = 2) -> NoReturn:
    Console(file=sys.stderr).print(message, highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(code)

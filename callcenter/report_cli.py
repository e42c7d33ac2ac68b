"""`callcenter report` and `callcenter db upgrade`: figures for people, and the schema for operators.

The report works without a plan (zone Asia/Shanghai) and while the service runs. Exit codes: 0 printed; 1 the database
cannot be reached; 2 wrong dates, settings, plan or schema.
"""

import asyncio
import sys
import time
from collections.abc import Coroutine
from datetime import date, datetime, timedelta, timezone, tzinfo
from datetime import time as time_of_day
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.console import Console
from rich.table import Table as RichTable

from callcenter.storage.database import open_engine
from callcenter.storage.errors import LedgerAway, StorageError
from callcenter.storage.figures_sql import totals_between
from callcenter.storage.migrate import make_ready, upgrade
from callcenter.storage.state_dir import StateDir
from config.errors import PlanError, SettingsError
from config.plan import load_plan
from config.settings import Settings, load_settings
from metrics.report import Table, call_service_table
from metrics.rounding import Rounding

DEFAULT_ZONE = "Asia/Shanghai"
_SHANGHAI = timezone(timedelta(hours=8))
"""For machines without a time-zone database: the zone has had no summer time since 1991."""
DAY = ["%Y-%m-%d"]

T = TypeVar("T")

db_app = typer.Typer(no_args_is_help=True, help="The ledger's database.")


class Language(StrEnum):
    """Languages of the report."""

    ZH = "zh"
    EN = "en"


def report(
    from_day: Annotated[datetime, typer.Option("--from", formats=DAY, help="First day of the period.")],
    to_day: Annotated[datetime, typer.Option("--to", formats=DAY, help="Day after the last one: [from, to).")],
    lang: Annotated[Language, typer.Option(help="Language of the table.")] = Language.ZH,
    zone: Annotated[str | None, typer.Option(help="Time zone of the days; default: the plan's, Asia/Shanghai.")] = None,
    rounding: Annotated[
        Rounding, typer.Option(help="Exact ties: half_up, or half_even (GB/T 8170).")
    ] = Rounding.HALF_UP,
) -> None:
    """Print the call-service table of a period: answered, outbound, total.

    \b
    Example:
        callcenter report --from 2026-01-01 --to 2027-01-01      (the year 2026: --to is not in it)
        callcenter report --from 2026-03-01 --to 2026-03-02 --lang en
    """
    first, last = from_day.date(), to_day.date()
    if first >= last:
        why = "is empty" if first == last else "ends before it begins"
        _refuse(f"the period from {first} to {last} {why}: --to is the day after the last one")
    settings = _settings()
    tz = _zone(zone or _plan_zone(settings.plan))
    from_ms, to_ms = _midnight_ms(first, tz), _midnight_ms(last, tz)
    totals = _run(_totals(settings, from_ms, to_ms))
    table = call_service_table(totals, lang.value, is_over=time.time() * 1000 >= to_ms, mode=rounding)
    _print(table, f"[{first}, {last}) {tz}")


@db_app.command("upgrade")
def db_upgrade() -> None:
    """Bring the ledger's database to this version's schema; does nothing when it is there already.

    \b
    Example:
        callcenter db upgrade
    """
    settings = _settings()
    revision = _run(_upgrade(settings))
    Console().print(f"{settings.database_label}: at {revision}", highlight=False, soft_wrap=True)


async def _totals(settings: Settings, from_ms: int, to_ms: int) -> dict[str, int | None]:
    _make_folder(settings)
    engine = open_engine(settings.database)
    try:
        await make_ready(engine)
        return await totals_between(engine, from_ms, to_ms)
    finally:
        await engine.dispose()


async def _upgrade(settings: Settings) -> str:
    _make_folder(settings)
    engine = open_engine(settings.database)
    try:
        return await upgrade(engine)
    finally:
        await engine.dispose()


def _make_folder(settings: Settings) -> None:
    if settings.database_url is None:
        StateDir(settings.state_dir)


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine; what can go wrong with the database becomes one line and an exit code."""
    try:
        return asyncio.run(work)
    except LedgerAway as error:
        _refuse(f"the ledger's database cannot be used: {error}", code=1)
    except StorageError as error:
        _refuse(str(error))


def _midnight_ms(day: date, zone: tzinfo) -> int:
    return int(datetime.combine(day, time_of_day(), zone).timestamp()) * 1000


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        if name == DEFAULT_ZONE:
            return _SHANGHAI
        _refuse(f"there is no time zone {name!r} on this machine")


def _plan_zone(path: Path) -> str:
    """The plan's zone; without a plan the default. A plan that cannot be read is an error: a silent zone is a wrong day."""
    if not path.exists():
        return DEFAULT_ZONE
    try:
        return load_plan(path).zone
    except PlanError as error:
        _refuse(f"{error}\n(give --zone to report without the plan)")


def _settings() -> Settings:
    try:
        return load_settings()
    except SettingsError as error:
        _refuse(str(error))


def _refuse(message: str, code: int = 2) -> NoReturn:
    Console(file=sys.stderr).print(message, highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(code)


def _print(table: Table, period: str) -> None:
    console = Console() if sys.stdout.isatty() else Console(width=120)
    grid = RichTable(title=f"{table.title}  {period}".replace("[", r"\["), title_justify="left")
    for number, name in enumerate(table.header):
        grid.add_column(name, justify="left" if number == 0 else "right", overflow="fold")
    for row in table.rows:
        grid.add_row(*row)
    console.print(grid)
    for note in table.notes:
        console.print(note, highlight=False, markup=False, soft_wrap=True)

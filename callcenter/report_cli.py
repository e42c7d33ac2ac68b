"""`callcenter report` and `callcenter db upgrade`: figures for people, and the schema for operators.

The report works without a plan (zone Asia/Shanghai) and while the service runs. Exit codes: 0 printed; 1 the database
cannot be reached, or the file cannot be written; 2 wrong dates, names, settings, plan or schema.
"""

import asyncio
import shutil
import sys
import time
from collections.abc import Coroutine
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console

from callcenter.report.build import HOTLINE, Request
from callcenter.report.explain import ROWS_OF_FIGURES, can_explain
from callcenter.report.period import Interval
from callcenter.report.question import (
    Days,
    agent_names,
    choices_of,
    day_of,
    line_names,
    organisation,
    period_of,
    plan_at,
    staff_of,
)
from callcenter.report.run import BOM, Format, NoRoom, UnknownName, document_of, explained, rendered
from callcenter.report.text import show
from callcenter.storage.database import open_engine
from callcenter.storage.errors import LedgerAway, StorageError
from callcenter.storage.figures import Scope
from callcenter.storage.migrate import upgrade
from callcenter.storage.state_dir import StateDir
from config.errors import PlanError, SettingsError
from config.plan import PlanFile
from config.settings import Settings, load_settings
from metrics.choices import Choices
from metrics.dictionary import DICTIONARY
from metrics.rounding import Rounding

DAY = ["%Y-%m-%d"]
NARROW = 160
"""Columns where the output is no terminal."""

T = TypeVar("T")

db_app = typer.Typer(no_args_is_help=True, help="The ledger's database.")


class Language(StrEnum):
    """Languages of the report."""

    ZH = "zh"
    EN = "en"


def report(
    from_day: Annotated[datetime | None, typer.Option("--from", formats=DAY, help="First day of the period.")] = None,
    to_day: Annotated[
        datetime | None, typer.Option("--to", formats=DAY, help="Day after the last one: [from, to).")
    ] = None,
    day: Annotated[datetime | None, typer.Option(formats=DAY, help="One day.")] = None,
    month: Annotated[datetime | None, typer.Option(formats=["%Y-%m"], help="One month.")] = None,
    year: Annotated[datetime | None, typer.Option(formats=["%Y"], help="One year.")] = None,
    line: Annotated[str | None, typer.Option(help="Only calls of this line (its code).")] = None,
    scope: Annotated[str | None, typer.Option(help="Only calls of this platform (platform_id of its plan).")] = None,
    interval: Annotated[Interval | None, typer.Option(help="Add a table with a row for each interval.")] = None,
    kind: Annotated[Format, typer.Option("--format", help="Layout; every one carries the same figures.")] = Format.TEXT,
    output: Annotated[Path | None, typer.Option(help="Write to this file.", dir_okay=False)] = None,
    public: Annotated[bool, typer.Option("--public", help="Only what is published: never the calls offered.")] = False,
    explain: Annotated[
        str | None, typer.Option(metavar="METRIC", help="List the calls behind a figure (text, csv, json) instead.")
    ] = None,
    lang: Annotated[Language, typer.Option(help="Language.")] = Language.ZH,
    zone: Annotated[str | None, typer.Option(help="Time zone of the days; default: the plan's, Asia/Shanghai.")] = None,
    rounding: Annotated[
        Rounding | None,
        typer.Option(help="Exact ties: half_up, or half_even (GB/T 8170); default: the plan's, half_up."),
    ] = None,
) -> None:
    """Print the report of a period: the call-service table, calls by hour, seats; for the operator outcomes, service
    level, waits, lines, skills, agents, callers.

    \b
    Example:
        callcenter report --year 2026
        callcenter report --from 2026-03-01 --to 2026-03-08 --interval day --lang en
        callcenter report --month 2026-03 --public --format xlsx --output march.xlsx
        callcenter report --day 2026-03-01 --explain connect_rate --format csv
    """
    settings = _settings()
    days = Days(day_of(from_day), day_of(to_day), day_of(day), day_of(month), day_of(year))
    plan, request = _asked(settings, days, zone, Scope(scope, line), interval, public_only=public)
    choices = choices_of(plan, rounding)
    if kind is Format.XLSX and output is None:
        _refuse("a workbook is not text: name its file with --output FILE.xlsx")
    _make_folder(settings)
    if explain is not None:
        if public:
            _refuse("--explain lists calls, which are not for the public: leave --public out")
        _explain(settings, choices, request, explain, kind, output, lang)
        return
    document = _run(document_of(settings.database, choices, request, settings.state_dir))
    if kind is Format.TEXT and output is None:
        console = Console() if sys.stdout.isatty() else Console(width=NARROW)
        show(document, lang.value, public_only=public, console=console)
    else:
        made_at = request.period.local(request.now_ms)
        _put(rendered(document, kind, lang.value, made_at=made_at, public_only=public), output, kind)


def _asked(
    settings: Settings, days: Days, zone: str | None, scope: Scope, interval: Interval | None, *, public_only: bool
) -> tuple[PlanFile | None, Request]:
    """Return the plan and the question; what makes no sense is refused before anything is opened."""
    try:
        days.bounds()
        plan = _plan(settings, needs_zone=zone is None)
        period = period_of(days, zone, plan)
    except (ValueError, SettingsError) as error:
        _refuse(str(error))
    names = (organisation(plan) or HOTLINE, line_names(plan), agent_names(plan), staff_of(plan))
    return plan, Request(period, int(time.time() * 1000), scope, interval, public_only, *names)


def _explain(
    settings: Settings,
    choices: Choices,
    request: Request,
    name: str,
    kind: Format,
    output: Path | None,
    lang: Language,
) -> None:
    if name in ROWS_OF_FIGURES:
        _refuse(f"'{name}' is a row of figures: list the calls behind one of them ({ROWS_OF_FIGURES[name]})")
    if not can_explain(DICTIONARY, name):
        _refuse(
            f"the calls behind '{name}' cannot be listed: choose a figure of 'callcenter metrics list' that counts calls"
        )
    if kind not in (Format.TEXT, Format.CSV, Format.JSON):
        _refuse("the calls behind a figure are listed as text, csv or json: choose one with --format")
    with _run(explained(settings.database, choices, request, name, kind, lang.value)) as page:
        if output is None:
            shutil.copyfileobj(page, sys.stdout)
            return
        try:
            with output.open("w", encoding="utf-8", newline="") as file:
                file.write(BOM if kind is Format.CSV else "")
                shutil.copyfileobj(page, file)
        except OSError as error:
            _refuse(f"{output}: cannot be written: {error.strerror}", code=1)


def _put(page: str | bytes, output: Path | None, kind: Format) -> None:
    """Write what was laid out."""
    if output is None:
        assert isinstance(page, str), "bytes go to a file"
        sys.stdout.write(page)
        return
    if isinstance(page, str):
        page = ((BOM if kind is Format.CSV else "") + page).encode()
    try:
        output.write_bytes(page)
    except OSError as error:
        _refuse(f"{output}: cannot be written: {error.strerror}", code=1)


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
    except NoRoom as error:
        _refuse(str(error), code=1)
    except (StorageError, UnknownName) as error:
        _refuse(str(error))


def _plan(settings: Settings, *, needs_zone: bool) -> PlanFile | None:
    """The plan; one that cannot be read is an error: a silent zone is a wrong day. With --zone the report goes without it."""
    try:
        return plan_at(settings.plan)
    except PlanError as error:
        if needs_zone:
            _refuse(f"{error}\n(give --zone to report without the plan)")
        Console(file=sys.stderr).print(f"without the plan: {error}", highlight=False, markup=False, soft_wrap=True)
        return None


def _settings() -> Settings:
    try:
        return load_settings()
    except SettingsError as error:
        _refuse(str(error))


def _refuse(message: str, code: int = 2) -> NoReturn:
    Console(file=sys.stderr).print(message, highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(code)

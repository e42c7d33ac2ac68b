"""`callcenter import FILE.csv`: calls of a former system, so that years compare.

Works without a plan and while the service runs. Exit codes: 0 all rows are in the ledger; 1 the database or a disk failed
(run it again: what is stored is found unchanged); 2 wrong use, file or settings; 3 some rows are bad, the rest is loaded.
"""

import asyncio
import gc
import sys
import time
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from callcenter.days import DEFAULT_ZONE, zone_named
from callcenter.imports.bad_rows import BadRows
from callcenter.imports.csv_file import CsvFile
from callcenter.imports.errors import FileRefused
from callcenter.imports.former_call import RowReader
from callcenter.imports.load import Load, Result
from callcenter.storage.database import open_engine
from callcenter.storage.errors import LedgerAway, StorageError
from callcenter.storage.migrate import make_ready
from callcenter.storage.state_dir import StateDir
from config.errors import SettingsError
from config.settings import Settings, load_settings

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_PARTLY = 3
LONGEST_SOURCE = 100
RARELY = 200_000
"""Objects that come to be between two searches for cycles: those of some chunks of rows."""
COMMAND_S = 300.0
"""Longest that one statement on PostgreSQL may take."""


def import_calls(
    file: Annotated[Path, typer.Argument(help="CSV file of calls; its first line names the columns.")],
    source: Annotated[str, typer.Option(help="Name of the former system: with call_id it is a call's key.")] = "import",
    zone: Annotated[
        str | None, typer.Option(help="Time zone of instants that name none, e.g. Asia/Shanghai; without: bad rows.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="The file's encoding, e.g. gb18030; without: UTF-8, or what its bytes say.")
    ] = None,
    bad: Annotated[Path | None, typer.Option(help="File of bad rows; without: FILE.bad.csv beside FILE.")] = None,
) -> None:
    """Load calls of a former system into the ledger; every figure counts them like our own.

    Columns: call_id,direction,arrived_at,queued_at,answered_at,ended_at,talk_s,outcome,line,agent and, if known, caller.
    direction is inbound or outbound; instants are ISO 8601 with zone; what does not apply is empty; outcome is a word of
    the dictionary (agent_answered, abandoned_queue, rejected(busy), ...) or empty: then it follows from the instants.
    Loading a file again changes nothing; a call with other content than before is corrected, and the ledger's notes say so.
    Bad rows go to a file with line and reason, to be corrected and imported in turn.

    \b
    Example:
        callcenter import calls-2020.csv --source former
        callcenter import export.csv --source former --encoding gb18030 --zone Asia/Shanghai
        callcenter import calls-2020.csv.bad.csv --source former      (when its rows are corrected)
    Exit codes: 0 done, 1 failed (run it again), 2 wrong use or file, 3 loaded in part.
    """
    bad_path = bad or file.parent / f"{file.name}.bad.csv"
    if file.exists() and bad_path.exists() and file.samefile(bad_path):
        _refuse("--bad names the file itself: bad rows need a file of their own")
    if not (source.strip() and source.isprintable() and len(source) <= LONGEST_SOURCE):
        _refuse(f"--source must be a name of at most {LONGEST_SOURCE} printable characters")
    try:
        tz = None if zone is None else zone_named(zone)
        days_of = tz or zone_named(DEFAULT_ZONE)
        settings = load_settings()
        opened = CsvFile(file, encoding)
        if opened.is_guessed:
            _say(f"{file} is not UTF-8: read as {opened.encoding} (--encoding says otherwise)")
        result, bad_rows = asyncio.run(_import(settings, opened, source, tz, bad_path))
    except LedgerAway as error:
        _refuse(f"the ledger's database cannot be used: {error}\n(run it again: what is stored stays)", EXIT_FAILED)
    except (FileRefused, SettingsError, StorageError) as error:
        _refuse(str(error))
    except OSError as error:
        _refuse(f"{error.filename or file}: {error.strerror}\n(run it again: what is stored stays)", EXIT_FAILED)
    _tell(result, opened, source, days_of)
    if result.bad:
        _say(f"{result.bad} bad rows: see {bad_rows.path}, correct it and import it in turn")
        raise typer.Exit(EXIT_PARTLY)


async def _import(
    settings: Settings, file: CsvFile, source: str, zone: tzinfo | None, bad_path: Path
) -> tuple[Result, BadRows]:
    if settings.database_url is None:
        StateDir(settings.state_dir)
    engine = open_engine(settings.database, command_s=COMMAND_S)
    gc.freeze()
    gc.set_threshold(
        RARELY
    )  # rows are in no cycles: to look for some among them every few hundred costs a tenth of the time
    try:
        await make_ready(engine)
        reader = RowReader(file.header, file.columns, zone, now_ms=time.time_ns() // 1_000_000)
        with BadRows(bad_path, file) as bad, _Bars() as bars:
            return await Load(engine, file, reader, bad, bars, source).run(), bad
    finally:
        await engine.dispose()


class _Bars:
    """The progress bar, on standard error, in kilobytes of the file."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = RichProgress(*columns, console=Console(file=sys.stderr))
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "_Bars":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def stored(self, byte: int, of: int) -> None:
        """As `Progress.stored`."""
        self._show("loading, kB", byte, of)

    def looked(self, byte: int, of: int) -> None:
        """As `Progress.looked`."""
        self._show("comparing, kB", byte, of)

    def rolling_up(self) -> None:
        """As `Progress.rolling_up`: how long it takes is not known."""
        self._progress.add_task("adding up days", total=None)

    def _show(self, what: str, byte: int, of: int) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=of // 1000)
        self._progress.update(self._tasks[what], completed=byte // 1000)


def _tell(result: Result, file: CsvFile, source: str, zone: tzinfo) -> None:
    counts = {
        "new": result.new,
        "unchanged": result.unchanged,
        "corrected": result.corrected,
        "repeated in the file": result.repeated,
        "bad": result.bad,
    }
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "it has a header only"
    typer.echo(f"{file.path.name} as source '{source}': {result.rows} rows: {said}")
    if result.first_ms is not None and result.last_ms is not None:
        first, last = (datetime.fromtimestamp(ms / 1000, zone).date() for ms in (result.first_ms, result.last_ms))
        typer.echo(f"arrived from {first} to {last} ({zone})")
    if result.rows and not file.is_ended:
        _say("the last line has no line end: if the file was cut, that row's last field may be short")


def _say(message: str) -> None:
    Console(file=sys.stderr).print(message, highlight=False, markup=False, soft_wrap=True)


def _refuse(message: str, code: int = EXIT_USAGE) -> NoReturn:
    _say(message)
    raise typer.Exit(code)

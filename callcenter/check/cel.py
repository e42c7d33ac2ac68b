"""Check of the second witness: how old is the newest row of CEL, wherever Asterisk writes it.

Theory: a row arrives with every call, so its age only says something beside the ledger: a call that ended after the newest
row means that rows are lost. Without any call, the test code *10 makes a row.
"""

import csv
import os
import sqlite3
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from callcenter.asterisk.errors import AmiError
from callcenter.check.finding import Finding, Scene, State, beside
from callcenter.storage.database import open_engine, reaching
from callcenter.storage.errors import StorageError
from config.settings import Settings

TAIL_BYTES = 64 * 1024
OLD_S = 24 * 3600.0
LATE_S = 60.0
"""A ledger's call that ended so much later than the newest row: rows are lost."""
_DIAL = "dial *10 from any phone, then check again"
_WHY = f"{_DIAL}; no row then: enable=yes in cel.conf, the folder cel-custom below astlogdir, cel_custom and res_cdrel_custom"
_NEWEST = "SELECT max(eventtime) FROM cel"


class _NoCel(Exception):
    """CEL cannot be read; the message says why."""


async def check_cel(scene: Scene) -> Finding:
    """How old the newest row is, and whether the ledger knows a later call."""
    if scene.settings.cel is None:
        do = "set CALLCENTER_CEL to the file or database URL that Asterisk writes CEL to"
        return Finding("cel", State.SKIPPED, "not checked: CALLCENTER_CEL is not set", do)
    source = scene.settings.cel.get_secret_value()
    try:
        newest_s = await _newest(source)
    except _NoCel as error:
        return Finding("cel", State.FAIL, str(error), _WHY)
    if newest_s is None:
        return Finding("cel", State.FAIL, "there is no row yet", _WHY)
    age_s = await _now(scene) - newest_s
    says = f"newest row is {_span(age_s)} old"
    last_s = await _last_call(scene.settings)
    if last_s is not None and last_s > newest_s + LATE_S:
        return Finding("cel", State.FAIL, f"{says}, but a call ended {_span(last_s - newest_s)} after it", _WHY)
    if age_s > OLD_S:
        return Finding("cel", State.WARN, says, _DIAL)
    return Finding("cel", State.OK, says)


async def _now(scene: Scene) -> float:
    """Now on the PBX's clock where it can be asked, else on ours."""
    if scene.actions is not None:
        try:
            at_us = (await scene.actions.send({"Action": "Ping"})).message.at_us
        except AmiError:
            at_us = None
        if at_us is not None:
            return at_us / 1e6
    return time.time()


async def _newest(source: str) -> float | None:
    scheme, separator, rest = source.partition("://")
    if not separator:
        return await beside(lambda: _newest_of_file(Path(source)))
    if scheme.startswith("sqlite"):
        return await beside(lambda: _newest_of_file(Path(rest.removeprefix("/"))))
    engine = open_engine(f"postgresql+asyncpg://{rest}")
    try:
        async with reaching(3.0), engine.connect() as connection:
            return _instant((await connection.execute(text(_NEWEST))).scalar())
    except StorageError as error:
        raise _NoCel(f"its database does not answer: {error}") from error
    finally:
        await engine.dispose()


def _newest_of_file(path: Path) -> float | None:
    try:
        with path.open("rb") as file:
            if file.read(16).startswith(b"SQLite format 3"):
                return _newest_of_sqlite(path)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL_BYTES))
            tail = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _NoCel(f"{path} cannot be read: {error.strerror}") from error
    lines = tail.decode("utf-8", "replace").splitlines()
    rows = list(csv.reader(lines if size <= TAIL_BYTES else lines[1:]))
    times = [instant for row in rows if len(row) > 1 and (instant := _instant(row[1])) is not None]
    if rows and not times:
        raise _NoCel(f"{path} has rows, but no instant as its second column: leave dateformat in cel.conf unset")
    return max(times, default=None)


def _newest_of_sqlite(path: Path) -> float | None:
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=2.0)) as connection:
            return _instant(connection.execute(_NEWEST).fetchone()[0])
    except sqlite3.Error as error:
        raise _NoCel(f"{path}: {error}") from error


def _instant(value: Any) -> float | None:
    """Seconds since the epoch of `1795483573.487387` or of a database's timestamp."""
    if isinstance(value, datetime):
        return value.timestamp()
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


async def _last_call(settings: Settings) -> float | None:
    """When the newest call of the ledger ended, seconds; None when it has none or cannot be asked."""
    if settings.database_url is None and not (settings.state_dir / "ledger.sqlite3").exists():
        return None
    engine = open_engine(settings.database)
    try:
        async with reaching(3.0), engine.connect() as connection:
            newest_ms = (await connection.execute(text("SELECT max(ended_ms) FROM calls"))).scalar()
    except StorageError:
        return None
    finally:
        await engine.dispose()
    return None if newest_ms is None else newest_ms / 1000


def _span(seconds: float) -> str:
    for unit, length_s in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return f"{max(seconds, 0.0):.0f} s"

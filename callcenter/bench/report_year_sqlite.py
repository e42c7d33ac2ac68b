"""`report_year_sqlite`: the whole report of a year on SQLite; see `callcenter.bench.reported`."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from callcenter.bench.report_data import THIN, fill
from callcenter.bench.reported import measure
from callcenter.storage.database import open_engine
from callcenter.storage.migrate import upgrade


async def _run() -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="cc-report-") as folder:
        engine = open_engine(f"sqlite+aiosqlite:///{Path(folder) / 'ledger.sqlite3'}")
        try:
            await upgrade(engine)
            await fill(engine, years=1, copies=THIN)
            return await measure("report_year_sqlite", engine, years=1)
        finally:
            await engine.dispose()


def run() -> dict[str, Any]:
    """Measure a year of the published size."""
    return asyncio.run(_run())

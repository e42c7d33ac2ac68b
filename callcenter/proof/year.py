"""The published year in full: 537,427 drawn calls of 2020 print what was published, through the ledger and the report.

The long form of the test that draws a tenth of them. Prints one JSON object: `calls`, `rows` (as printed), `published` (true: they
are equal), `seconds`.
"""

import asyncio
import json
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from callcenter.days import DEFAULT_ZONE, zone_named
from callcenter.report.build import Request
from callcenter.report.period import Period
from callcenter.report.run import document_of
from callcenter.sample.load import load
from callcenter.sample.sums import YEAR_2020
from callcenter.sample.year import year_of
from callcenter.storage.database import open_engine
from callcenter.storage.migrate import upgrade
from metrics.choices import DEFAULT
from metrics.document import printed_rows

PUBLISHED = (
    ("接听", "198684", "71.6%", "40", "311", "5443"),
    ("呼出", "259935", "—", "—", "122", "5933"),
    ("合计", "458619", "—", "—", "204", "5933"),
)


def main() -> int:
    """Load the year, print it, compare; 0 when it is the published one."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cc-year-") as folder:
        calls, rows = asyncio.run(_printed(f"sqlite+aiosqlite:///{Path(folder) / 'ledger.sqlite3'}"))
    is_published = rows == PUBLISHED
    seconds = round(time.monotonic() - began, 1)
    said = {"name": "year", "calls": calls, "rows": rows, "published": is_published, "seconds": seconds}
    sys.stdout.write(json.dumps(said, ensure_ascii=False) + "\n")
    return 0 if is_published else 1


async def _printed(database: str) -> tuple[int, tuple[tuple[str, ...], ...]]:
    engine = open_engine(database)
    await upgrade(engine)
    calls = await load(engine, year_of(YEAR_2020), parts=False)
    await engine.dispose()
    period = Period(date(2020, 1, 1), date(2021, 1, 1), zone_named(DEFAULT_ZONE))
    document = await document_of(database, DEFAULT, Request(period, int(time.time() * 1000), public_only=True))
    return calls, printed_rows(document.sections[0], "zh")

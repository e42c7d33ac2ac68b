"""The published year in full, on both databases: 568,434 drawn calls of 2020 print what was published, by the command that users type.

The long form of the tests that draw the year on PostgreSQL and a tenth of it on SQLite. Prints one JSON object: `calls`, `rows` (as
printed, by database), `published` (true: both are equal to it), `seconds`.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from callcenter.lab.postgres import Postgres
from callcenter.sample.load import load
from callcenter.sample.sums import YEAR_2020
from callcenter.sample.year import year_of
from callcenter.storage.database import open_engine
from callcenter.storage.migrate import upgrade

PUBLISHED = (
    ("inbound", 198684, "71.6%", 40, 311, 5443),
    ("outbound", 259935, None, None, 122, 5933),
    ("total", 458619, None, None, 204, 5933),
)
"""The call-service table: calls, connect rate, average wait, average and longest talk; None: printed as a dash."""
COLUMNS = ("call_volume", "connect_rate", "avg_wait_s", "avg_talk_s", "max_talk_s")
REPORT = (sys.executable, "-m", "callcenter", "report", "--year", "2020", "--public", "--format", "json")

Rows = tuple[tuple[object, ...], ...]


def main() -> int:
    """Load the year, print it, compare; 0 when it is the published one on both databases."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cc-year-") as folder:
        calls, of_sqlite = asyncio.run(_printed(f"sqlite+aiosqlite:///{Path(folder) / 'ledger.sqlite3'}"))
        of_postgresql = asyncio.run(_on_postgresql())
    rows = {"sqlite": of_sqlite, "postgresql": of_postgresql}
    is_published = all(found == PUBLISHED for found in rows.values())
    seconds = round(time.monotonic() - began, 1)
    said = {"name": "year", "calls": calls, "rows": rows, "published": is_published, "seconds": seconds}
    sys.stdout.write(json.dumps(said, ensure_ascii=False) + "\n")
    return 0 if is_published else 1


async def _on_postgresql() -> Rows:
    server = Postgres()
    await server.start()
    try:
        return (await _printed(server.url().replace("postgresql://", "postgresql+asyncpg://")))[1]
    finally:
        await server.stop()


async def _printed(database: str) -> tuple[int, Rows]:
    """Return how many calls there are, and the call-service table."""
    engine = open_engine(database)
    await upgrade(engine)
    calls = await load(engine, year_of(YEAR_2020), parts=False)
    await engine.dispose()
    return calls, await asyncio.to_thread(_report, database)


def _report(database: str) -> Rows:
    """Run the command as somebody does who has no plan."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("CALLCENTER_")}
    with tempfile.TemporaryDirectory(prefix="cc-report-") as folder:
        environment = ours | {"CALLCENTER_DATABASE_URL": database}
        done = subprocess.run(REPORT, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    table = json.loads(done.stdout)["call_service"]
    return tuple((key, *(table[key][column] for column in COLUMNS)) for key, *_ in PUBLISHED)

"""`import`: ten million calls of a former system from a CSV file into PostgreSQL, by `callcenter import` as an operator types it,
roll-ups included.

In the same run and on the same server, the plainest way to bring such rows in at all: COPY into an unlogged staging table, then
INSERT ... ON CONFLICT DO UPDATE into a table with the columns, key and indexes of `calls`, without checks or roll-ups, from
a file that holds the finished rows. `ratio` is our speed by its speed. Right means: every row is stored, the dictionary's
totals are those that the file was made with, counted and rolled up, and a part of the file imported again changes nothing.
"""

import asyncio
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime, timedelta, timezone
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg

from callcenter.bench.errors import BenchWrong
from callcenter.lab.postgres import Postgres
from callcenter.storage.database import open_engine
from callcenter.storage.migrate import upgrade
from callcenter.storage.rolled_figures import reading
from callcenter.storage.tables import calls
from metrics.lengths import DAY_MS

ROWS = 10_000_000
AGAIN = 100_000
"""Rows imported a second time."""
YEAR = datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=8)))
DAYS = 366
LONG_S = 3600.0
HEADER = "call_id,direction,arrived_at,queued_at,answered_at,ended_at,talk_s,outcome,line,agent,caller\n"


def write_calls(path: Path, rows: int) -> dict[str, int]:
    """Write so many calls of one year, in order of arrival as systems export them; return the totals that a report must show."""
    draw = random.Random(rows)
    sums: Counter[str] = Counter()
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        for number in range(rows):
            kind, wait, talk = draw.random(), draw.randrange(5, 90), draw.randrange(10, 900)
            arrived = YEAR + timedelta(seconds=number * DAYS * 86_400 // rows)
            at = [(arrived + timedelta(seconds=seconds)).isoformat() for seconds in (0, 4, wait, wait + talk)]
            who = f"热线{number % 20},{1000 + number % 300},139{number * 7919 % 3_000_000:08d}"
            if kind < 0.5:
                file.write(f"f-{number},outbound,{at[0]},,{at[2]},{at[3]},{talk},,{who}\n")
                sums.update(outbound_answered=1, talk_out_ms=talk * 1000)
            elif kind < 0.85:
                file.write(f"f-{number},inbound,{at[0]},{at[1]},{at[2]},{at[3]},{talk},,{who}\n")
                sums.update(offered=1, agent_answered=1, wait_ms=wait * 1000, talk_in_ms=talk * 1000)
            else:
                file.write(f"f-{number},inbound,{at[0]},{at[1]},,{at[2]},,abandoned_queue,{who}\n")
                sums.update(offered=1, abandoned_queue=1, wait_ms=wait * 1000)
    return dict(sums)


async def measure(rows: int) -> dict[str, Any]:
    """Import so many rows; return the figures."""
    folder = Path(tempfile.mkdtemp(prefix="cc-import-"))
    server = Postgres()
    try:
        await server.start()
        url = server.url()
        await _upgrade(url)
        path = folder / "calls.csv"
        expected = await asyncio.to_thread(write_calls, path, rows)
        ours_s, peak_mb = await asyncio.to_thread(_import, path, url, folder, f"{rows} new")
        await _compare(url, expected)
        await asyncio.to_thread(_import_again, path, url, folder, min(AGAIN, rows))
        await _compare(url, expected)
        plain_s = await _plain(url, folder / "rows", rows)
    finally:
        await server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    figures = {"rows": rows, "rows_per_s": round(rows / ours_s), "ratio": round(plain_s / ours_s, 2)}
    return {"name": "import", **figures, "peak_rss_mb": round(peak_mb, 1), "plain_rows_per_s": round(rows / plain_s)}


async def _upgrade(url: str) -> None:
    engine = open_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    await upgrade(engine)
    await engine.dispose()


def _import(path: Path, url: str, folder: Path, said: str) -> tuple[float, float]:
    """Run the command; return its seconds, start included, and the most memory it held, MB."""
    environment = os.environ | {"CALLCENTER_DATABASE_URL": url, "CALLCENTER_STATE_DIR": str(folder / "state")}
    words = [sys.executable, "-m", "callcenter", "import", str(path), "--source", "former"]
    began = time.monotonic()
    with (folder / "said").open("w+", encoding="utf-8") as out:
        process = subprocess.Popen(words, env=environment, stdout=out, stderr=subprocess.STDOUT, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read()
    if process.returncode != 0 or said not in text:
        raise BenchWrong(f"the import ended with {process.returncode} and did not say '{said}': {text[-500:]}")
    return seconds, usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024 * 1024)


def _import_again(path: Path, url: str, folder: Path, rows: int) -> None:
    part = folder / "again.csv"
    with path.open(encoding="utf-8") as source, part.open("w", encoding="utf-8") as target:
        target.writelines(islice(source, rows + 1))
    _import(part, url, folder, f"{rows} unchanged")


async def _compare(url: str, expected: dict[str, int]) -> None:
    engine = open_engine(url.replace("postgresql://", "postgresql+asyncpg://"), command_s=LONG_S)
    from_ms = int(YEAR.timestamp()) * 1000
    to_ms = from_ms + DAYS * DAY_MS
    for what, from_rows in (("rows", True), ("roll-ups", False)):
        async with reading(engine, from_rows=from_rows, within_s=LONG_S) as figures:
            found = (await figures.totals((from_ms, to_ms), expected))[from_ms, ""]
        if found != expected:
            raise BenchWrong(f"the ledger's {what} come to {found}, the file was made with {expected}")
    await engine.dispose()


async def _plain(url: str, path: Path, rows: int) -> float:
    """Bring the finished rows into a bare twin of `calls`; return the seconds."""
    connection = await asyncpg.connect(url, command_timeout=LONG_S)
    await connection.copy_from_table("calls", output=path, format="binary")
    await connection.execute("CREATE UNLOGGED TABLE staging (LIKE calls); CREATE TABLE twin (LIKE calls)")
    for number, made in enumerate(await connection.fetch("SELECT indexdef FROM pg_indexes WHERE tablename = 'calls'")):
        await connection.execute(
            re.sub(r"INDEX \S+ ON (\S+\.)?calls", f"INDEX twin_{number} ON twin", made["indexdef"])
        )
    keys = {column.name for column in calls.primary_key}
    rest = ", ".join(f"{column.name} = excluded.{column.name}" for column in calls.columns if column.name not in keys)
    began = time.monotonic()
    await connection.copy_to_table("staging", source=path, format="binary")
    done = await connection.execute(
        f"INSERT INTO twin SELECT * FROM staging ON CONFLICT ({', '.join(sorted(keys))}) DO UPDATE SET {rest}"
    )
    seconds = time.monotonic() - began
    await connection.close()
    if done != f"INSERT 0 {rows}":
        raise BenchWrong(f"the plain way brought in other rows: {done}")
    return seconds


def run() -> dict[str, Any]:
    """Measure the full size."""
    return asyncio.run(measure(ROWS))

"""Files of a former system's calls, and what an operator's `callcenter import` made of them, on either database."""

import asyncio
import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from callcenter.__main__ import app
from callcenter.imports.csv_file import REQUIRED
from callcenter.storage.database import open_engine
from callcenter.storage.ledger import Ledger

AT = "2020-03-01T10:{}+08:00"
FROM_MS = 1_583_028_000_000
"""2020-03-01 10:00 in Shanghai."""
FOR_EVER_MS = 2**53

Fields = Sequence[str]


def answered(call_id: str, **changes: str) -> list[str]:
    """An inbound call: queued 8 s, answered 20 s, talk 311 s."""
    told = [call_id, "inbound", *map(AT.format, ("00:00", "00:08", "00:20", "05:31")), "311", "", "general", "1001"]
    return [changes.get(name, value) for name, value in zip(REQUIRED, told, strict=True)]


def abandoned(call_id: str, **changes: str) -> list[str]:
    """An inbound call: hung up in the queue after 60 s."""
    return answered(call_id, **{"answered_at": "", "ended_at": AT.format("01:00"), "talk_s": "", "agent": ""} | changes)


def outbound(call_id: str, **changes: str) -> list[str]:
    """An outbound call: reached after 20 s, talk 122 s."""
    return answered(call_id, **{"direction": "outbound", "queued_at": "", "talk_s": "122"} | changes)


def write(path: Path, rows: Iterable[Fields], header: Fields = REQUIRED) -> Path:
    """Write a file of calls."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return path


def run(*words: str) -> Result:
    """Run a command as an operator types it."""
    return CliRunner().invoke(app, list(words))


def bad_rows(path: Path) -> list[tuple[str, str]]:
    """(Line, reason) of a file of bad rows."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [(row["bad_line"], row["bad_reason"]) for row in csv.DictReader(file)]


def ledger_rows(database_url: str) -> list[dict[str, Any]]:
    """All calls of the ledger."""
    return asyncio.run(_rows(database_url, "calls"))


def corrections(database_url: str) -> list[tuple[str, str]]:
    """(Call, what was corrected), as the ledger's notes say."""
    return [(row["uniqueid"], row["detail"]) for row in asyncio.run(_rows(database_url, "notes"))]


async def _rows(database_url: str, what: str) -> list[dict[str, Any]]:
    engine = open_engine(database_url)
    try:
        ledger = Ledger(engine)
        return await (ledger.notes() if what == "notes" else ledger.calls(-FOR_EVER_MS, FOR_EVER_MS))
    finally:
        await engine.dispose()

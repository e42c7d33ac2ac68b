"""`report_year_postgresql`: the whole report of a year on PostgreSQL; see `callcenter.bench.reported`."""

import asyncio
from typing import Any

from callcenter.bench.report_data import THIN, fill
from callcenter.bench.reported import measure
from callcenter.lab.postgres import Postgres
from callcenter.storage.database import open_engine
from callcenter.storage.migrate import upgrade

PATIENCE_S = 3600.0


async def on_postgresql(name: str, *, years: int, copies: int) -> dict[str, Any]:
    """Measure on a private PostgreSQL, which is gone afterwards."""
    server = Postgres()
    await server.start()
    engine = open_engine(server.url().replace("postgresql://", "postgresql+asyncpg://"), command_s=PATIENCE_S)
    try:
        await upgrade(engine)
        await fill(engine, years=years, copies=copies)
        return await measure(name, engine, years=years)
    finally:
        await engine.dispose()
        await server.stop()


def run() -> dict[str, Any]:
    """Measure a year of the published size."""
    return asyncio.run(on_postgresql("report_year_postgresql", years=1, copies=THIN))

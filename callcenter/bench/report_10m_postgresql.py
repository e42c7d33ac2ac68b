"""`report_10m_postgresql`: the whole report of ten million calls in six years on PostgreSQL; see `callcenter.bench.reported`."""

import asyncio
from typing import Any

from callcenter.bench.report_data import THIN
from callcenter.bench.report_year_postgresql import on_postgresql

YEARS = 6
TIMES = 3
"""As many calls a year as the published one had, so many times."""


def run() -> dict[str, Any]:
    """Measure ten million calls."""
    return asyncio.run(on_postgresql("report_10m_postgresql", years=YEARS, copies=THIN * TIMES))

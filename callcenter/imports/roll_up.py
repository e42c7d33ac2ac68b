"""Roll-ups of the calls that an import brings, computed beside it.

Theory of operation: every chunk leaves marks on its days (`storage.tables_rolled`), so no report is ever wrong. A former system's
file is mostly in order of arrival; what lies days before the present chunk is then complete, and is computed on
PostgreSQL by a second connection while the next chunks are stored. The rest is computed at the end: all of it on SQLite,
which has one writer at a time, or when the file is in no order.
"""

import asyncio

from sqlalchemy.ext.asyncio import AsyncEngine

from callcenter.storage.rollup import refresh
from metrics.lengths import DAY_MS

DAYS_AT_ONCE = 7
"""So many new days are worth the statements that compute them."""


class RollUp:
    """Beside one import: tell it each chunk by `stored`. Errors of the database come out of `stop` and `finish`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._before_ms: int | None = None
        """Days before this one were complete when the last were computed; None: no chunk yet."""
        self._task: asyncio.Task[int] | None = None
        self._is_stopping = False

    def stored(self, first_ms: int) -> None:
        """A chunk is stored whose earliest call arrived at this instant."""
        if self._engine.dialect.name != "postgresql":
            return
        before_ms = first_ms // DAY_MS * DAY_MS
        is_busy = self._task is not None and not self._task.done()
        if self._before_ms is None:
            self._before_ms = before_ms
        elif not is_busy and before_ms >= self._before_ms + DAYS_AT_ONCE * DAY_MS:
            work = refresh(self._engine, before_ms=before_ms, is_stopping=lambda: self._is_stopping)
            self._task = asyncio.create_task(work)
            self._before_ms = before_ms

    async def finish(self) -> None:
        """Compute all that is left. Raises LedgerAway."""
        await self.stop()
        await refresh(self._engine)

    async def stop(self) -> None:
        """Wait for the slice under way. Raises LedgerAway."""
        self._is_stopping = True
        if self._task is not None:
            task, self._task = self._task, None
            await task

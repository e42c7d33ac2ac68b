"""Live state: the little that must survive us besides the channels on the PBX, written through on every change.

Theory of operation: the newest `PresenceChanged` of each agent holds all that a restart needs (state, reason, since,
device, wrap-up deadline, order of readiness, misses), so one upsert per change suffices; beside it small values by name
(epoch, login lock-outs). The port is synchronous and write-through: when `put_agent` returns, `kill -9` cannot take the
change back. A twin in memory serves tests and simulation. What two services share is made of it behind the routing
(`callcenter.storage.mirror`).

The SQLite store commits into its WAL without fsync (a power cut may cost the last second; the PBX's channels and device
states correct the rest). SQLite's own checkpoint would do fsync in the middle of a call, so it is off: `checkpoint` is
meant for a thread, every minute or so.
"""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Protocol

from acd.records import PresenceChanged
from callcenter.storage.codec import decode, encode
from callcenter.storage.errors import BadRecord, StateUnusable


class LiveState(Protocol):
    """What the service needs of a store of live state."""

    def put_agent(self, change: PresenceChanged) -> None:
        """Keep an agent's newest state."""

    def agents(self) -> list[PresenceChanged]:
        """Return the newest state of every agent, by agent number."""

    def forget(self, agent: str) -> None:
        """Forget an agent (he is in the plan no longer). Unknown ones are no error."""

    def put(self, name: str, value: str) -> None:
        """Keep a small value."""

    def get(self, name: str) -> str | None:
        """Return a value, None when there is none."""

    def drop(self, name: str) -> None:
        """Forget a value. Unknown ones are no error."""

    def values(self, prefix: str) -> dict[str, str]:
        """Return all values whose name begins with `prefix`."""

    def become(self, agents: Sequence[PresenceChanged], values: Mapping[str, str], keep: Collection[str]) -> None:
        """Hold exactly these from now on, all at once, and of the small values of before only those named in `keep`."""

    def close(self) -> None:
        """Let go of the store."""


class MemoryLiveState:
    """The twin in memory: the same behaviour, gone with the process."""

    def __init__(self) -> None:
        self._agents: dict[str, PresenceChanged] = {}
        self._values: dict[str, str] = {}

    def put_agent(self, change: PresenceChanged) -> None:
        self._agents[change.agent] = change

    def agents(self) -> list[PresenceChanged]:
        return [self._agents[agent] for agent in sorted(self._agents)]

    def forget(self, agent: str) -> None:
        self._agents.pop(agent, None)

    def put(self, name: str, value: str) -> None:
        self._values[name] = value

    def get(self, name: str) -> str | None:
        return self._values.get(name)

    def drop(self, name: str) -> None:
        self._values.pop(name, None)

    def values(self, prefix: str) -> dict[str, str]:
        return {name: self._values[name] for name in sorted(self._values) if name.startswith(prefix)}

    def become(self, agents: Sequence[PresenceChanged], values: Mapping[str, str], keep: Collection[str]) -> None:
        self._agents = {one.agent: one for one in agents}
        kept = {name: value for name, value in self._values.items() if name in keep}
        self._values = {**values, **kept}

    def close(self) -> None:
        """Nothing to let go of."""


_TABLES = (
    "CREATE TABLE IF NOT EXISTS agents (agent TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS small_values (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)
_VALUES = "SELECT name, value FROM small_values WHERE substr(name, 1, ?) = ? ORDER BY name"


def values_left(path: Path, prefix: str) -> dict[str, str]:
    """Return the small values in the store of a service that has ended, by name; empty where there is none. Raises
    StateUnusable."""
    if not path.exists():
        return {}
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            return dict(db.execute(_VALUES, (len(prefix), prefix)))
    except sqlite3.Error as error:
        raise StateUnusable(path, f"no usable SQLite file ({error})") from error


class SqliteLiveState:
    """The embedded store: one SQLite file, owned by one process. Raises StateUnusable when it cannot be opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._db = sqlite3.connect(path, isolation_level=None, cached_statements=32)
        except sqlite3.Error as error:
            raise StateUnusable(path, f"no usable SQLite file ({error})") from error
        try:
            for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "wal_autocheckpoint=0", "journal_size_limit=0"):
                self._db.execute(f"PRAGMA {pragma}").close()
            for table in _TABLES:
                self._db.execute(table)
        except sqlite3.Error as error:
            self._db.close()
            raise StateUnusable(path, f"no usable SQLite file ({error})") from error

    def put_agent(self, change: PresenceChanged) -> None:
        self._db.execute(
            "INSERT INTO agents VALUES (?, ?) ON CONFLICT (agent) DO UPDATE SET record = excluded.record",
            (change.agent, encode(change)),
        )

    def agents(self) -> list[PresenceChanged]:
        found = []
        for (line,) in self._db.execute("SELECT record FROM agents ORDER BY agent"):
            try:
                record = decode(line)
            except BadRecord:
                continue  # of a version that we do not know: the agent logs in again
            if isinstance(record, PresenceChanged):
                found.append(record)
        return found

    def forget(self, agent: str) -> None:
        self._db.execute("DELETE FROM agents WHERE agent = ?", (agent,))

    def put(self, name: str, value: str) -> None:
        self._db.execute(
            "INSERT INTO small_values VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def get(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM small_values WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def drop(self, name: str) -> None:
        self._db.execute("DELETE FROM small_values WHERE name = ?", (name,))

    def values(self, prefix: str) -> dict[str, str]:
        return dict(self._db.execute(_VALUES, (len(prefix), prefix)))

    def become(self, agents: Sequence[PresenceChanged], values: Mapping[str, str], keep: Collection[str]) -> None:
        kept = {name: value for name, value in self.values("").items() if name in keep}
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.execute("DELETE FROM agents")
            self._db.execute("DELETE FROM small_values")
            self._db.executemany("INSERT INTO agents VALUES (?, ?)", [(one.agent, encode(one)) for one in agents])
            self._db.executemany("INSERT INTO small_values VALUES (?, ?)", list({**values, **kept}.items()))
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def checkpoint(self) -> None:
        """Bring the WAL into the file and to the disk. Blocks for the disk; safe in another thread (own connection)."""
        with_own = sqlite3.connect(self._path, isolation_level=None)
        try:
            with_own.execute("PRAGMA wal_checkpoint(PASSIVE)").close()
        finally:
            with_own.close()

    def close(self) -> None:
        self._db.close()

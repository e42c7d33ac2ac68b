"""What can go wrong with what is stored; each docstring says it in one sentence."""

from pathlib import Path


class StorageError(Exception):
    """Something is wrong with the state folder or the ledger."""


class StateLocked(StorageError):
    """Another process of ours uses this state folder (exit code 4)."""

    def __init__(self, folder: Path, holder: str) -> None:
        super().__init__(f"{folder} is in use by {holder or 'another process'}")
        self.folder = folder
        self.holder = holder


class StateUnusable(StorageError):
    """The state folder cannot be created or written."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"{folder}: {reason}")
        self.folder = folder


class BadRecord(StorageError):
    """A line of the outbox is not a record: it is set aside, with the reason."""

    def __init__(self, line: bytes, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


class LedgerAway(StorageError):
    """The ledger's database does not answer now; what it should hold waits in the outbox."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class SchemaOutdated(StorageError):
    """The database is not at this version's schema: run `callcenter db upgrade`."""

    def __init__(self, current: str | None, head: str) -> None:
        super().__init__(
            f"the database is at {current or 'no version'}, this program needs {head}: run `callcenter db upgrade`"
        )
        self.current = current
        self.head = head

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


class SharedStateAway(StorageError):
    """The store that leader and stand-by share does not answer, or refuses; calls go on without it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class StateUnreadable(StorageError):
    """What lies in the shared store is no state that this version can read."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the shared state is not readable: {reason}")


class StateMissing(StorageError):
    """The shared store does not hold this leader's whole state: write all of it."""


class NewerLeader(StorageError):
    """A newer leader writes the shared state: we have nothing to write there any more."""

    def __init__(self, epoch: int, instance: str) -> None:
        super().__init__(f"the shared state belongs to a newer leader, {instance} (epoch {epoch})")
        self.epoch = epoch
        self.instance = instance

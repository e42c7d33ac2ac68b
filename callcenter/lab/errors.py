"""What can go wrong with the lab's real peers; each message says what to do."""


class LabError(Exception):
    """Something about a private peer (Asterisk, softphone, database) did not work."""


class PeerUnavailableError(LabError):
    """A peer is neither on this machine nor can it be fetched: tests skip, or fail where peers are required."""


class FetchError(PeerUnavailableError):
    """apt could not fetch or unpack a peer's packages. `log` is the end of what it said."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(f"{message}\n{log}".rstrip())
        self.message = message
        self.log = log


class StartError(LabError):
    """A peer was started but did not become ready in time. `log` is the end of its log."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(f"{message}\n{log}".rstrip())
        self.log = log


class PhoneError(LabError):
    """A softphone refused a command or did not answer it in time."""

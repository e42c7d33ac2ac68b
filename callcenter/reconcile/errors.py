"""What keeps the two witnesses from being compared."""


class ReconcileError(Exception):
    """A witness cannot be heard; the message says which, why, and what to do."""

    def __init__(self, message: str, *, is_use: bool) -> None:
        super().__init__(message)
        self.is_use = is_use
        """Settings or files are wrong; else something that is there does not answer."""

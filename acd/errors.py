"""What can be wrong on the side of those who call into `acd`. The world outside never raises: it makes `Ignored` records."""


class AcdError(Exception):
    """Misuse of the engine by our own shell."""


class ClockRanBackwards(AcdError):
    """`now` was smaller than at the call before."""

    def __init__(self, before: float, now: float) -> None:
        self.before = before
        self.now = now
        super().__init__(f"the engine's clock ran backwards from {before} to {now}")


class UnknownStrategy(AcdError):
    """A line names a strategy that does not exist."""

    def __init__(self, line: str, strategy: str) -> None:
        self.line = line
        self.strategy = strategy
        super().__init__(f"line {line} names an unknown strategy {strategy!r}")


class UnknownEvent(AcdError, TypeError):
    """Something was handed to the engine that is not one of its events."""

    def __init__(self, event: object) -> None:
        self.event = event
        super().__init__(f"not an event of the engine: {event!r}")


class BadPlan(AcdError, ValueError):
    """A plan that cannot be routed by; the loader should have refused it."""

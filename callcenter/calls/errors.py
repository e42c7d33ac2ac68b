"""What can be wrong with a scenario's file, or with the wishes of whoever runs it."""


class CallsUseError(Exception):
    """A wrong wish: a kind that is not there, a number that is none. The message says what there is."""


class ScenarioError(Exception):
    """A scenario's file does not say what happens or what must come out. `where` is file and kind."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where

"""What can be wrong with the second witness."""


class WitnessError(Exception):
    """The second witness cannot be heard."""


class NoCelFile(WitnessError):
    """There is no CEL file at this path: is cel_custom loaded, and does its folder cel-custom exist?"""

    def __init__(self, path: str) -> None:
        super().__init__(f"no CEL file at {path}: is cel_custom loaded, and does the folder cel-custom exist?")
        self.path = path


class CelUnreadable(WitnessError):
    """CEL is there but cannot be read; the message says where and why, never a password."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"CEL at {where} cannot be read: {why}")
        self.where = where

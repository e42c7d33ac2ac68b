"""What the HTTP side asks of the running service: a small port, so that neither knows the other."""

from typing import Protocol

from acd.plan import Plan
from callcenter.hand import By
from callcenter.http.board import BoardPort
from config.plan import PlanFile
from metrics.exporter import Frozen


class HandPort(Protocol):
    """The supervisor's hand. Each method answers with a sentence of what was done, or raises `Refused`."""

    def agent(self, name: str, order: str, reason: str, by: By) -> str:
        """`ready`, `not-ready` or `logout`."""
        ...

    def line(self, name: str, order: str, to: str, by: By) -> str:
        """`drain`, `open` or `emergency`."""
        ...

    def move(self, call: str, to: str, by: By) -> str:
        """Bring a caller to another line or to an agent."""
        ...

    def calls(self) -> dict[str, object]:
        """Inbound calls that live (`calls`, the first few hundred; `living`, how many), those who wait longest first."""
        ...


class ServicePort(Protocol):
    """The live service as HTTP sees it. All methods are called in the service's own loop."""

    instance: str
    """Its name among others, the same after every restart: letters, digits, `.` and `-`."""

    def status(self) -> dict[str, object]:
        """Return what `callcenter status` prints, ready for JSON: keys leader, epoch, instance, links, lines, agents."""
        ...

    def ready(self) -> tuple[bool, dict[str, object]]:
        """Return whether calls are being distributed, and each condition by name (leader, links, snapshot, ledger): True,
        or what is missing (False, or a text). `stand_by` is True for a stand-by that could take over."""
        ...

    def plan(self) -> Plan:
        """Return the plan in force."""
        ...

    def plan_changes(self, new: PlanFile) -> list[str]:
        """Return in words what this plan would change."""
        ...

    async def reload_plan(self) -> list[str]:
        """Read the plan file and put it in force; return the changes in words. Raises PlanError and changes nothing."""
        ...

    @property
    def hand(self) -> "HandPort":
        """What supervisors can do while calls run."""
        ...

    @property
    def board(self) -> BoardPort:
        """What all wallboards show."""
        ...

    def freeze(self) -> Frozen:
        """Return the metrics of this instant (`Exporter.freeze`)."""
        ...

"""What the HTTP side asks of the running service: a small port, so that neither knows the other."""

from typing import Protocol

from acd.plan import Plan
from metrics.exporter import Frozen


class ServicePort(Protocol):
    """The live service as HTTP sees it. All methods are called in the service's own loop."""

    def status(self) -> dict[str, object]:
        """Return what `callcenter status` prints, ready for JSON: keys leader, epoch, instance, links, lines, agents."""
        ...

    def ready(self) -> tuple[bool, dict[str, object]]:
        """Return whether calls are being distributed, and each condition by name (leader, links, snapshot, ledger): True,
        or what is missing (False, or a text)."""
        ...

    def plan(self) -> Plan:
        """Return the plan in force."""
        ...

    async def reload_plan(self) -> list[str]:
        """Read the plan file and put it in force; return the changes in words. Raises PlanError and changes nothing."""
        ...

    def freeze(self) -> Frozen:
        """Return the metrics of this instant (`Exporter.freeze`)."""
        ...

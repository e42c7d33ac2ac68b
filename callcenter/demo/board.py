"""What the terminal view shows, read from the running service over HTTP: /status and /metrics, as any screen would."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from callcenter.lab.site import Site

_PER_LINE = {
    "callcenter_calls_offered_total": "offered",
    "callcenter_calls_answered_total": "answered",
    "callcenter_calls_abandoned_total": "abandoned",
}


@dataclass(frozen=True, slots=True)
class Counts:
    """Calls of one line that have ended."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0


@dataclass(frozen=True, slots=True)
class Board:
    """One look at the service."""

    status: Mapping[str, Any] = field(default_factory=dict)
    """/status as it came; empty before the first answer."""
    counts: Mapping[str, Counts] = field(default_factory=dict)
    """Line code -> counts."""
    offers: Mapping[str, int] = field(default_factory=dict)
    """Result -> offers that ended so."""

    @property
    def total(self) -> Counts:
        """All lines together."""
        each = self.counts.values()
        return Counts(
            sum(one.offered for one in each), sum(one.answered for one in each), sum(one.abandoned for one in each)
        )

    @property
    def waiting(self) -> int:
        """Callers who wait, ringing included."""
        return sum(line["waiting"] for line in self.status.get("lines", ()))


def read_metrics(text: str) -> tuple[dict[str, Counts], dict[str, int]]:
    """Return counts by line and offers by result from the text of /metrics."""
    lines: dict[str, dict[str, int]] = {}
    offers: dict[str, int] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if (name := _PER_LINE.get(sample.name)) is not None:
                lines.setdefault(sample.labels["line"], {})[name] = int(sample.value)
            elif sample.name == "callcenter_offers_total":
                offers[sample.labels["result"]] = int(sample.value)
    return {code: Counts(**values) for code, values in lines.items()}, offers


async def look(site: Site) -> Board:
    """Ask the service. Raises OSError when it does not answer."""
    status = await asyncio.to_thread(site.status)
    counts, offers = read_metrics(await asyncio.to_thread(site.get, "/metrics"))
    return Board(status, counts, offers)

"""What a Prometheus series is: one row of the tables in `metrics.series`."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Prometheus types that we use."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Series:
    """One metric family."""

    name: str
    """As Prometheus shows it; a histogram adds `_bucket`, `_sum`, `_count`."""
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    """Each has bounded values: what the plan names, or the words of the code."""
    ledger: str | None = None
    """SQL on the ledger (SQLite and PostgreSQL); None: says nothing that the ledger knows."""
    zh: str = ""
    """The help in Chinese."""
    unit: str = ""
    """What one of the value is: `seconds`, `ratio` (a share of 1), `0 or 1`, or the thing that is counted."""
    per: int = 1
    """A counter is kept as an integer; so many of it are one of `unit`: 1,000 where milliseconds are kept."""

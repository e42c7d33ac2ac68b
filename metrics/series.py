"""Every Prometheus series in one table: name, kind, unit, labels, what it says, and the ledger query that it must equal.

Counters and histograms of calls are fed by the same records that the ledger is made of, so after a run each equals its
query (a test holds it). A counter's query gives its labels and a number; a histogram's query gives its labels and one
observation a row, in milliseconds. Calls that do not count (`excluded`: test calls, blocked numbers) count in neither. Everything about
a call is counted when it ENDS, in one step, so that no ratio of two counters ever exceeds 1; offers, hand-overs, sound files and
agents' states are counted when each of them ends. A restart begins at zero,
as Prometheus expects; exact figures come from the ledger, counters are for trends.

The rows stand in `series_calls`, `series_report`, `series_people`, `series_service`; `python -m metrics.series_table` prints them for docs/metrics.md.
Labels have bounded values only: what the plan names (line, skill, topic, reason) or words of the code; never a number, never a name.
"""

from collections.abc import Mapping

from metrics.series_calls import OF_CALLS
from metrics.series_people import OF_PEOPLE
from metrics.series_report import OF_REPORT
from metrics.series_service import OF_SERVICE
from metrics.series_shape import Kind, Series

__all__ = ["BOUNDS", "SERIES", "Kind", "Series"]

WAIT_BOUNDS_MS = (5_000, 10_000, 15_000, 20_000, 30_000, 45_000, 60_000, 90_000, 120_000, 180_000, 300_000, 600_000)
TALK_BOUNDS_MS = (15_000, 20_000, 30_000, 60_000, 120_000, 180_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000)
OUTBOUND_BOUNDS_MS = (30_000, 60_000, 120_000, 300_000, 900_000)
ERROR_BOUNDS_MS = (1_000, 2_000, 5_000, 10_000, 15_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000)
SHORT_BOUNDS_US = (50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 1_000_000)

SERIES: Mapping[str, Series] = {series.name: series for series in (*OF_CALLS, *OF_REPORT, *OF_PEOPLE, *OF_SERVICE)}

BOUNDS: Mapping[str, tuple[tuple[int, ...], int]] = {
    "callcenter_wait_seconds": (WAIT_BOUNDS_MS, 1_000),
    "callcenter_talk_seconds": (TALK_BOUNDS_MS, 1_000),
    "callcenter_outbound_talk_seconds": (OUTBOUND_BOUNDS_MS, 1_000),
    "callcenter_estimated_wait_error_seconds": (ERROR_BOUNDS_MS, 1_000),
    "callcenter_decision_seconds": (SHORT_BOUNDS_US, 1_000_000),
    "callcenter_wish_seconds": (SHORT_BOUNDS_US, 1_000_000),
}
"""Upper bounds of the buckets as integers, and how many of that unit make a second: 15,000 ms are in `le=15`."""

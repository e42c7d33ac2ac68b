"""One decision with 1,000 agents and 1,000 waiting calls: event in, `Step` out. Garbage collection stays on."""

from typing import Any

from callcenter.bench.floors import Floor, percentile

DECISIONS = 5_000


def run() -> dict[str, Any]:
    """Return p50 in microseconds and p99 in milliseconds."""
    floor = Floor(1_000, 1_000)
    for _ in range(200):
        floor.decide()
    taken = [floor.decide() for _ in range(DECISIONS)]
    return {
        "name": "decision",
        "decisions": DECISIONS,
        "p50_us": round(percentile(taken, 0.5) / 1e3, 1),
        "p99_ms": round(percentile(taken, 0.99) / 1e6, 3),
    }

"""What a decision costs with a hundred times the agents and the waiting calls. Garbage collection stays on."""

from typing import Any

from callcenter.bench.floors import Floor, percentile

DECISIONS = 2_000


def run() -> dict[str, Any]:
    """Return the medians of both sizes in microseconds, and their ratio."""
    small, large = _median_us(300, 1_000), _median_us(30_000, 100_000)
    return {
        "name": "decision_growth",
        "ratio": round(large / small, 2),
        "small_p50_us": round(small, 1),
        "large_p50_us": round(large, 1),
    }


def _median_us(agents: int, waiting: int) -> float:
    floor = Floor(agents, waiting)
    for _ in range(200):
        floor.decide()
    return percentile([floor.decide() for _ in range(DECISIONS)], 0.5) / 1e3

"""A past for Prometheus: every series of the table with made-up values, as OpenMetrics text that promtool makes blocks of.

Two runs (`seed`) differ in every value that can differ. Label values are bounded: what the table's labels can hold, a few each.
The values are drawn, not made of calls: they show that a query finds its series and labels and computes something of them, not
that its figure is right. That the series equal the ledger is shown where the ledger is (tests/contract).
"""

import itertools
import random
from collections.abc import Iterator, Sequence

from acd.names import HandOverResult, LineState, OfferResult, Outcome, RecordingStatus
from acd.plan import ALL_LINES
from agents.presence import Presence
from metrics.floor import SPECIALIST_STATES
from metrics.report_windows import Window
from metrics.series import BOUNDS, SERIES, Kind, Series

LINES = ("general", "enterprise")
STEP_S = 60
TARGET = {"job": "callcenter", "instance": "callcenter-a:8345"}
_RESULTS = {
    "callcenter_wait_seconds": ("answered", "unanswered"),
    "callcenter_offers_total": tuple(OfferResult),
    "callcenter_handovers_total": tuple(HandOverResult),
}
_STATES = {"callcenter_line_state": tuple(LineState), "callcenter_specialists": SPECIALIST_STATES}
_VALUES: dict[str, Sequence[str]] = {
    "line": LINES,
    "direction": ("inbound", "outbound"),
    "window": tuple(Window),
    "presence": tuple(Presence),
    "outcome": (*Outcome, "unknown"),
    "status": tuple(RecordingStatus),
    "skill": ("general", "policy.tax"),
    "topic": ("11", "12"),
    "pbx": ("office",),
    "session": ("actions", "events"),
    "what": ("unknown_number", "clock_step"),
}

Labels = dict[str, str]


def past(seed: int, part: int, instants: Sequence[int]) -> str:
    """Return all series at these instants (Unix seconds, ascending, STEP_S apart) as one OpenMetrics text. Its values are those of
    seed and part, whenever that is."""
    draw = random.Random(f"{seed} {part}")
    lines: list[str] = []
    for series in SERIES.values():
        for labels in _labels(series, seed):
            lines += _samples(series, TARGET | labels, instants, draw, seed)
    for name, lowest, step in (
        ("process_resident_memory_bytes", 90e6, 1e6),
        ("process_cpu_seconds_total", 0, 12),
        ("process_open_fds", 40, 1),
    ):
        value = lowest
        for at in instants:
            value += draw.uniform(0.1, 1) * step
            lines.append(_line(name, TARGET, value, at))
    return "\n".join((*lines, "# EOF", ""))


def _labels(series: Series, seed: int) -> Iterator[Labels]:
    values = []
    for label in series.labels:
        match label:
            case "result":
                values.append(_RESULTS[series.name])
            case "state":
                values.append(_STATES[series.name])
            case "reason":
                values.append(("break", "other") if series.name.endswith("agents_not_ready") else ("late", "twice"))
            case "version" | "plan":
                values.append((f"{label}-{seed}",))
            case "line" if "window" in series.labels:
                values.append((*LINES, ALL_LINES))
            case _:
                values.append(tuple(_VALUES[label]))
    for one in itertools.product(*values):
        yield dict(zip(series.labels, map(str, one), strict=True))


def _samples(series: Series, labels: Labels, instants: Sequence[int], draw: random.Random, seed: int) -> Iterator[str]:
    match series.kind:
        case Kind.INFO:
            yield from (_line(f"{series.name}_info", labels, 1, at) for at in instants)
        case Kind.GAUGE:
            level = draw.uniform(0.2, 0.8)
            for at in instants:
                level = min(max(level + draw.uniform(-0.05, 0.05), 0.05), 0.95)
                yield _line(series.name, labels, _gauge(series.unit, level, seed), at)
        case Kind.COUNTER:
            total, pace = draw.randrange(1_000), draw.randrange(2, 30)
            for at in instants:
                total += draw.randrange(1, pace + 1)
                yield _line(series.name, labels, total, at)
        case Kind.HISTOGRAM:
            yield from _histogram(series.name, labels, instants, draw)


def _gauge(unit: str, level: float, seed: int) -> float:
    """A 0-or-1 series is the one thing in one run and the other in the other."""
    if unit == "0 or 1":
        return seed % 2
    return level if unit == "ratio" else round(level * 100)


def _histogram(name: str, labels: Labels, instants: Sequence[int], draw: random.Random) -> Iterator[str]:
    bounds, per_second = BOUNDS[name]
    edges = [*(str(bound / per_second) for bound in bounds), "+Inf"]
    weights = [*(draw.uniform(0.1, 1) for _ in bounds), 0]
    counts, total = [0] * len(edges), 0.0
    told: dict[str, list[str]] = {edge: [] for edge in edges}
    rest: list[str] = []
    for at in instants:
        for place in draw.choices(range(len(edges)), weights, k=10):
            counts[place] += 1
            total += bounds[min(place, len(bounds) - 1)] / per_second
        for edge, count in zip(edges, itertools.accumulate(counts), strict=True):
            told[edge].append(_line(f"{name}_bucket", {**labels, "le": edge}, count, at))
        rest += [_line(f"{name}_sum", labels, total, at), _line(f"{name}_count", labels, sum(counts), at)]
    yield from (*itertools.chain(*told.values()), *rest)


def _line(name: str, labels: Labels, value: float, at: int) -> str:
    inside = ",".join(f'{label}="{text}"' for label, text in labels.items())
    return f"{name}{{{inside}}} {value} {at}"

"""Some hours of a busy day as Prometheus saw them: made-up calls, the real exporter, its exposition every fifteen seconds.

Theory of operation: calls are drawn from a seed for three lines of very different size. Their records are told to an exporter
in order of time; at each scrape's instant its text is taken as a scrape would get it, and the samples that the recording rules
ask for are kept with that instant, as OpenMetrics text that promtool makes blocks of. In the middle the service is killed and
started again: a new exporter begins at zero, it is told again what the calls that live have behind them (so does recovery), and
of the calls that ended while nobody was there (so does CEL). What ended between the last scrape and the kill is in no sample.

The same calls are counted without records, exporter or Prometheus by `recorded_rules.Counted`.
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from acd.names import EndedBy, Outcome
from acd.records import CallOpened, Record
from callcenter.sample.told import told
from callcenter.sample.year import SampleCall
from metrics.exporter import Exporter
from metrics.exposition import render
from metrics.floor import Floor

START_S = 1_767_571_200
"""A scrape's instant: 2026-01-05, 08:00 in Asia/Shanghai."""
SCRAPE_S = 15
HOURS = 4
END_S = START_S + HOURS * 3600
KILLED_S, STARTED_S = START_S + 2 * 3600 + 8, START_S + 2 * 3600 + 41
"""Between them nobody answers a scrape."""
PACES = {"quiet": (240.0, 900.0), "steady": (60.0, 120.0), "busy": (1.0, 4.0)}
"""Line -> one call in so many seconds: inbound, outbound."""
TARGET = 'job="callcenter",instance="callcenter-a:8345"'
_ENDS = ((Outcome.AGENT_ANSWERED, 80), (Outcome.ABANDONED_QUEUE, 12), (Outcome.ABANDONED_IVR, 3), (Outcome.REJECTED, 5))


def calls_of(seed: int) -> list[SampleCall]:
    """Return the calls that arrive in these hours."""
    draw = random.Random(seed)
    found: list[SampleCall] = []
    for line, (inbound_s, outbound_s) in PACES.items():
        for direction, mean_s in (("inbound", inbound_s), ("outbound", outbound_s)):
            at_s = START_S + draw.expovariate(1 / mean_s)
            while at_s < END_S:
                found.append(_call(draw, f"{line}-{direction}-{len(found)}", line, direction, round(at_s * 1000)))
                at_s += draw.expovariate(1 / mean_s)
    return found


def _call(draw: random.Random, name: str, line: str, direction: str, arrived: int) -> SampleCall:
    is_inbound = direction == "inbound"
    outcome = draw.choices([one for one, _ in _ENDS], [weight for _, weight in _ENDS])[0] if is_inbound else None
    is_answered = outcome is Outcome.AGENT_ANSWERED if is_inbound else draw.random() < 0.7
    reason = "full" if outcome is Outcome.REJECTED else ""
    waited = arrived + 1 + round(draw.expovariate(1 / 20) * 1000)
    talk_ms = 1 + round(draw.expovariate(1 / 150) * 1000) if is_answered else 0
    return SampleCall(
        name,
        direction,
        line,
        "13900000000",
        arrived,
        waited + talk_ms,
        EndedBy.CALLER,
        queued_ms=arrived if is_inbound and outcome is not Outcome.ABANDONED_IVR else None,
        agent="1001" if is_answered or not is_inbound else None,
        answered_ms=waited if is_answered else None,
        talk_ms=talk_ms,
        outcome=outcome,
        reason=reason,
    )


def is_lost(call: SampleCall) -> bool:
    """Whether the call ended after the last scrape of the first service and before its end: no sample has it."""
    return KILLED_S // SCRAPE_S * SCRAPE_S * 1000 < call.ended_ms < KILLED_S * 1000


def scrapes() -> list[int]:
    """Return the instants at which the service answered, seconds."""
    return [at for at in range(START_S, END_S + 1, SCRAPE_S) if not KILLED_S <= at < STARTED_S]


def exposed(calls: Sequence[SampleCall], names: set[str]) -> str:
    """Return the samples with these names of all scrapes as one OpenMetrics text, series by series."""
    found: dict[str, list[str]] = defaultdict(list)
    for at, text in _texts(calls):
        for sample in text.splitlines():
            key, _, value = sample.rpartition(" ")
            if key.partition("{")[0] in names:
                found[key].append(f"{key.replace('{', f'{{{TARGET},')} {value} {at}")
    assert {key.partition("{")[0] for key in found} == names
    by_family = sorted(found, key=lambda key: re.sub(r"_(total|sum|count|bucket)\{.*", "", key))
    return "\n".join((*(line for key in by_family for line in found[key]), "# EOF", ""))


def _texts(calls: Sequence[SampleCall]) -> Iterator[tuple[int, str]]:
    """Return (instant, what a scrape gets then)."""
    floor = Floor(waiting=dict.fromkeys(PACES, 0))
    first, second = Exporter(lambda: floor), Exporter(lambda: floor)
    before: list[Record] = []
    after: list[Record] = []
    for call in calls:
        records = [*told(call)]
        if call.arrived_ms < KILLED_S * 1000:
            before += [record for record in records if record.at_ms < KILLED_S * 1000]
            records = [replace(one, found=True) if isinstance(one, CallOpened) else one for one in records]
        if call.ended_ms >= KILLED_S * 1000:
            after += records
    for exporter, records, instants in (
        (first, before, [at for at in scrapes() if at < KILLED_S]),
        (second, after, [at for at in scrapes() if at >= STARTED_S]),
    ):
        records.sort(key=lambda record: record.at_ms)
        yield from _fed(exporter, records, instants)


def _fed(exporter: Exporter, records: Sequence[Record], instants: Sequence[int]) -> Iterator[tuple[int, str]]:
    source = iter(records)
    record = next(source, None)
    for at in instants:
        while record is not None and record.at_ms <= at * 1000:
            exporter.observe([record])
            record = next(source, None)
        yield at, render(exporter.freeze()).decode()

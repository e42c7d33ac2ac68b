"""From frozen values to the text that Prometheus reads. Runs in any thread: nothing here can change any more."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from acd.names import OfferResult, Outcome
from agents.presence import Presence
from metrics.exporter import Buckets, Floor, Frozen, Labels
from metrics.series import BOUNDS, SERIES, Kind


def render(frozen: Frozen, also: Collector | None = None) -> bytes:
    """Return the text exposition. `also`: another source to append (the process's own figures)."""
    return generate_latest(_Families(frozen, also))


def families(frozen: Frozen) -> Iterator[Metric]:
    """Return one family for each row of `metrics.series.SERIES`, in its order."""
    gauges = _gauges(frozen.floor)
    for name, series in SERIES.items():
        labels = list(series.labels)
        match series.kind:
            case Kind.COUNTER:
                counter = CounterMetricFamily(name, series.help, labels=labels)
                for values, count in (_zeros(name, frozen.floor) | dict(frozen.counters[name])).items():
                    counter.add_metric(values, count)
                yield counter
            case Kind.HISTOGRAM:
                histogram = HistogramMetricFamily(name, series.help, labels=labels)
                for values, buckets in frozen.histograms[name].items():
                    histogram.add_metric(values, _cumulative(buckets, BOUNDS[name][1]), buckets.total / BOUNDS[name][1])
                yield histogram
            case Kind.GAUGE:
                gauge = GaugeMetricFamily(name, series.help, labels=labels)
                for values, value in gauges[name].items():
                    gauge.add_metric(values, value)
                yield gauge
            case Kind.INFO:
                info = InfoMetricFamily(name, series.help)
                info.add_metric([], {"version": frozen.version, "plan": frozen.floor.plan})
                yield info


@dataclass(frozen=True, slots=True)
class _Families:
    frozen: Frozen
    also: Collector | None

    def collect(self) -> Iterator[Metric]:
        yield from families(self.frozen)
        if self.also is not None:
            yield from self.also.collect()


def _zeros(name: str, floor: Floor) -> dict[Labels, int]:
    """Series that exist before anything happened, so that their first increase is seen as one."""
    labels = SERIES[name].labels
    if not labels:
        return {(): 0}
    if labels == ("line",):
        return {(line,): 0 for line in floor.waiting}
    if labels == ("line", "outcome"):
        return {(line, outcome.value): 0 for line in floor.waiting for outcome in Outcome}
    if labels == ("result",):
        return {(result.value,): 0 for result in OfferResult}
    return {}


def _cumulative(buckets: Buckets, per_second: int) -> list[tuple[str, float]]:
    shown: list[tuple[str, float]] = []
    below = 0
    for bound, count in zip((*buckets.bounds, None), buckets.counts, strict=True):
        below += count
        shown.append(("+Inf" if bound is None else str(bound / per_second), below))
    return shown


def _gauges(floor: Floor) -> dict[str, dict[Labels, float]]:
    return {
        "callcenter_calls_waiting": {(line,): count for line, count in floor.waiting.items()},
        "callcenter_oldest_wait_seconds": {(line,): wait_s for line, wait_s in floor.oldest_wait_s.items()},
        "callcenter_agents": {(presence.value,): floor.agents.get(presence, 0) for presence in Presence},
        "callcenter_ami_link_up": {link: float(is_up) for link, is_up in floor.links.items()},
        "callcenter_ami_event_lag_seconds": {(pbx,): lag_s for pbx, lag_s in floor.event_lag_s.items()},
        "callcenter_outbox_records": {(): floor.outbox_records},
        "callcenter_database_up": {(): float(floor.is_database_up)},
        "callcenter_leader": {(): float(floor.is_leader)},
        "callcenter_epoch": {(): floor.epoch},
    }

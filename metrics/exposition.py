"""From frozen values to the text that Prometheus reads. Runs in any thread: nothing here can change any more."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.exposition import choose_encoder, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from acd.names import HandOverResult, OfferResult, Outcome, RecordingStatus
from agents.presence import Presence
from metrics.buckets import Buckets, Labels
from metrics.exporter import Frozen
from metrics.floor import Floor
from metrics.gauges import gauges
from metrics.notes import NOTES
from metrics.series import BOUNDS, SERIES, Kind

_WORDS: Mapping[str, tuple[str, ...]] = {
    "callcenter_offers_total": tuple(result.value for result in OfferResult),
    "callcenter_handovers_total": tuple(result.value for result in HandOverResult),
    "callcenter_notes_total": NOTES,
    "callcenter_recordings_total": tuple(status.value for status in RecordingStatus),
    "callcenter_agent_seconds_total": tuple(one.value for one in Presence if one is not Presence.LOGGED_OUT),
}
"""Counters with one label whose values are words of the code."""


def render(frozen: Frozen, also: Collector | None = None) -> bytes:
    """Return the text exposition. `also`: another source to append (the process's own figures)."""
    return generate_latest(_Families(frozen, also))


def render_as(accept: str, frozen: Frozen, also: Collector | None = None) -> tuple[bytes, str]:
    """Return the exposition that a request's Accept header asks for (OpenMetrics or the classic text), and its content type."""
    try:
        encoder, content_type = choose_encoder(accept)
    except (TypeError, ValueError):  # a version or an escaping that the library cannot read
        encoder, content_type = choose_encoder("")
    return encoder(_Families(frozen, also)), content_type


def families(frozen: Frozen) -> Iterator[Metric]:
    """Return one family for each row of `metrics.series.SERIES`, in its order."""
    levels = gauges(frozen)
    for name, series in SERIES.items():
        labels = list(series.labels)
        match series.kind:
            case Kind.COUNTER:
                counter = CounterMetricFamily(name, series.help, labels=labels)
                counted = frozen.running.get(name, frozen.counters[name])
                for values, count in (_zeros(name, frozen.floor) | dict(counted)).items():
                    counter.add_metric(values, count if series.per == 1 else count / series.per)
                yield counter
            case Kind.HISTOGRAM:
                histogram = HistogramMetricFamily(name, series.help, labels=labels)
                for values, buckets in (_empty(name, frozen.floor) | dict(frozen.histograms[name])).items():
                    histogram.add_metric(values, _cumulative(buckets, BOUNDS[name][1]), buckets.total / BOUNDS[name][1])
                yield histogram
            case Kind.GAUGE:
                gauge = GaugeMetricFamily(name, series.help, labels=labels)
                for values, value in levels[name].items():
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
        return {
            (line, word): 0 for line in floor.waiting for word in (*(outcome.value for outcome in Outcome), "unknown")
        }
    return {(word,): 0 for word in _WORDS.get(name, ())}


def _empty(name: str, floor: Floor) -> dict[Labels, Buckets]:
    """Histograms of each line that exist before the first value, which `increase()` would not see otherwise."""
    results = ("answered", "unanswered")
    match SERIES[name].labels:
        case ("line",):
            labels: list[Labels] = [(line,) for line in floor.waiting]
        case ("line", "result"):
            labels = [(line, result) for line in floor.waiting for result in results]
        case _:
            return {}
    bounds = BOUNDS[name][0]
    nothing = Buckets(bounds, [0] * (len(bounds) + 1))
    return dict.fromkeys(labels, nothing)


def _cumulative(buckets: Buckets, per_second: int) -> list[tuple[str, float]]:
    shown: list[tuple[str, float]] = []
    below = 0
    for bound, count in zip((*buckets.bounds, None), buckets.counts, strict=True):
        below += count
        shown.append(("+Inf" if bound is None else str(bound / per_second), below))
    return shown

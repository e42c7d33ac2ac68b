"""Prometheus, fed by the engine's records and by one look at the floor for each scrape.

Theory of operation: the loop that owns the engine calls `observe` with each step's records and `freeze` when somebody
scrapes; both only touch plain integers of ours. `render` turns what was frozen into text and may run in any thread:
nothing that it reads changes any more, so a scrape never sees half of a call counted, and never stops the engine for
longer than `freeze` takes. What each series means, and which ledger query it equals, is in `metrics.series`.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from acd.names import CallId, OfferId, OfferResult, Outcome, RejectReason
from acd.records import CallClosed, CallOpened, Ignored, Noted, OfferClosed, Record, TalkClosed, TalkOpened
from agents.presence import Presence
from metrics.series import BOUNDS, SERIES, Kind

ABANDONED = frozenset({Outcome.ABANDONED_IVR, Outcome.ABANDONED_QUEUE, Outcome.ABANDONED_RINGING})
REJECT_REASONS = frozenset(reason.value for reason in RejectReason)
MAX_WORDS = 100
"""Distinct reasons or notes that get a series of their own; later ones count as `other`."""

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Floor:
    """The call centre at one instant, as gauges show it. Every line of the plan is in both line mappings."""

    waiting: Mapping[str, int] = field(default_factory=dict)
    """Line -> callers who wait, ringing included."""
    oldest_wait_s: Mapping[str, float] = field(default_factory=dict)
    """Line -> longest wait now, seconds; 0 when nobody waits."""
    agents: Mapping[Presence, int] = field(default_factory=dict)
    links: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    """(PBX, session `actions` or `events`) -> logged in."""
    event_lag_s: Mapping[str, float] = field(default_factory=dict)
    """PBX -> age of the newest event when it was handled."""
    outbox_records: int = 0
    is_database_up: bool = False
    is_leader: bool = False
    epoch: int = 0
    plan: str = ""
    """Version of the plan in force."""


@dataclass(slots=True)
class Buckets:
    """A histogram in integers: one count per bucket (not cumulative), the last one for above all bounds."""

    bounds: tuple[int, ...]
    counts: list[int]
    total: int = 0
    """Sum of all values, in the bounds' unit."""

    def add(self, value: int) -> None:
        """Count a value; a bound itself is inside its bucket."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def copy(self) -> "Buckets":
        """Return one that does not change with this one."""
        return Buckets(self.bounds, self.counts.copy(), self.total)


@dataclass(slots=True)
class _Story:
    """What must be known of a call until it ends."""

    line: str
    arrived_ms: int
    counts: bool
    """Inbound and not excluded."""
    is_test: bool
    is_found: bool
    """Found on the PBX after our restart: an answer may lie before our time."""
    answered_ms: int | None = None
    talking: set[OfferId] = field(default_factory=set)
    since_ms: int = 0
    """Start of the present stretch of talk."""
    talk_ms: int = 0


@dataclass(frozen=True, slots=True)
class Frozen:
    """Everything a scrape shows, at one instant; never changed again."""

    counters: Mapping[str, Mapping[Labels, int]]
    histograms: Mapping[str, Mapping[Labels, Buckets]]
    floor: Floor
    version: str


class Exporter:
    """Counts records for Prometheus. Belongs to the engine's task; `floor` is asked once for each scrape."""

    def __init__(self, floor: Callable[[], Floor], version: str = "") -> None:
        self._floor = floor
        self._version = version
        self._calls: dict[CallId, _Story] = {}
        self._counters: dict[str, Counter[Labels]] = {
            name: Counter() for name, series in SERIES.items() if series.kind is Kind.COUNTER
        }
        self._histograms: dict[str, dict[Labels, Buckets]] = {name: {} for name in BOUNDS}
        self._decisions = self._buckets("callcenter_decision_seconds", ())
        self._wishes = self._buckets("callcenter_wish_seconds", ())
        self._takes: dict[type[Any], Callable[[Any], None]] = {
            CallOpened: self._opened,
            TalkOpened: self._talk_opened,
            TalkClosed: self._talk_closed,
            OfferClosed: self._offer_closed,
            CallClosed: self._closed,
            Ignored: self._ignored,
            Noted: self._noted,
        }

    def observe(self, records: Iterable[Record]) -> None:
        """Count a step's records, each exactly once, in order."""
        for record in records:
            take = self._takes.get(type(record))
            if take is not None:
                take(record)

    def decided(self, seconds: float) -> None:
        """Count one decision of the engine: event in to step out."""
        self._decisions.add(round(seconds * 1e6))

    def wish_taken(self, seconds: float) -> None:
        """Count one wish: written to effect seen."""
        self._wishes.add(round(seconds * 1e6))

    def freeze(self) -> Frozen:
        """Return all values of this instant, for `render`. Called by the loop that calls `observe`."""
        return Frozen(
            counters={name: dict(values) for name, values in self._counters.items()},
            histograms={
                name: {labels: buckets.copy() for labels, buckets in values.items()}
                for name, values in self._histograms.items()
            },
            floor=self._floor(),
            version=self._version,
        )

    def _buckets(self, name: str, labels: Labels) -> Buckets:
        values = self._histograms[name]
        if labels not in values:
            bounds = BOUNDS[name][0]
            values[labels] = Buckets(bounds, [0] * (len(bounds) + 1))
        return values[labels]

    # one record each ------------------------------------------------------------------------------------------------

    def _opened(self, record: CallOpened) -> None:
        if record.call not in self._calls:
            counts = record.direction == "inbound" and not record.is_test
            self._calls[record.call] = _Story(record.line, record.at_ms, counts, record.is_test, record.found)

    def _talk_opened(self, record: TalkOpened) -> None:
        story = self._calls.get(record.call)
        if story is None:
            return
        if story.answered_ms is None:
            story.answered_ms = record.at_ms
        if not story.talking:
            story.since_ms = record.at_ms
        story.talking.add(record.offer)

    def _talk_closed(self, record: TalkClosed) -> None:
        story = self._calls.get(record.call)
        if story is not None and record.offer in story.talking:
            story.talking.discard(record.offer)
            if not story.talking:
                story.talk_ms += max(record.at_ms - story.since_ms, 0)

    def _offer_closed(self, record: OfferClosed) -> None:
        story = self._calls.get(record.call)
        if story is None or not story.is_test:
            self._counters["callcenter_offers_total"][(record.result.value,)] += 1

    def _closed(self, record: CallClosed) -> None:
        story = self._calls.pop(record.call, None)
        if story is None or not story.counts:
            return
        line, counters, outcome = story.line, self._counters, _outcome(story, record)
        counters["callcenter_calls_offered_total"][(line,)] += 1
        counters["callcenter_calls_ended_total"][(line, outcome.value if outcome else "unknown")] += 1
        if outcome in ABANDONED:
            counters["callcenter_calls_abandoned_total"][(line,)] += 1
        if outcome is Outcome.AGENT_ANSWERED:
            counters["callcenter_calls_answered_total"][(line,)] += 1
            if story.answered_ms is None:
                return  # answered before our time: the ledger knows when, we do not
            if story.talking:
                story.talk_ms += max(record.at_ms - story.since_ms, 0)
            self._buckets("callcenter_talk_seconds", (line,)).add(story.talk_ms)
        end_ms = record.at_ms if story.answered_ms is None else story.answered_ms
        result = "answered" if outcome is Outcome.AGENT_ANSWERED else "unanswered"
        self._buckets("callcenter_wait_seconds", (line, result)).add(max(end_ms - story.arrived_ms, 0))

    def _ignored(self, record: Ignored) -> None:
        self._count_word("callcenter_ignored_events_total", record.reason)

    def _noted(self, record: Noted) -> None:
        self._count_word("callcenter_notes_total", record.what)

    def _count_word(self, name: str, word: str) -> None:
        counter = self._counters[name]
        counter[(word,) if (word,) in counter or len(counter) < MAX_WORDS else ("other",)] += 1


def _outcome(story: _Story, record: CallClosed) -> Outcome | None:
    """The outcome as the ledger keeps it: the first answer decides, what has no ground is unknown (None)."""
    if record.outcome is None:
        return None
    if story.answered_ms is not None:
        return Outcome.AGENT_ANSWERED
    if record.outcome is Outcome.AGENT_ANSWERED and not story.is_found:
        return None
    if record.outcome is Outcome.REJECTED and record.reason not in REJECT_REASONS:
        return None
    return record.outcome


# to text, in any thread -------------------------------------------------------------------------------------------------


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

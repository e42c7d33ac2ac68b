"""Prometheus, fed by the engine's records and by one look at the floor for each scrape.

Theory of operation: the loop that owns the engine calls `observe` with each step's records and `freeze` when somebody
scrapes; both only touch plain integers of ours. `metrics.exposition.render` turns what was frozen into text and may run
in any thread: nothing that it reads changes any more, so a scrape never sees half of a call counted, and never stops
the engine for longer than `freeze` takes. What each series means, and which ledger query it equals, is in `metrics.series`.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from acd.names import CallId, OfferId, Outcome, RejectReason
from acd.records import CallClosed, CallLeft, CallOpened, Ignored, Noted, OfferClosed, Record, TalkClosed, TalkOpened
from agents.presence import Presence
from metrics.dictionary import HANDED_OUT
from metrics.series import BOUNDS, SERIES, Kind

ABANDONED = frozenset({Outcome.ABANDONED_IVR, Outcome.ABANDONED_QUEUE, Outcome.ABANDONED_RINGING})
REJECT_REASONS = frozenset(reason.value for reason in RejectReason)
FALLBACK_ENTERED = "fallback_entered"
"""Note of a caller who went into the PBX's own queue while we live."""
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
    left_ms: int | None = None
    """First hand-over to an outside number."""
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
            CallLeft: self._left,
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

    def _left(self, record: CallLeft) -> None:
        story = self._calls.get(record.call)
        if story is not None and story.left_ms is None:
            story.left_ms = record.at_ms

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
        left_ms = story.left_ms if outcome in HANDED_OUT else None
        end_ms = next(at_ms for at_ms in (story.answered_ms, left_ms, record.at_ms) if at_ms is not None)
        result = "answered" if outcome is Outcome.AGENT_ANSWERED else "unanswered"
        self._buckets("callcenter_wait_seconds", (line, result)).add(max(end_ms - story.arrived_ms, 0))

    def _ignored(self, record: Ignored) -> None:
        self._count_word("callcenter_ignored_events_total", record.reason)

    def _noted(self, record: Noted) -> None:
        if record.what == FALLBACK_ENTERED:
            self._counters["callcenter_fallback_entries_total"][()] += 1
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

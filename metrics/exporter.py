"""Prometheus, fed by the engine's records and by one look at the floor for each scrape.

Theory of operation: the loop that owns the engine calls `observe` with each step's records and `freeze` when somebody
scrapes; both only touch plain integers of ours. `metrics.exposition.render` turns what was frozen into text and may run
in any thread: nothing that it reads changes any more, so a scrape never sees half of a call counted, and never stops
the engine for longer than `freeze` takes. What each series means, and which ledger query it equals, is in `metrics.series`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from acd.names import CallId, Outcome, RecordingStatus
from acd.plan import Plan
from acd.records import (
    CallBlocked,
    CallClosed,
    CallLeft,
    CallOpened,
    CallRebuilt,
    CallWaiting,
    HandOverClosed,
    Ignored,
    Noted,
    OfferClosed,
    OfferMade,
    PresenceChanged,
    Record,
    RecordingJudged,
    TalkClosed,
    TalkOpened,
)
from metrics.buckets import Buckets, Labels
from metrics.crew import Crew, CrewCount
from metrics.dictionary import DICTIONARY, HANDED_OUT, Dictionary
from metrics.estimate import Estimates
from metrics.floor import Floor
from metrics.live import LiveFigures, occupancy
from metrics.notes import FALLBACK_ENTERED
from metrics.report_windows import NOTHING_READ, WindowTotals
from metrics.series import BOUNDS, SERIES, Kind
from metrics.story import Story

ABANDONED = frozenset({Outcome.ABANDONED_IVR, Outcome.ABANDONED_QUEUE, Outcome.ABANDONED_RINGING})
MAX_WORDS = 100
"""Distinct reasons or notes that get a series of their own; later ones count as `other`."""
AGENT_SECONDS = "callcenter_agent_seconds_total"
OUTBOX_DROPPED = "callcenter_outbox_dropped_total"


@dataclass(frozen=True, slots=True)
class Frozen:
    """Everything a scrape shows, at one instant; never changed again."""

    counters: Mapping[str, Mapping[Labels, int]]
    """What the ledger's queries give."""
    histograms: Mapping[str, Mapping[Labels, Buckets]]
    figures: Mapping[str, Mapping[Labels, Fraction]]
    """Figures of the dictionary by series and line, as shares of 1."""
    report: WindowTotals
    """The report's windows; its figures are made when the scrape is rendered."""
    floor: Floor
    version: str
    crew: CrewCount
    estimates_s: Mapping[str, float]
    """Line -> estimated wait now, seconds; lines without one are not there."""
    running: Mapping[str, Mapping[Labels, int]]
    """Counters with what goes on now added: shown in their place."""


class Exporter:
    """Counts records for Prometheus. Belongs to the engine's task; `floor` and `report` are asked once for each scrape."""

    def __init__(
        self,
        floor: Callable[[], Floor],
        version: str = "",
        dictionary: Dictionary = DICTIONARY,
        report: Callable[[], WindowTotals] = lambda: NOTHING_READ,
    ) -> None:
        self._floor = floor
        self._report = report
        self._version = version
        self._calls: dict[CallId, Story] = {}
        self._dictionary = dictionary
        self._live = LiveFigures(dictionary)
        self._crew = Crew()
        self._estimates = Estimates(self._crew)
        self._plan_lines: tuple[str, ...] | None = None
        """Lines of the plan in force; None: no plan was told."""
        self._counters: dict[str, Counter[Labels]] = {
            name: Counter() for name, series in SERIES.items() if series.kind is Kind.COUNTER
        }
        self._histograms: dict[str, dict[Labels, Buckets]] = {name: {} for name in BOUNDS}
        self._decisions = self._buckets("callcenter_decision_seconds", ())
        self._wishes = self._buckets("callcenter_wish_seconds", ())
        self._takes: dict[type[Any], Callable[[Any], None]] = {
            CallOpened: self._opened,
            CallBlocked: self._blocked,
            CallWaiting: self._waiting,
            OfferMade: self._offered,
            TalkOpened: self._talk_opened,
            TalkClosed: self._talk_closed,
            OfferClosed: self._offer_closed,
            HandOverClosed: self._hand_over_closed,
            CallLeft: self._left,
            CallRebuilt: self._rebuilt,
            CallClosed: self._closed,
            PresenceChanged: self._crew.observe,
            Ignored: self._ignored,
            Noted: self._noted,
            RecordingJudged: self._recording_judged,
        }

    def define(self, dictionary: Dictionary) -> None:
        """Let the live figures go by these definitions from now on: other choices begin them anew."""
        self._dictionary = dictionary
        if dictionary.choices != self._live.choices:
            self._live = LiveFigures(dictionary)

    def staff(self, plan: Plan) -> None:
        """Let agents count by what this plan says of lines, skills and reasons, from now on."""
        self._plan_lines = tuple(plan.lines)
        self._crew.staff(plan)

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
        floor = self._floor()
        spent = self._crew.spent_by(floor.at_ms)
        waits_ms = {line: self._estimates.wait_ms(line) for line in self._plan_lines or ()}
        counters = {name: dict(values) for name, values in self._counters.items()}
        counters[AGENT_SECONDS] = {(presence,): self._crew.spent[presence] for presence in spent}
        counters[OUTBOX_DROPPED] = {(): floor.outbox_dropped}
        return Frozen(
            counters=counters,
            histograms={
                name: {labels: buckets.copy() for labels, buckets in values.items()}
                for name, values in self._histograms.items()
            },
            figures=self._live.values(self._plan_lines) | occupancy(self._dictionary, spent),
            report=self._report(),
            floor=floor,
            version=self._version,
            crew=self._crew.count(),
            estimates_s={line: wait_ms / 1000 for line, wait_ms in waits_ms.items() if wait_ms is not None},
            running={AGENT_SECONDS: {(presence,): spent_ms for presence, spent_ms in spent.items()}},
        )

    def _buckets(self, name: str, labels: Labels) -> Buckets:
        values = self._histograms[name]
        if labels not in values:
            bounds = BOUNDS[name][0]
            values[labels] = Buckets(bounds, [0] * (len(bounds) + 1))
        return values[labels]

    # one record each ------------------------------------------------------------------------------------------------

    def _opened(self, record: CallOpened) -> None:
        if record.call in self._calls:
            return
        is_inbound = record.direction == "inbound"
        counts = is_inbound and not record.is_test
        story = Story(record.line, record.at_ms, counts, record.is_test, record.found, is_outbound=not is_inbound)
        self._calls[record.call] = story
        if is_inbound:
            story.estimate_ms = self._estimates.arrived(record.call, record.line, record.at_ms, is_found=record.found)

    def _blocked(self, record: CallBlocked) -> None:
        self._estimates.gone(record.call)
        story = self._calls.get(record.call)
        if story is not None:
            story.is_blocked, story.estimate_ms = True, None

    def _waiting(self, record: CallWaiting) -> None:
        story = self._calls.get(record.call)
        if story is not None and not story.is_rebuilt:
            self._estimates.queued(record.call, record.line, record.at_ms)

    def _offered(self, record: OfferMade) -> None:
        self._estimates.offered(record.call, record.at_ms)

    def _talk_opened(self, record: TalkOpened) -> None:
        story = self._calls.get(record.call)
        if story is not None:
            story.talk_opened(record)
            self._estimates.answered(record.call, record.at_ms)

    def _talk_closed(self, record: TalkClosed) -> None:
        story = self._calls.get(record.call)
        if story is not None:
            story.talk_closed(record)

    def _offer_closed(self, record: OfferClosed) -> None:
        self._count_result("callcenter_offers_total", record.call, record.result.value)

    def _hand_over_closed(self, record: HandOverClosed) -> None:
        self._count_result("callcenter_handovers_total", record.call, record.result.value)

    def _count_result(self, name: str, call: CallId, result: str) -> None:
        story = self._calls.get(call)
        if story is None or not story.is_test:
            self._counters[name][(result,)] += 1

    def _left(self, record: CallLeft) -> None:
        self._estimates.gone(record.call)
        story = self._calls.get(record.call)
        if story is not None and story.left_ms is None:
            story.left_ms = record.at_ms

    def _rebuilt(self, record: CallRebuilt) -> None:
        self._estimates.gone(record.call)
        story = self._calls.get(record.call)
        if story is not None:
            story.is_rebuilt, story.estimate_ms = True, None

    def _closed(self, record: CallClosed) -> None:
        self._estimates.gone(record.call)
        story = self._calls.pop(record.call, None)
        if story is None:
            return
        line, counters, outcome = story.line, self._counters, story.outcome(record)
        if story.is_blocked and outcome is not Outcome.AGENT_ANSWERED:
            counters["callcenter_calls_blocked_total"][(line,)] += 1
            return
        if story.is_outbound and not story.is_test:
            self._closed_outbound(story, record)
        if not story.counts:
            return
        self._live.add(line, story.row(record, outcome))
        counters["callcenter_calls_offered_total"][(line,)] += 1
        counters["callcenter_calls_ended_total"][(line, outcome.value if outcome else "unknown")] += 1
        if outcome in ABANDONED:
            counters["callcenter_calls_abandoned_total"][(line,)] += 1
        if outcome is Outcome.AGENT_ANSWERED:
            counters["callcenter_calls_answered_total"][(line,)] += 1
            if story.answered_ms is None:
                return  # answered before our time: the ledger knows when, we do not
            self._buckets("callcenter_talk_seconds", (line,)).add(story.talked_ms(record))
        left_ms = story.left_ms if outcome in HANDED_OUT else None
        end_ms = next(at_ms for at_ms in (story.answered_ms, left_ms, record.at_ms) if at_ms is not None)
        wait_ms = max(end_ms - story.arrived_ms, 0)
        result = "answered" if outcome is Outcome.AGENT_ANSWERED else "unanswered"
        self._buckets("callcenter_wait_seconds", (line, result)).add(wait_ms)
        if outcome is Outcome.AGENT_ANSWERED and story.estimate_ms is not None:
            self._buckets("callcenter_estimated_wait_error_seconds", (line,)).add(abs(wait_ms - story.estimate_ms))

    def _closed_outbound(self, story: Story, record: CallClosed) -> None:
        self._counters["callcenter_outbound_attempts_total"][(story.line,)] += 1
        if story.answered_ms is not None:
            self._buckets("callcenter_outbound_talk_seconds", (story.line,)).add(story.talked_ms(record))

    def _ignored(self, record: Ignored) -> None:
        self._count_word("callcenter_ignored_events_total", record.reason)

    def _noted(self, record: Noted) -> None:
        if record.what == FALLBACK_ENTERED:
            self._counters["callcenter_fallback_entries_total"][()] += 1
        self._count_word("callcenter_notes_total", record.what)

    def _recording_judged(self, record: RecordingJudged) -> None:
        self._counters["callcenter_recordings_total"][(record.status.value,)] += 1
        if record.status is RecordingStatus.NOT_RECORDED:
            self._counters["callcenter_recording_failures_total"][()] += 1

    def _count_word(self, name: str, word: str) -> None:
        counter = self._counters[name]
        counter[(word,) if (word,) in counter or len(counter) < MAX_WORDS else ("other",)] += 1

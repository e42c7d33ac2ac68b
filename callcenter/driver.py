"""Owns the live engine: facts in, records to disk, commands out, all in one thread of one loop.

Theory: the engine is synchronous, so a fact is handled where it arrives: `handle`, then the records are appended to the
outbox (one write: what was decided is on disk before anything is done), presence goes to the live state, the observers
count, and only then the commands go to the switch. Facts that appear while a step is carried out wait in a queue, so a
step is never nested in another. One timer follows the engine's next deadline. Nothing here awaits.

An error of our own (in the engine, in a command's hands, on the disk of the live state) costs the one event, command or
mark that met it: it is logged, counted in `errors`, and the next one is handled as ever, with the timer set.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol

from acd import commands as c
from acd import events as e
from acd.engine import Engine, Step
from acd.names import CallId
from acd.plan import Plan
from acd.records import CallClosed, Ignored, Noted, PresenceChanged, Record, TalkOpened
from callcenter.asterisk.told import DialAsked, FallbackEntered, FeatureUsed, Told, WishFenced
from callcenter.clock import PbxClock
from metrics.notes import FALLBACK_ENTERED

log = logging.getLogger(__name__)

MIN_TIMER_S = 0.001
LABEL_BYTES = 79
"""What Asterisk and phones keep of a name, as UTF-8."""


class OrderFailed(Exception):
    """A supervisor's order met an error of our own: the log says which."""


class RecordSink(Protocol):
    """Where records are kept before anything is done (the outbox)."""

    def append(self, records: Sequence[Record]) -> None:
        """Write records durably against the death of this process; synchronous, one write, never raises for a full disk."""


class PresenceStore(Protocol):
    """What of presence survives us."""

    def put_agent(self, record: PresenceChanged) -> None:
        """Keep the newest state of an agent."""


class Hands(Protocol):
    """What carries commands out (a PBX)."""

    def execute(self, command: c.Command) -> None:
        """Carry out one command; never blocks, never raises for what the PBX does."""

    def mark_answered(self, call: CallId, at_ms: int) -> None:
        """Write on the channel that a person has answered."""


Observer = Callable[[Sequence[Record]], None]


class Driver:
    """The live shell of the engine."""

    def __init__(
        self,
        plan: Plan,
        clock: PbxClock,
        sink: RecordSink,
        presence: PresenceStore,
        restored: Callable[[], Iterable[e.Event]],
        observers: Sequence[Observer] = (),
        features: "Callable[[FeatureUsed], None] | None" = None,
        dial_asked: Callable[[DialAsked], None] = lambda asked: None,
        stop: Callable[[Exception], None] | None = None,
        took: Callable[[float], None] | None = None,
        wish_taken: Callable[[float], None] | None = None,
        keep_epoch: Callable[[int], None] = lambda epoch: None,
        snapshot_done: Callable[[str, int], None] = lambda pbx, at_ms: None,
    ) -> None:
        self.plan = plan
        self.engine: Engine | None = None
        """None until a PBX was claimed: before that nobody decides."""
        self._clock = clock
        self._sink = sink
        self._presence = presence
        self._restored = restored
        self._observers = list(observers)
        self.on_feature = features
        self._dial_asked = dial_asked
        self._stop = stop
        self._keep_epoch = keep_epoch
        self._snapshot_done = snapshot_done
        self._took = took
        """Told how long each decision took, seconds."""
        self._wish_taken = wish_taken
        """Told how long each wish took from its writing to its effect, seconds."""
        self._wished: dict[CallId, tuple[str, float]] = {}
        """Call -> its newest wish and when it was written, perf_counter seconds; until its effect is seen."""
        self.errors = 0
        """Errors of our own that were survived."""
        self._hands: dict[str, Hands] = {}
        self._unnamed: Hands | None = None
        self._inbox: deque[e.Event] = deque()
        self._busy = False
        self._answered: set[CallId] = set()
        """Calls whose channel carries CC_ANSWERED already."""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: float | None = None
        self._is_closed = False

    def attach(self, hands: Hands) -> None:
        """The PBX that claims next is reached by these hands."""
        self._unnamed = hands

    def close(self) -> None:
        """No more deadlines fire, and nothing more is decided."""
        self._is_closed = True
        self._cancel_timer()

    # --- what a PBX tells (PbxOwner)

    def told(self, fact: Told) -> None:
        """Take one fact; decide and act at once."""
        match fact:
            case FeatureUsed():
                if self.on_feature is not None and self.engine is not None:
                    self.on_feature(fact)  # without an engine no reply: the phone hears that the service is away
            case DialAsked():
                if self.engine is not None:
                    self._dial_asked(fact)
            case WishFenced():
                # if it was ours, the next beat says so
                log.warning("the dialplan refused a wish of epoch %d", fact.epoch)
            case FallbackEntered():
                self._fell_back(fact)
            case e.CallFound(call=call, first_answered_ms=int()):
                self._answered.add(call)  # its channel says so already, with the first instant
                self.tell(fact)
            case e.SnapshotDone(pbx=pbx, at_ms=at_ms):
                self.tell(fact)
                self._in_step(pbx, at_ms)
            case _:
                self.tell(fact)

    def _in_step(self, pbx: str, at_ms: int) -> None:
        try:
            self._snapshot_done(pbx, at_ms)
        except Exception:
            self._survived("what follows from a snapshot was left out")

    def claimed(self, pbx: str, epoch: int) -> None:
        """We lead a PBX now: make the engine if this is the first, with what was known of the agents."""
        if self._unnamed is not None:
            self._hands[pbx] = self._unnamed
        try:
            self._keep_epoch(epoch)
        except Exception:
            self._survived(f"epoch {epoch} could not be kept")
        if self.engine is not None:
            return
        self.engine = Engine(self.plan, epoch)
        for known in self._restored():
            self.tell(known)

    def must_stop(self, why: Exception) -> None:
        """Decide nothing more: another instance does, or our next start."""
        log.error("%s", why)
        self.engine = None
        self._cancel_timer()
        if self._stop is not None:
            self._stop(why)

    def plan_globals(self) -> Mapping[str, str]:
        """Return the globals that the dialplan reads of the plan."""
        values = {"CC_DEFAULT_LINE": self.plan.default_line}
        for line in self.plan.lines.values():
            values.update({f"CC_DID_{did}": line.code for did in line.dids})
            values[f"CC_GREETING_{line.code}"] = line.greeting or ""
            values[f"CC_LANG_{line.code}"] = line.language
            values[f"CC_ANSWERFIRST_{line.code}"] = "1" if line.answer_first else ""
            values[f"CC_NOTICE_{line.code}"] = line.notice or ""
            values[f"CC_RECORD_{line.code}"] = "1" if line.record else ""
            values[f"CC_RATING_{line.code}"] = "1" if line.rating else ""
        return values

    def line_of(self, call: CallId) -> str | None:
        """Return the code of the line that a living call is in now; None for a call that is not known."""
        known = self.engine.calls.get(call) if self.engine is not None else None
        return known.stage.line.code if known is not None else None

    def label(self, line: str, call: CallId) -> str:
        """Return `<line name> <caller's number>` for the agent's display, without anything that a caller could abuse."""
        named = self.plan.lines.get(line)
        number = ""
        if self.engine is not None and (known := self.engine.calls.get(call)) is not None:
            number = "".join(ch for ch in known.caller_number if ch in "0123456789+*#")[:20]
        name = named.name if named is not None else line
        safe = "".join(ch for ch in name if ch.isalnum() or ch in " -_")
        room = LABEL_BYTES - len(number) - 1
        while len(safe.encode()) > room:
            safe = safe[:-1]  # whole characters only: half of one is no UTF-8
        return f"{safe.strip()} {number}".strip()

    def record(self, records: Sequence[Record]) -> None:
        """Put something on record that the shell found, not the engine."""
        self._sink.append(records)
        self._observe(records)

    # --- the engine

    def tell(self, event: e.Event) -> None:
        """Let the engine handle one event, after those that wait already."""
        self._inbox.append(event)
        if not self._busy:
            self._work(None)

    def order(self, order: e.Event) -> str | None:
        """Let the engine carry out a supervisor's order, now; return why it did not, None when it did. Raises OrderFailed
        for an error of our own."""
        steps: list[Step] = []

        def decide(engine: Engine) -> Step:
            steps.append(engine.handle(order, self._clock.now()))
            return steps[-1]

        assert not self._busy, "orders come from outside, never from within a step"
        self._work(decide)
        if not steps:
            raise OrderFailed(order)
        name = type(order).__name__
        refused = [one for one in steps[0].records if isinstance(one, Ignored) and one.event == name]
        return refused[-1].reason if refused else None

    def change_plan(self, plan: Plan) -> None:
        """Put a new plan in force while calls run. Raises BadPlan, UnknownStrategy, and then the old one stays in force."""
        Engine(plan, 0)
        self.plan = plan
        if self.engine is not None:
            self.tell(e.PlanChanged(plan, self._now_ms()))

    def _work(self, first: Callable[[Engine], Step] | None) -> None:
        """Carry out `first`, then whatever waits; the timer is set whatever happens."""
        self._busy = True
        try:
            if first is not None:
                self._decide(first)
            while self._inbox:
                event = self._inbox.popleft()
                if isinstance(event, e.OfferConnecting):
                    self._note_wish_taken(event, time.perf_counter())
                self._decide(partial(self._handled, event))
        finally:
            self._busy = False
            self._set_timer()

    def _handled(self, event: e.Event, engine: Engine) -> Step:
        return engine.handle(event, self._clock.now())

    def _decide(self, ask: Callable[[Engine], Step]) -> None:
        if self.engine is None or self._is_closed:
            return
        began = time.perf_counter()
        try:
            step = ask(self.engine)
        except Exception:
            self._survived("the engine could not take an event")
            return
        if self._took is not None:
            self._took(time.perf_counter() - began)
        self._carry_out(step)

    def _advance(self) -> None:
        self._timer = self._timer_at = None
        self._work(lambda engine: engine.advance(self._clock.now()))

    def _carry_out(self, step: Step) -> None:
        if step.records:
            try:
                self._sink.append(step.records)
            except Exception:
                self._survived("records could not be kept")
        for command in step.commands:
            if isinstance(command, c.OfferCall | c.ExitCall | c.ReturnCall):
                self._wished[command.call] = (command.offer, time.perf_counter())
            for one in self._hands_of(command):
                try:
                    one.execute(command)
                except Exception:
                    self._survived(f"{command} could not be carried out")
        if step.records:
            self._after(step.records)

    def _after(self, records: Sequence[Record]) -> None:
        """What follows from records and is not urgent: presence to the store, marks on channels, counters."""
        for record in records:
            try:
                if isinstance(record, PresenceChanged):
                    self._presence.put_agent(record)
                elif isinstance(record, TalkOpened):
                    self._mark(record)
                elif isinstance(record, CallClosed):
                    self._answered.discard(record.call)
                    self._wished.pop(record.call, None)
            except Exception:
                self._survived(f"what follows from {record} was left out")
        self._observe(records)

    def _observe(self, records: Sequence[Record]) -> None:
        for observe in self._observers:
            try:
                observe(records)
            except Exception:
                self._survived("records were not counted")

    def _survived(self, what: str) -> None:
        self.errors += 1
        log.exception("%s", what)

    def _note_wish_taken(self, event: e.OfferConnecting, now: float) -> None:
        offer, written_at = self._wished.get(event.call, ("", 0.0))
        if offer == event.offer:
            del self._wished[event.call]
            if self._wish_taken is not None:
                self._wish_taken(now - written_at)

    def _fell_back(self, fact: FallbackEntered) -> None:
        log.warning("caller %s %s the PBX's own queue", fact.call, "entered" if fact.is_in else "left")
        if not fact.is_in:
            return
        self.record([Noted(fact.at_ms, FALLBACK_ENTERED, "", fact.call)])
        if (hands := self._hands.get(fact.call.pbx)) is not None:
            hands.execute(c.ProbeCall(fact.call))  # answered by where he is now: the engine wakes him

    def _mark(self, record: TalkOpened) -> None:
        hands = self._hands.get(record.call.pbx)
        if record.call not in self._answered and hands is not None:
            self._answered.add(record.call)
            hands.mark_answered(record.call, record.at_ms)

    def _hands_of(self, command: c.Command) -> list[Hands]:
        if isinstance(command, c.MirrorAgent):
            return list(self._hands.values())
        one = self._hands.get(command.call.pbx)
        return [] if one is None else [one]

    def _set_timer(self) -> None:
        deadline = self.engine.next_deadline() if self.engine is not None and not self._is_closed else None
        if deadline == self._timer_at and self._timer is not None:
            return
        self._cancel_timer()
        self._timer_at = deadline
        if deadline is not None:
            wait_s = max(MIN_TIMER_S, deadline - self._clock.now())
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._advance)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._timer_at = None

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)

"""What the exporter must know of a call until it ends, and what it then says: the ledger's own judgement, call by call."""

from dataclasses import dataclass, field

from acd.names import OfferId, Outcome, RejectReason
from acd.records import CallClosed, TalkClosed, TalkOpened
from metrics.expressions import Row

_REJECT_REASONS = frozenset(reason.value for reason in RejectReason)


@dataclass(slots=True)
class Story:
    """A call that lives."""

    line: str
    arrived_ms: int
    counts: bool
    """Inbound and not excluded."""
    is_test: bool
    is_found: bool
    """Found on the PBX after our restart: an answer may lie before our time."""
    estimate_ms: int | None = None
    """His wait as estimated at the arrival; None: there was nothing to say it from."""
    is_outbound: bool = False
    """Dialled by an agent."""
    is_blocked: bool = False
    """The plan's list turns him away; answered all the same, he is a call like any other."""
    is_rebuilt: bool = False
    """What is told from here on was read in CEL afterwards."""
    answered_ms: int | None = None
    left_ms: int | None = None
    """First hand-over to an outside number."""
    talking: set[OfferId] = field(default_factory=set)
    since_ms: int = 0
    """Start of the present stretch of talk."""
    talk_ms: int = 0

    def talk_opened(self, record: TalkOpened) -> None:
        """Somebody talks with the caller."""
        if record.offer in self.talking:  # told again: a snapshot had seen it later than it began
            self.since_ms = min(self.since_ms, record.at_ms)
            self.answered_ms = record.at_ms if self.answered_ms is None else min(self.answered_ms, record.at_ms)
        if self.answered_ms is None:
            self.answered_ms = record.at_ms
        if not self.talking:
            self.since_ms = record.at_ms
        self.talking.add(record.offer)

    def talk_closed(self, record: TalkClosed) -> None:
        """One of them does no more."""
        if record.offer in self.talking:
            self.talking.discard(record.offer)
            if not self.talking:
                self.talk_ms += max(record.at_ms - self.since_ms, 0)

    def talked_ms(self, record: CallClosed) -> int:
        """Return how long was talked in all; a talk whose end was not told ends with the call."""
        return self.talk_ms + (max(record.at_ms - self.since_ms, 0) if self.talking else 0)

    def row(self, record: CallClosed, outcome: Outcome | None) -> Row:
        """Return the call as the ledger's row, as far as live figures need it."""
        return {
            "direction": "inbound",
            "excluded": not self.counts,
            "arrived_ms": self.arrived_ms,
            "answered_ms": self.answered_ms,
            "left_ms": self.left_ms,
            "ended_ms": record.at_ms,
            "outcome": None if outcome is None else outcome.value,
        }

    def outcome(self, record: CallClosed) -> Outcome | None:
        """Return the outcome as the ledger keeps it: the first answer decides, what has no ground is unknown (None)."""
        if self.is_blocked and self.answered_ms is not None:
            return Outcome.AGENT_ANSWERED
        if record.outcome is None:
            return None
        if self.answered_ms is not None:
            return Outcome.AGENT_ANSWERED
        if record.outcome is Outcome.AGENT_ANSWERED and not self.is_found:
            return None
        if record.outcome is Outcome.REJECTED and record.reason not in _REJECT_REASONS:
            return None
        return record.outcome

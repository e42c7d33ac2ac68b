"""The names of things that cross the engine's border: identities, results and outcomes.

Instants that cross it are integer milliseconds since the epoch on the PBX's clock (`*_ms`), cut once at intake.
"""

from enum import StrEnum
from typing import NamedTuple, TypeAlias


class CallId(NamedTuple):
    """One call: the PBX's system name and the Uniqueid of the caller's channel (kept through transfers)."""

    pbx: str
    uniqueid: str

    def __str__(self) -> str:
        return f"{self.pbx}/{self.uniqueid}"


OfferId: TypeAlias = str
"""`<epoch>-<n>`: unique over restarts, since each leadership has an epoch of its own."""


class OfferResult(StrEnum):
    """How an offer ended; exactly one for each offer."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_ANSWERED = "not_answered"
    """The phone rang its time out (RONA): counts as a miss of the agent."""
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    CALLER_GONE = "caller_gone"
    TIMED_OUT = "timed_out"
    """No word of the wish or of its end came within the deadline: a lost event, found by the engine."""
    FAILED = "failed"
    """The switch could not carry the wish out (action refused, link lost, fenced)."""


class Outcome(StrEnum):
    """How an inbound call ended; exactly one for each call, and the counts add up to the offered calls."""

    AGENT_ANSWERED = "agent_answered"
    ABANDONED_IVR = "abandoned_ivr"
    ABANDONED_QUEUE = "abandoned_queue"
    ABANDONED_RINGING = "abandoned_ringing"
    CALLBACK_REQUESTED = "callback_requested"
    VOICEMAIL = "voicemail"
    SELF_SERVICE = "self_service"
    OVERFLOWED_OUT = "overflowed_out"
    REJECTED = "rejected"
    FAILED = "failed"


class RejectReason(StrEnum):
    """Why a call was rejected: the `outcome_reason` of `Outcome.REJECTED`."""

    BUSY = "busy"
    CLOSED = "closed"
    FULL = "full"
    MAX_WAIT = "max_wait"
    NO_AGENT = "no_agent"


class EndedBy(StrEnum):
    """Who hung up."""

    CALLER = "caller"
    AGENT = "agent"
    SYSTEM = "system"
    UNKNOWN = "unknown"


class HandOverMode(StrEnum):
    """How a seat passes a caller on."""

    BLIND = "blind"
    THREE_WAY = "three_way"


class HandOverResult(StrEnum):
    """How a hand-over to a specialist ended."""

    REACHED = "reached"
    NO_SPECIALIST = "no_specialist"
    CALLER_GONE = "caller_gone"


class Via(StrEnum):
    """Who distributed the answered call: us, the PBX's own fallback queue, or the agents themselves (joined)."""

    ENGINE = "engine"
    FALLBACK = "fallback"
    JOINED = "joined"

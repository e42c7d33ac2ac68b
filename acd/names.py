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

WRAPUP_OVERLONG = "wrapup_overlong"
"""The note of a wrap-up that lasted longer than any may (its detail begins with the agent's number): nobody was there to end
it. It is kept whole; a report says whose it was."""


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
    ATTENDED = "attended"
    """The seat spoke to the specialist first, and joined the two with his phone's own key (REFER with Replaces)."""


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


class RecordingKind(StrEnum):
    """What a sound file holds."""

    TALK = "talk"
    VOICEMAIL = "voicemail"


class RecordingStatus(StrEnum):
    """What is known of a sound file."""

    UNCHECKED = "unchecked"
    """The PBX says that it wrote it; the service cannot reach the folder, so length and hash are unknown."""
    KEPT = "kept"
    """It is there: length and hash are on record."""
    NOT_RECORDED = "not_recorded"
    """It should be there and is not, or holds nothing: disk full, folder missing."""


class LineState(StrEnum):
    """What a supervisor said of a line."""

    OPEN = "open"
    """As the plan says."""
    DRAINED = "drained"
    """Who waits is served; who calls now finds it closed."""
    EMERGENCY = "emergency"
    """Who waits and who calls goes where the supervisor said."""


class Act(StrEnum):
    """What a supervisor can do while calls run."""

    AGENT_READY = "agent_ready"
    AGENT_NOT_READY = "agent_not_ready"
    AGENT_LOGOUT = "agent_logout"
    LINE_OPEN = "line_open"
    LINE_DRAIN = "line_drain"
    LINE_EMERGENCY = "line_emergency"
    CALL_MOVE = "call_move"

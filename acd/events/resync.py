"""What makes the engine agree with what is: restart, reconnect, plan, clock."""

from dataclasses import dataclass

from acd.names import CallId, HandOverMode, OfferId, OfferResult
from acd.plan import Plan
from agents.presence import Presence


@dataclass(frozen=True, slots=True)
class AgentRestored:
    """What the embedded store knew of an agent before our restart: told once for each, before any `CallFound`."""

    agent: str
    device: str | None
    presence: Presence
    reason: str
    since_ms: int
    ready_ms: int
    """Order of readiness: instant from which he counts as idle."""
    until_ms: int | None
    """End of wrap-up; None: none."""
    misses: int
    at_ms: int
    wants: str = ""
    """A not-ready reason that waits for the end of talk and wrap-up; `logout` for a log-out that waits. Empty: none."""


@dataclass(frozen=True, slots=True)
class FoundParty:
    """Somebody who is with a caller, or is rung to be the third."""

    offer: OfferId | None
    """None: joined without an offer."""
    device: str
    """Phone, or the number that was dialled (a specialist's)."""
    is_talking: bool
    leg: str = ""
    """Uniqueid of his channel."""


@dataclass(frozen=True, slots=True)
class FoundHandOver:
    """The newest hand-over of a caller, as it stands on his channel."""

    seq: int
    mode: HandOverMode | None
    """None: it is over."""
    topic: str = ""
    by: str = ""
    """Agent number of the seat; empty when unknown."""
    reached: str = ""
    """Of one that is over: number of the specialist who was reached; empty: none was."""


@dataclass(frozen=True, slots=True)
class LastDial:
    """How the dial ended from which a caller came back to hold last."""

    offer: OfferId
    number: str
    """Device of the phone."""
    result: OfferResult
    detail: str
    began_ms: int
    ended_ms: int
    """Milliseconds since the epoch on the PBX's clock."""


@dataclass(frozen=True, slots=True)
class CallFound:
    """A caller's channel that lives on the PBX when we (re)connect, told by its variables: the PBX is the truth."""

    call: CallId
    at_ms: int
    place: str
    """`rest` (waits in early rest or hold), `menu`, `offer` (dialling or ringing), `talk`, `fallback` (waits in the PBX's
    own queue), `fallback_ring` (a phone rings for him there), `fallback_talk`, `exit` (on its way out), `rating` (is asked
    for a rating behind his last talk)."""
    arrived_ms: int
    queued_ms: int | None
    score_ms: int
    """Start of the score's clock: arrival moved by the time talked."""
    line: str | None
    did: str
    caller_number: str = ""
    caller_name: str = ""
    sip_call_id: str = ""
    offer: OfferId | None = None
    """The offer whose target is being dialled or talked to."""
    kind: str = ""
    number: str = ""
    """Target of that offer: dial template and phone (device name of a seat, number of a specialist). Of an exit: `reject`
    and the reason's word, `out` and the number, `voicemail` and the box, `say` (a prompt on the way to his new line)."""
    answered_ms: int | None = None
    """When the present talk began, if the shell knows it."""
    first_answered_ms: int | None = None
    """When the call was answered first (CC_ANSWERED): set once, decides the outcome."""
    is_test: bool = False
    reason: str = ""
    """Why he is on his way out, a word of `RejectReason`; empty: not on his way out, or not known."""
    recording: str = ""
    """Path of the call's sound file; empty: none was begun."""
    parties: tuple[FoundParty, ...] = ()
    """In a talk: everybody who is with him, the first one too, and the third person who is being rung."""
    is_insured: bool = False
    """A wish for hold lies on his channel while a third person is rung (`InviteParty`)."""
    hand_over: FoundHandOver | None = None
    """The newest hand-over that he has seen; None: none."""
    last: LastDial | None = None
    """None: no phone was dialled for him in vain, or he is not back from it."""


@dataclass(frozen=True, slots=True)
class SnapshotDone:
    """All channels of a PBX were told: calls that the engine knows there and that were not told are over."""

    pbx: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class LinkLost:
    """We cannot reach a PBX: nothing is offered there until `SnapshotDone`."""

    pbx: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class PlanChanged:
    """A new plan is in force; calls that wait keep their place and take the new needs."""

    plan: Plan
    at_ms: int


@dataclass(frozen=True, slots=True)
class ClockStepped:
    """The PBX's clock moved by more than a second against ours."""

    by_s: float
    at_ms: int

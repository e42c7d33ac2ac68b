"""What happened: facts in the past tense, told to the engine by its shell.

Every event carries `at_ms`, the PBX's own instant in integer milliseconds since the epoch, for the records; the
engine's clock (`now`, seconds, an argument of `Engine.handle`) decides deadlines. Late, duplicate and foreign
events are harmless: they become `Ignored` records.
"""

from dataclasses import dataclass
from typing import TypeAlias

from acd.names import CallId, EndedBy, HandOverMode, OfferId, OfferResult
from acd.plan import Plan
from agents.presence import DeviceState, Presence


@dataclass(frozen=True, slots=True)
class CallArrived:
    """A caller's channel reached us; he hears ringback and rests (dialplan: CcArrived)."""

    call: CallId
    at_ms: int
    did: str
    line: str | None = None
    """Line code that the dialplan knew for the DID; None or unknown: the plan decides, else the default line."""
    caller_number: str = ""
    caller_name: str = ""
    sip_call_id: str = ""
    has_menu: bool = False
    """A greeting or menu plays first: the call is queued only when `CallQueued` comes."""
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class MenuStarted:
    """The line's greeting or menu began (CcMenu)."""

    call: CallId
    at_ms: int


@dataclass(frozen=True, slots=True)
class CallQueued:
    """The greeting is over: from here the caller waits for a person (CcQueued; never sent for a line without greeting)."""

    call: CallId
    at_ms: int


@dataclass(frozen=True, slots=True)
class CallHolding:
    """The caller is (back) in the hold loop, where a wish can reach him (CcHolding)."""

    call: CallId
    at_ms: int


@dataclass(frozen=True, slots=True)
class OfferConnecting:
    """The wish was taken: the dialplan dials the target now (CcConnecting). Also confirms an exit's wish."""

    call: CallId
    offer: OfferId
    at_ms: int


@dataclass(frozen=True, slots=True)
class OfferRinging:
    """The phone sent a 180 or 183."""

    call: CallId
    offer: OfferId
    at_ms: int


@dataclass(frozen=True, slots=True)
class OfferAnswered:
    """Caller and agent are in one bridge; `at_ms` is the later of the two entries."""

    call: CallId
    offer: OfferId
    at_ms: int


@dataclass(frozen=True, slots=True)
class OfferEnded:
    """The dial ended without an answer (CcOfferEnd, any status but ANSWER), or could not be tried (WishFailed by the shell)."""

    call: CallId
    offer: OfferId
    at_ms: int
    result: OfferResult
    detail: str = ""
    """E.g. `CHANUNAVAIL/21` or the switch's error, for the record."""


@dataclass(frozen=True, slots=True)
class TalkEnded:
    """The agent (or specialist) of this offer and the caller are no longer in one bridge, for good."""

    call: CallId
    offer: OfferId
    at_ms: int


@dataclass(frozen=True, slots=True)
class HoldStarted:
    """The agent put the caller on hold with his phone's key."""

    call: CallId
    offer: OfferId
    at_ms: int


@dataclass(frozen=True, slots=True)
class HoldEnded:
    """The agent took the caller back from hold."""

    call: CallId
    offer: OfferId
    at_ms: int


@dataclass(frozen=True, slots=True)
class CallerGone:
    """The caller's channel ended (CcEnd and Hangup): the call is over, whatever it was doing."""

    call: CallId
    at_ms: int
    by: EndedBy


@dataclass(frozen=True, slots=True)
class HandOverAsked:
    """A seat asked for a specialist by topic: by *7 or *8 in the talk, or by REFER (then the talk is over already)."""

    call: CallId
    offer: OfferId | None
    """The seat's offer; None when the shell could not tell (REFER without a trace)."""
    topic: str
    mode: HandOverMode
    at_ms: int


@dataclass(frozen=True, slots=True)
class PartyJoined:
    """A phone entered the caller's bridge without an offer (attended transfer, pick-up)."""

    call: CallId
    device: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class PartyLeft:
    """A phone that had joined without an offer left the caller's bridge."""

    call: CallId
    device: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class AgentLoggedIn:
    """An agent logged in at a phone; the shell has checked PIN and lock-out. One agent, one phone: both old ties end."""

    agent: str
    device: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class AgentLoggedOut:
    """An agent logged out (or was logged out by a supervisor)."""

    agent: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class AgentReady:
    """An agent says he is ready (*13), or ends his wrap-up by it."""

    agent: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class AgentNotReady:
    """An agent wants no calls (*14 and a digit); while he talks it takes effect after wrap-up."""

    agent: str
    at_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class WrapUpEnded:
    """An agent ended his wrap-up early (*15)."""

    agent: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class WrapUpExtended:
    """An agent asked for more wrap-up time (*16), up to the line's `wrapup_max_s`."""

    agent: str
    at_ms: int
    by_s: float = 60.0


@dataclass(frozen=True, slots=True)
class DeviceChanged:
    """The PBX says a phone is idle, busy or cannot be reached."""

    device: str
    state: DeviceState
    at_ms: int


@dataclass(frozen=True, slots=True)
class OutboundStarted:
    """A phone dialled out through our outbound context; the agent (if one is logged in there) is `dialling`."""

    call: CallId
    device: str
    number: str
    line: str | None
    at_ms: int


@dataclass(frozen=True, slots=True)
class OutboundAnswered:
    """The called party of an outbound call answered and is bridged to the agent."""

    call: CallId
    at_ms: int


@dataclass(frozen=True, slots=True)
class OutboundEnded:
    """An outbound call is over; `cause` as the dialplan tells it (ANSWER, BUSY, NOANSWER, ...)."""

    call: CallId
    at_ms: int
    by: EndedBy
    cause: str = ""


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
class CallFound:
    """A caller's channel that lives on the PBX when we (re)connect, told by its variables: the PBX is the truth."""

    call: CallId
    at_ms: int
    place: str
    """`rest` (waits in early rest or hold), `menu`, `offer` (dialling or ringing), `talk`, `fallback` (waits in the PBX's
    own queue), `fallback_ring` (a phone rings for him there), `fallback_talk`, `exit` (on its way out)."""
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
    """Target of that offer: dial template and phone (device name of a seat, number of a specialist)."""
    answered_ms: int | None = None
    """When the present talk began, if the shell knows it."""
    first_answered_ms: int | None = None
    """When the call was answered first (CC_ANSWERED): set once, decides the outcome."""
    is_test: bool = False


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


Event: TypeAlias = (
    CallArrived
    | MenuStarted
    | CallQueued
    | CallHolding
    | OfferConnecting
    | OfferRinging
    | OfferAnswered
    | OfferEnded
    | TalkEnded
    | HoldStarted
    | HoldEnded
    | CallerGone
    | HandOverAsked
    | PartyJoined
    | PartyLeft
    | AgentLoggedIn
    | AgentLoggedOut
    | AgentReady
    | AgentNotReady
    | WrapUpEnded
    | WrapUpExtended
    | DeviceChanged
    | OutboundStarted
    | OutboundAnswered
    | OutboundEnded
    | AgentRestored
    | CallFound
    | SnapshotDone
    | LinkLost
    | PlanChanged
    | ClockStepped
)

"""What the switch must do: imperative, carried out by the shell after the engine has decided.

A command that fails comes back as an event, so that recovery is decided in the engine.
"""

from dataclasses import dataclass
from typing import TypeAlias

from acd.names import CallId, HandOverMode, OfferId, RejectReason
from acd.plan import Exit


@dataclass(frozen=True, slots=True)
class OfferCall:
    """Ring `number` for this caller: write the wish on his channel and wake him."""

    call: CallId
    offer: OfferId
    kind: str
    """Dial template of the dialplan: `endpoint` or `trunk`."""
    number: str
    ring_s: int
    line: str
    """Line code: the label on the agent's phone is made of its name and the caller's number."""
    release: OfferId | None = None
    """Hand-over: the caller talks now; write the wish, then hang up this offer's leg instead of waking him."""
    announce: str = ""
    """Agent number that the caller hears when the phone is picked up, before they are bridged; empty: nothing."""


@dataclass(frozen=True, slots=True)
class ExitCall:
    """Send this caller out of the line by a wish: to an outside number, to voicemail, to a refusal; or, where the exit names
    a line, let him hear its prompt and hold again."""

    call: CallId
    offer: OfferId
    """Identity of the wish (no agent is offered anything); confirmed by `OfferConnecting` like an offer."""
    to: Exit
    reason: RejectReason
    """Why: told to him when he is refused, and on his channel for whoever comes after us."""


@dataclass(frozen=True, slots=True)
class ReturnCall:
    """Send a caller who talks back to hold: a wish to hold, then hang up this offer's leg."""

    call: CallId
    offer: OfferId
    release: OfferId
    prompt: str = ""
    """Sound that he hears first; empty: none."""


@dataclass(frozen=True, slots=True)
class WithdrawWish:
    """Take back the wish that lies on this caller: an earlier one, given up for lost, is being obeyed."""

    call: CallId


@dataclass(frozen=True, slots=True)
class InviteParty:
    """Ring a third person for a caller who talks: the seat's leg originates it, nobody is moved. Meanwhile a wish for hold
    lies on the caller's channel (not woken): a seat who hangs up too early loses nobody."""

    call: CallId
    offer: OfferId
    kind: str
    """Dial template of the dialplan: `endpoint` or `trunk`."""
    number: str
    ring_s: int
    seat: OfferId
    """Whose leg originates."""
    insurance: OfferId
    """Identity of the wish for hold."""


@dataclass(frozen=True, slots=True)
class EndInvite:
    """Take the wish for hold away again; `is_nobody`: and tell the seat that nobody could be reached."""

    call: CallId
    seat: OfferId
    is_nobody: bool


@dataclass(frozen=True, slots=True)
class AnswerConsult:
    """Tell a phone that asked for a specialist whom to ring, or (`word`) why nobody."""

    call: CallId
    """The phone's own channel."""
    word: str = ""
    """A prompt of the dialplan (`bad-<word>`); empty: ring."""
    offer: OfferId = ""
    kind: str = ""
    number: str = ""
    ring_s: int = 0


@dataclass(frozen=True, slots=True)
class HangUpLeg:
    """Hang up the leg of this offer (a phone that gave no sign of life within 3 s), by its own Uniqueid."""

    call: CallId
    offer: OfferId


@dataclass(frozen=True, slots=True)
class ProbeCall:
    """Look at this caller's channel: answer with `CallFound` or `CallerGone`. Used when a deadline found a lost event."""

    call: CallId


@dataclass(frozen=True, slots=True)
class WakeCall:
    """Wake a caller out of the PBX's own fallback queue into hold."""

    call: CallId


@dataclass(frozen=True, slots=True)
class TagCall:
    """Write on the channel what must survive us."""

    call: CallId
    score_ms: int
    line: str | None = None
    """Code of the line that he is in from now on; None: not changed."""


@dataclass(frozen=True, slots=True)
class TagHandOver:
    """Write on the channel how many hand-overs the caller has seen, and the one that is under way: it must survive us."""

    call: CallId
    seq: int
    """Number of the newest one."""
    mode: HandOverMode | None = None
    """None: it is over."""
    topic: str = ""
    by: str = ""
    """Agent number of the seat; empty when unknown."""
    reached: str = ""
    """Of one that is over: number of the specialist who was reached; empty: none was."""


@dataclass(frozen=True, slots=True)
class MirrorAgent:
    """Make the PBX's own fallback queues show this agent as he is."""

    agent: str
    device: str
    lines: tuple[str, ...]
    """Line codes whose queue he is a member of; empty: remove him from all."""
    paused: bool
    reason: str


CallCommand: TypeAlias = (
    OfferCall
    | ExitCall
    | ReturnCall
    | InviteParty
    | WithdrawWish
    | EndInvite
    | AnswerConsult
    | HangUpLeg
    | ProbeCall
    | WakeCall
    | TagCall
    | TagHandOver
)
"""Commands for one call: given only while its PBX can be reached."""
Command: TypeAlias = CallCommand | MirrorAgent

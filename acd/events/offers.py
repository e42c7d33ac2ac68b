"""What becomes of offers and talks, and who joins a talk by himself."""

from dataclasses import dataclass

from acd.names import CallId, HandOverMode, OfferId, OfferResult


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
    """The phone; of one who was rung for a consult, the number that was dialled."""
    at_ms: int
    consult: CallId | None = None
    """The consult that he was rung for."""
    leg: str = ""
    """Uniqueid of his channel: his talk is known by it, also after a restart."""


@dataclass(frozen=True, slots=True)
class PartyLeft:
    """A phone that had joined without an offer left the caller's bridge."""

    call: CallId
    device: str
    at_ms: int

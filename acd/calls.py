"""A call and its offers while they live: what the engine remembers of each, and which place may follow which.

A call's `place` says where its caller is in the PBX's dialplan, as far as we know. Only a caller at rest (`WAITING`)
can read a wish; that is why a call whose offer ended is `RETURNING` until the dialplan says that he holds again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from acd.names import CallId, HandOverMode, OfferId, RejectReason, Via
from acd.needs import Slot
from acd.plan import BlockedNumber, Exit, Line, SpecialistSpec
from acd.seat import Seat
from acd.stages import Stage


class Place(StrEnum):
    """Where the caller of a call is."""

    MENU = "menu"
    """Hears the line's greeting; not queued yet."""
    WAITING = "waiting"
    """Rests where a wish reaches him."""
    OFFER = "offer"
    """A wish for a person was written, or is being dialled, or rings."""
    RETURNING = "returning"
    """On his way back to hold; a wish would not reach him yet."""
    TALK = "talk"
    EXIT = "exit"
    """A wish for an exit was written or taken."""
    FALLBACK = "fallback"
    """In the PBX's own queue; woken, but not back in hold yet."""
    RATING = "rating"
    """Behind his last talk: is asked what he thinks of it."""
    CLOSED = "closed"


_AFTER_MENU = frozenset(Place) - {Place.MENU}
PLACES: Mapping[Place, frozenset[Place]] = {
    place: frozenset() if place is Place.CLOSED else _AFTER_MENU for place in Place
}
"""Place -> what may follow it. The PBX is the truth, so a lost word may lead from anywhere to anywhere; but nobody comes
back to a greeting, and nothing follows the end."""


class OfferState(StrEnum):
    """How far an offer has come."""

    WISHED = "wished"
    """The wish was written; nothing says yet that it was taken."""
    CONNECTING = "connecting"
    RINGING = "ringing"
    TALKING = "talking"
    OVER = "over"


@dataclass(slots=True, eq=False)
class Offer:
    """One try to connect a caller with one person, and the talk that came of it."""

    id: OfferId
    call: "Call"
    kind: str
    """`seat`, `specialist` or `unknown`."""
    who: str
    """Agent number or specialist's number."""
    device: str
    seat: Seat | None
    state: OfferState = OfferState.WISHED
    specialist: SpecialistSpec | None = None
    is_invited: bool = False
    """A third person for a caller who talks: the seat's leg rings it, the caller is not dialling."""
    via: Via = Via.ENGINE
    ring_s: int = 20
    wrapup_s: float = 0.0
    wrapup_max_s: float = 0.0
    announces: bool = False
    """The caller hears who it is before they are bridged: until then the offer counts as ringing."""
    is_closed: bool = False
    """Its one result is on record."""
    has_connected: bool = False
    is_hung_up: bool = False
    """We hung up its leg because the phone gave no sign of life: its end will be recorded `unreachable`."""
    probes: int = 0
    """Times that we asked the PBX what became of it."""
    talk_from_ms: int = 0
    hold_from_ms: int | None = None
    hold_ms: int = 0


@dataclass(slots=True)
class Leaving:
    """An exit's wish."""

    offer: OfferId
    to: Exit
    """To a line only when a prompt is played on the way."""
    reason: RejectReason
    """Why he leaves."""
    is_confirmed: bool = False
    tries: int = 1


@dataclass(slots=True)
class HandOver:
    """A seat's request for a specialist, until one is reached or none is left."""

    seq: int
    topic: str
    mode: HandOverMode
    by: str
    """Agent number of the seat; empty when unknown."""
    tried: set[str] = field(default_factory=set)
    """Numbers of specialists that were dialled for it."""
    seat: Offer | None = None
    """Three-way: the talk whose leg rings the specialists; None: the caller is dialled on (also once that seat left)."""
    again: str = ""
    """Number of the specialist who rang when the seat left: he is tried first, whatever his phone says."""
    is_returning: bool = False
    """Nobody was left while the seat still talked: the caller is on his way back to hold."""


@dataclass(slots=True)
class Recording:
    """The sound file of a call."""

    path: str
    is_open: bool = False
    """It is on record: somebody talked."""
    is_over: bool = False


@dataclass(slots=True, eq=False)
class Call:
    """One inbound call."""

    id: CallId
    number: int
    """Order in which the engine learned of it."""
    line: Line
    """Whose steps and limits hold (an overflow by exit changes it)."""
    stage: Stage
    slot: Slot
    arrived_ms: int
    score_ms: int
    """Start of the score's clock: arrival moved by the time talked."""
    did: str = ""
    caller_number: str = ""
    blocked: BlockedNumber | None = None
    """Why he is turned away (`acd.blocked`); None: he is not."""
    place: Place = Place.MENU
    has_menu: bool = False
    queued_ms: int | None = None
    """First entry to a waiting line; None: still in the greeting."""
    last_ms: int = 0
    """Instant of its last record: instants of one call never go back."""
    stamp: int = 0
    """Its live entry in its slot; 0: it cannot be offered now."""
    counted: str | None = None
    """Code of the line in whose number of waiting calls it is counted; None: it does not wait."""
    offer: Offer | None = None
    """The open offer; at most one."""
    talks: dict[OfferId, Offer] = field(default_factory=dict)
    """Who talks with the caller now."""
    talk_from_ms: int = 0
    """Since when somebody does, without a gap."""
    offers: dict[OfferId, Offer] = field(default_factory=dict)
    """All offers of this call, ended ones too: a late event about one is recognised."""
    made: int = 0
    waits: int = 0
    handovers: int = 0
    is_answered: bool = False
    was_shared: bool = False
    """Two talked with the caller at once: when he goes, they would stay together."""
    is_insured: bool = False
    """Found with a wish for hold on him, as while a third person is rung; until `parties.settle`."""
    is_invite_lost: bool = False
    """A third person was being rung and was not found again; likewise."""
    was_dialled: bool = False
    """The caller gave up while a phone was being dialled for him."""
    visited: set[str] = field(default_factory=set)
    """Lines that it was in; none is entered twice by overflow."""
    barred: dict[str, float] = field(default_factory=dict)
    """Agent number -> engine clock until which this pair is not tried again."""
    leaving: Leaving | None = None
    has_message: bool = False
    """He left a message in a voicemail box."""
    handover: HandOver | None = None
    reached: str = ""
    """Number of the specialist whom the newest hand-over reached; empty: none."""
    last_seat: Offer | None = None
    """The seat's offer that talked last: asks for hand-overs by REFER, gives the line to come back to."""
    is_to_wake: bool = False
    """He waits in the PBX's own queue and no phone rings for him there."""
    is_resting: bool = False
    """Held while the PBX could not be reached: goes on when it can."""
    recording: Recording | None = None
    last_talk: OfferId | None = None
    """Whose talk ended last."""
    rating_ms: int | None = None
    """When he was asked for a rating."""
    is_moving: bool = False
    """A supervisor took him out of his talk: on his way back to hold."""
    notice: str = ""
    """Sound that he must hear before anybody rings in the line to which he was moved (his talks are recorded there)."""
    is_told: bool = False
    """The running snapshot has told it."""

    @property
    def is_turned_away(self) -> bool:
        """He is on the plan's list of numbers, and nobody has answered him all the same."""
        return self.blocked is not None and not self.is_answered

    @property
    def talked_ms(self) -> int:
        """How much of the call's life was talk that the score's clock does not count."""
        return self.score_ms - self.arrived_ms

    @property
    def wait_from_ms(self) -> int:
        """Start of the clock of steps and of the longest wait: first queued, moved by the time talked."""
        return (self.arrived_ms if self.queued_ms is None else self.queued_ms) + self.talked_ms

    @property
    def score_key(self) -> float:
        """What orders waiting calls: the smallest has the highest score at any instant."""
        return self.score_ms - self.stage.priority_s * 1000.0

    def score_s(self, now: float) -> float:
        """Return the score at `now`: seconds waited plus head start."""
        return round(now - self.score_ms / 1000.0 + self.stage.priority_s, 3)

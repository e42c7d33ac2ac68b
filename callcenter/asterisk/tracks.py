"""Which channel is whose: the little that must be remembered to read AMI's events as events of calls.

A caller's channel is a call (its Uniqueid is the call's key, kept through everything). The channel that Dial made for an
offer is that offer's leg. Caller and leg in one bridge: they talk. Nothing else is kept, and all of it can be made anew
from a snapshot of the channels.
"""

from dataclasses import dataclass, field

from acd.names import CallId, EndedBy, OfferId


@dataclass(slots=True)
class Leg:
    """The channel of an offer (or of a phone that joined without one)."""

    uniqueid: str
    call: CallId
    offer: OfferId | None
    """None: joined without an offer."""
    device: str
    channel: str
    bridge: str | None = None
    talks: bool = False
    """Whether it was told as talking with the caller, and not yet as having ended."""
    rang: bool = False
    number: str = ""
    """What was dialled, where that is not the phone's own name: an outside number."""
    invite: "Invite | None" = None
    """Set for the leg of a third person, rung by the seat's leg; None: the caller dials it, or it joined."""


@dataclass(slots=True)
class Invite:
    """What must be known of a leg that nobody dials, to say how its offer ended."""

    begun_ms: int
    ring_s: int
    has_picked_up: bool = False
    is_unconfirmed: bool = False
    """Picked up, but nobody pressed 1."""
    has_joined: bool = False


@dataclass(slots=True)
class ConsultTrack:
    """A seat's phone that asks for a specialist and is dialled to him."""

    consult: CallId
    device: str
    topic: str
    number: str = ""
    """Of the specialist who is dialled or spoken to."""
    legs: dict[str, str] = field(default_factory=dict)
    """Uniqueid of a specialist's leg -> the number that was dialled."""


@dataclass(slots=True)
class CallTrack:
    """A caller's channel (or, for an outbound call, the channel of the agent who dials)."""

    call: CallId
    channel: str
    outbound: bool = False
    device: str = ""
    """The phone that dials out; empty for an inbound call."""
    offer: OfferId | None = None
    """The wish that was taken last and has not ended."""
    offered_ms: int = 0
    """When that wish was taken."""
    ring_s: float = 0.0
    """How long its phone may ring."""
    last_offer: OfferId | None = None
    """The offer whose talk began last: whose seat hands over by REFER."""
    bridge: str | None = None
    legs: dict[str, Leg] = field(default_factory=dict)
    """By the leg's Uniqueid."""
    ended_by: EndedBy = EndedBy.UNKNOWN
    status: str = ""
    """DIALSTATUS of an outbound call, as the dialplan told it."""
    answered: bool = False


class Tracks:
    """All calls and legs of one PBX, by Uniqueid."""

    def __init__(self) -> None:
        self.calls: dict[str, CallTrack] = {}
        self.legs: dict[str, Leg] = {}
        self.consults: dict[str, ConsultTrack] = {}
        """By the Uniqueid of the phone's channel."""
        self.bridges: dict[str, set[str]] = {}
        """Bridge -> Uniqueids of the channels in it."""

    def clear(self) -> None:
        """Forget everything: a snapshot follows."""
        self.calls.clear()
        self.legs.clear()
        self.consults.clear()
        self.bridges.clear()

    def add_leg(self, track: CallTrack, leg: Leg) -> None:
        """Tie a leg to its call."""
        track.legs[leg.uniqueid] = leg
        self.legs[leg.uniqueid] = leg

    def drop_leg(self, leg: Leg) -> None:
        """Forget a leg that is gone."""
        self.legs.pop(leg.uniqueid, None)
        track = self.calls.get(leg.call.uniqueid)
        if track is not None:
            track.legs.pop(leg.uniqueid, None)

    def drop_call(self, track: CallTrack) -> None:
        """Forget a call; legs that are still there (three were together) go with their own hang-up."""
        self.calls.pop(track.call.uniqueid, None)
        track.legs.clear()

    def by_channel(self, channel: str) -> CallTrack | None:
        """Return the call of a caller's channel name; looks at all, for rare events only."""
        return next((track for track in self.calls.values() if track.channel == channel), None)

    def consult_of(self, uniqueid: str) -> ConsultTrack | None:
        """Return the consult for which a leg was dialled."""
        return next((one for one in self.consults.values() if uniqueid in one.legs), None)

    def leg_of(self, offer: OfferId) -> Leg | None:
        """Return the live leg of an offer, None when it has none (not dialled yet, or gone)."""
        return next((leg for leg in self.legs.values() if leg.offer == offer), None)

    def enter(self, bridge: str, uniqueid: str) -> None:
        """A channel is in a bridge now."""
        self.bridges.setdefault(bridge, set()).add(uniqueid)

    def leave(self, bridge: str, uniqueid: str) -> None:
        """A channel left a bridge."""
        members = self.bridges.get(bridge)
        if members is not None:
            members.discard(uniqueid)
            if not members:
                del self.bridges[bridge]


def device_of(channel: str) -> str:
    """Return the phone (endpoint) of a channel's name: `PJSIP/1001-0000002a` -> `1001`; empty for other technologies."""
    technology, _, rest = channel.partition("/")
    if technology != "PJSIP":
        return ""
    return rest.rpartition("-")[0] or rest

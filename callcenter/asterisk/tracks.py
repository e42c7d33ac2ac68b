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
    last_offer: OfferId | None = None
    """The offer whose talk began last: whose seat hands over by REFER."""
    bridge: str | None = None
    bridged_ms: int = 0
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
        self.bridges: dict[str, set[str]] = {}
        """Bridge -> Uniqueids of the channels in it."""

    def clear(self) -> None:
        """Forget everything: a snapshot follows."""
        self.calls.clear()
        self.legs.clear()
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
        """Forget a call and its legs."""
        self.calls.pop(track.call.uniqueid, None)
        for leg in list(track.legs.values()):
            self.legs.pop(leg.uniqueid, None)
        track.legs.clear()

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

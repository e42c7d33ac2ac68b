"""Asterisk's own events in, what they mean for calls and legs out: dials, bridges, hold, hang-ups.

Theory: which channel Dial made for an offer is told by DialBegin, that it rings by DialState, who is with whom by the two
entries of a bridge. A third person's leg is nobody's dial: the dialplan ties it to its offer (CcLeg), and how it ended is
told by its own hang-up. Order is promised per channel only, so each reader takes what is known and waits for the rest.
"Answered" is the later of the two bridge entries.
"""

from collections.abc import Iterable

from acd import events as e
from acd.names import EndedBy, OfferResult
from callcenter.asterisk.message import AmiMessage
from callcenter.asterisk.offer_end import invite_result
from callcenter.asterisk.target import parse_target
from callcenter.asterisk.told import Told
from callcenter.asterisk.tracks import CallTrack, Invite, Leg, Tracks, device_of

_SIGNS_OF_LIFE = frozenset({"RINGING", "PROGRESS"})
"""A 180 or a 183; PROCEEDING is a 100 Trying, which a proxy sends for a phone that is dead."""


class LegReader:
    """Reads the events of legs and bridges of one PBX into its tracks."""

    def __init__(self, tracks: Tracks) -> None:
        self.tracks = tracks

    def _track(self, message: AmiMessage) -> CallTrack | None:
        return self.tracks.calls.get(message.get("Uniqueid", ""))

    def dial_begin(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        track, dest = self._track(m), m.get("DestUniqueid", "")
        if track is not None and dest and dest not in self.tracks.legs:
            channel = m.get("DestChannel", "")
            self.tracks.add_leg(track, Leg(dest, track.call, track.offer, device_of(channel), channel))
        elif (consult := self.tracks.consults.get(m.get("Uniqueid", ""))) is not None and dest:
            consult.legs[dest] = consult.number
        return ()

    def leg(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        """CcLeg: what becomes of a third person's leg before it joins."""
        track, target = self.tracks.by_channel(m.get("Caller", "")), parse_target(m.get("Target", ""))
        uniqueid, state = m.get("Uniqueid", ""), m.get("State", "")
        if track is None or target is None:
            return
        if state == "failed":
            yield e.OfferEnded(track.call, target.offer, at_ms, OfferResult.UNREACHABLE, "no contact")
        elif state == "dialled":
            channel = m.get("Channel", "")
            leg = Leg(uniqueid, track.call, target.offer, device_of(channel), channel)
            leg.number, leg.invite = target.digits, Invite(at_ms, target.ring_s)
            self.tracks.add_leg(track, leg)
            yield e.OfferConnecting(track.call, target.offer, at_ms)
        elif (known := self.tracks.legs.get(uniqueid)) is not None and known.invite is not None:
            known.invite.has_picked_up = True
            known.invite.is_unconfirmed = state == "unconfirmed"

    def dial_state(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        leg = self.tracks.legs.get(m.get("DestUniqueid", ""))
        if leg is None or leg.offer is None or leg.rang or m.get("DialStatus") not in _SIGNS_OF_LIFE:
            return
        leg.rang = True
        yield e.OfferRinging(leg.call, leg.offer, at_ms)

    def bridge_enter(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        uniqueid, bridge = m.get("Uniqueid", ""), m.get("BridgeUniqueid", "")
        self.tracks.enter(bridge, uniqueid)
        track = self.tracks.calls.get(uniqueid)
        if track is not None:
            track.bridge = bridge
            for member in sorted(self.tracks.bridges.get(bridge, ())):
                if member != uniqueid:
                    yield from self._met(track, member, bridge, at_ms, "")
            return
        for member in self.tracks.bridges.get(bridge, ()):
            owner = self.tracks.calls.get(member)
            if owner is not None:
                yield from self._met(owner, uniqueid, bridge, at_ms, m.get("Channel", ""))
                return
        leg = self.tracks.legs.get(uniqueid)
        if leg is not None:
            leg.bridge = bridge

    def _met(self, track: CallTrack, other: str, bridge: str, at_ms: int, channel: str) -> Iterable[Told]:
        """The caller and another channel are in one bridge from `at_ms` on (the later of the two entries)."""
        if other in self.tracks.consults or other in self.tracks.calls:
            return  # the seat's own second call, on its way out of the bridge that the caller enters
        leg = self.tracks.legs.get(other)
        if leg is not None and leg.call != track.call:
            channel, leg = leg.channel, None  # a seat's phone joined the other end of a call that he had dialled
        consult = self.tracks.consult_of(other) if leg is None else None
        if leg is None and channel.startswith("Local/"):
            return  # nobody's phone: what Asterisk puts into a bridge of three when one of them is asked to transfer it
        if leg is None:
            device = device_of(channel) if consult is None else consult.legs[other]
            leg = Leg(other, track.call, None, device, channel)
            self.tracks.add_leg(track, leg)
        leg.bridge = bridge
        if leg.talks:
            return
        leg.talks = True
        if leg.invite is not None:
            leg.invite.has_joined = True
        if track.outbound:
            if not track.answered:
                track.answered = True
                yield e.OutboundAnswered(track.call, at_ms)
        elif leg.offer is None:
            yield e.PartyJoined(
                track.call, leg.device, at_ms, None if consult is None else consult.consult, leg.uniqueid
            )
        else:
            track.last_offer = leg.offer
            yield e.OfferAnswered(track.call, leg.offer, at_ms)

    def bridge_leave(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        uniqueid, bridge = m.get("Uniqueid", ""), m.get("BridgeUniqueid", "")
        self.tracks.leave(bridge, uniqueid)
        track = self.tracks.calls.get(uniqueid)
        if track is not None:
            if track.bridge == bridge:
                track.bridge = None
            for leg in list(track.legs.values()):
                if leg.bridge == bridge:
                    yield from self._parted(track, leg, at_ms)
            return
        leg_left = self.tracks.legs.get(uniqueid)
        if leg_left is not None:
            leg_left.bridge = None
            owner = self.tracks.calls.get(leg_left.call.uniqueid)
            if owner is not None:
                yield from self._parted(owner, leg_left, at_ms)

    def _parted(self, track: CallTrack, leg: Leg, at_ms: int) -> Iterable[Told]:
        if not leg.talks:
            return
        leg.talks = False
        if track.outbound:
            return
        if leg.offer is None:
            yield e.PartyLeft(track.call, leg.device, at_ms)
        else:
            yield e.TalkEnded(track.call, leg.offer, at_ms)

    def leg_hold(self, m: AmiMessage, at_ms: int, on: bool) -> Iterable[Told]:
        leg = self.tracks.legs.get(m.get("Uniqueid", ""))
        dialled = self._track(m)
        if leg is not None and leg.offer is not None:
            call, offer = leg.call, leg.offer
        elif dialled is not None and dialled.outbound and dialled.answered:
            call, offer = dialled.call, ""
        else:
            return
        yield e.HoldStarted(call, offer, at_ms) if on else e.HoldEnded(call, offer, at_ms)

    def hangup(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        uniqueid = m.get("Uniqueid", "")
        if (consult := self.tracks.consults.pop(uniqueid, None)) is not None:
            yield e.ConsultEnded(consult.consult, at_ms)
            return
        leg = self.tracks.legs.get(uniqueid)
        if leg is not None:
            owner = self.tracks.calls.get(leg.call.uniqueid)
            if owner is not None:
                yield from self._parted(owner, leg, at_ms)
                if leg.offer is not None and leg.invite is not None and not leg.invite.has_joined:
                    yield e.OfferEnded(
                        leg.call, leg.offer, at_ms, *invite_result(leg.invite, m.get("Cause", ""), at_ms)
                    )
            self.tracks.drop_leg(leg)
            return
        track = self.tracks.calls.get(uniqueid)
        if track is None:
            return
        for one in list(track.legs.values()):
            yield from self._parted(track, one, at_ms)
        self.tracks.drop_call(track)
        if track.outbound:
            cause = "ANSWER" if track.answered else track.status
            yield e.OutboundEnded(track.call, at_ms, track.ended_by, cause)
        else:
            yield e.CallerGone(track.call, at_ms, track.ended_by)


def who_hung_up(source: str, track: CallTrack) -> EndedBy:
    """Who hung up, by the channel that Asterisk names as the source; empty means that the PBX did, or a transfer."""
    if source == track.channel:
        return EndedBy.AGENT if track.outbound else EndedBy.CALLER
    if source and (any(leg.channel == source for leg in track.legs.values()) or device_of(source)):
        return EndedBy.CALLER if track.outbound else EndedBy.AGENT
    return EndedBy.SYSTEM

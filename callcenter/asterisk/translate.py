"""AMI messages of one PBX in, events of the engine out: synchronous, no I/O, no clock.

Theory: the dialplan says what a caller's channel does (UserEvents of ARCHITECTURE.md); Asterisk's own events say the rest:
which channel Dial made for an offer (DialBegin), that it rings (DialState), who is in which bridge (BridgeEnter,
BridgeLeave), hold, and that a channel is gone (Hangup). Order is promised per channel only, so each handler takes what is
known and waits for the rest. "Answered" is the later of the two bridge entries. Instants are the message's Timestamp, cut
to milliseconds here and nowhere else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from acd import events as e
from acd.names import CallId, EndedBy, HandOverMode, OfferResult
from agents.presence import DeviceState
from callcenter.asterisk.message import AmiMessage
from callcenter.asterisk.offer_end import offer_result
from callcenter.asterisk.stamps import milliseconds
from callcenter.asterisk.target import parse_target
from callcenter.asterisk.tracks import CallTrack, Leg, Tracks, device_of

KEPT_EVENTS = frozenset(
    {
        "UserEvent",
        "DialBegin",
        "DialState",
        "BridgeEnter",
        "BridgeLeave",
        "Hold",
        "Unhold",
        "Hangup",
        "DeviceStateChange",
    }
)

DEVICE_STATES = {
    "NOT_INUSE": DeviceState.IDLE,
    "INUSE": DeviceState.BUSY,
    "BUSY": DeviceState.BUSY,
    "RINGING": DeviceState.BUSY,
    "RINGINUSE": DeviceState.BUSY,
    "ONHOLD": DeviceState.BUSY,
    "UNAVAILABLE": DeviceState.UNREACHABLE,
    "INVALID": DeviceState.UNREACHABLE,
    "UNKNOWN": DeviceState.UNKNOWN,
}

_WHO = {"caller": EndedBy.CALLER, "agent": EndedBy.AGENT, "system": EndedBy.SYSTEM, "other": EndedBy.UNKNOWN}

_SIGNS_OF_LIFE = frozenset({"RINGING", "PROGRESS"})
"""A 180 or a 183; PROCEEDING is a 100 Trying, which a proxy sends for a phone that is dead."""


@dataclass(frozen=True, slots=True)
class FeatureUsed:
    """A phone dialled a feature code and waits for our reply on its own channel."""

    pbx: str
    channel: str
    """Uniqueid of the phone's channel: where the reply goes."""
    at_ms: int
    code: str
    device: str
    agent: str = ""
    proof: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WishFenced:
    """The dialplan refused our wish because our epoch is revoked: we are not the leader any more."""

    pbx: str
    at_ms: int
    epoch: int


@dataclass(frozen=True, slots=True)
class FallbackEntered:
    """A caller went into the PBX's own queue because our heartbeat was stale."""

    call: CallId
    at_ms: int
    is_in: bool


Told: TypeAlias = e.Event | FeatureUsed | WishFenced | FallbackEntered


class Translator:
    """Reads the events of one PBX; keeps the tracks that the switch needs to find a leg."""

    def __init__(self, pbx: str) -> None:
        self.pbx = pbx
        self.tracks = Tracks()
        self._handlers: dict[str, Callable[[AmiMessage, int], Iterable[Told]]] = {
            "CcArrived": self._arrived,
            "CcMenu": lambda m, at: self._known(m, lambda t: [e.MenuStarted(t.call, at)]),
            "CcQueued": lambda m, at: self._known(m, lambda t: [e.CallQueued(t.call, at)]),
            "CcHolding": self._holding,
            "CcConnecting": self._connecting,
            "CcOfferEnd": self._offer_end,
            "CcFenced": self._fenced,
            "CcFallback": self._fallback,
            "CcEnd": self._end,
            "CcTopic": self._topic,
            "CcTransfer": self._transfer,
            "CcFeature": self._feature,
            "CcOutbound": self._outbound,
            "DialBegin": self._dial_begin,
            "DialState": self._dial_state,
            "BridgeEnter": self._bridge_enter,
            "BridgeLeave": self._bridge_leave,
            "Hold": lambda m, at: self._leg_hold(m, at, True),
            "Unhold": lambda m, at: self._leg_hold(m, at, False),
            "Hangup": self._hangup,
            "DeviceStateChange": self._device,
        }

    def translate(self, message: AmiMessage) -> list[Told]:
        """Return what this message means, in order; [] when it means nothing to us. Messages without a Timestamp are not ours."""
        handler = self._handlers.get(message.name)
        at_ms = message.at_ms
        if handler is None or at_ms is None:
            return []
        return list(handler(message, at_ms))

    def _track(self, message: AmiMessage) -> CallTrack | None:
        return self.tracks.calls.get(message.get("Uniqueid", ""))

    def _known(self, message: AmiMessage, tell: Callable[[CallTrack], list[Told]]) -> list[Told]:
        track = self._track(message)
        return [] if track is None else tell(track)

    # --- the dialplan's own words

    def _arrived(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        call = CallId(self.pbx, m.get("Uniqueid", ""))
        if call.uniqueid in self.tracks.calls:
            return
        self.tracks.calls[call.uniqueid] = CallTrack(call, m.get("Channel", ""))
        yield e.CallArrived(
            call=call,
            at_ms=milliseconds(m.get("Arrived"))
            or at_ms,  # as a snapshot will tell it: the order of callers survives us
            did=m.get("Did", ""),
            line=m.get("Line") or None,
            caller_number=_text(m.get("CallerIDNum", "")),
            caller_name=_text(m.get("CallerIDName", "")),
            sip_call_id=m.get("SipCallId", ""),
            has_menu=m.get("Menu") == "1",
            is_test=m.get("Test") == "1",
        )

    def _holding(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        track = self._track(m)
        if track is not None:
            track.offer = None
            yield e.CallHolding(track.call, at_ms)

    def _connecting(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        track, target = self._track(m), parse_target(m.get("Target", ""))
        if track is None or target is None:
            return
        track.offer = target.offer
        yield e.OfferConnecting(track.call, target.offer, at_ms)

    def _offer_end(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        track, target = self._track(m), parse_target(m.get("Target", ""))
        if track is None or target is None:
            return
        status, cause = m.get("Status", ""), m.get("Cause", "")
        if track.offer == target.offer:
            track.offer = None
        if status == "ANSWER":
            return
        elapsed_s = _number(m.get("ElapsedMs")) / 1000
        result = offer_result(status, int(_number(cause)), elapsed_s, float(target.ring_s))
        yield e.OfferEnded(track.call, target.offer, at_ms, result, f"{status}/{cause}")

    def _fenced(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        target = parse_target(m.get("Target", ""))
        if target is None:
            return
        track = self._track(m)
        if track is not None:
            yield e.OfferEnded(track.call, target.offer, at_ms, OfferResult.FAILED, "fenced")
        yield WishFenced(self.pbx, at_ms, target.epoch)

    def _fallback(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        track = self._track(m)
        if track is not None:
            yield FallbackEntered(track.call, at_ms, m.get("State") == "entered")

    def _end(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        track = self._track(m)
        if track is not None:
            track.ended_by = _WHO.get(m.get("Who", "")) or _who(m.get("By", ""), track)
        return ()

    def _topic(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        offer = m.get("Offer", "")
        leg = self.tracks.legs.get(m.get("Uniqueid", "")) or self.tracks.leg_of(offer)
        if leg is not None and leg.offer is not None:
            mode = HandOverMode.THREE_WAY if m.get("Mode") == "three_way" else HandOverMode.BLIND
            yield e.HandOverAsked(leg.call, leg.offer, m.get("Topic", ""), mode, at_ms)

    def _transfer(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        track = self._track(m)
        if track is not None:
            yield e.HandOverAsked(track.call, track.last_offer, m.get("Topic", ""), HandOverMode.BLIND, at_ms)

    def _feature(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        yield FeatureUsed(
            self.pbx,
            m.get("Uniqueid", ""),
            at_ms,
            m.get("Code", ""),
            m.get("Endpoint", ""),
            m.get("Agent", ""),
            m.get("Proof", ""),
            m.get("Reason", ""),
        )

    def _outbound(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        uniqueid = m.get("Uniqueid", "")
        if m.get("State") == "ended":
            track = self._track(m)
            if track is not None:
                track.status = m.get("Status", "")
        elif uniqueid not in self.tracks.calls:
            call, device = CallId(self.pbx, uniqueid), m.get("Endpoint", "")
            self.tracks.calls[uniqueid] = CallTrack(call, m.get("Channel", ""), outbound=True, device=device)
            yield e.OutboundStarted(call, device, m.get("Number", ""), m.get("Line") or None, at_ms)

    # --- Asterisk's own events

    def _dial_begin(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        track, dest = self._track(m), m.get("DestUniqueid", "")
        if track is not None and dest and dest not in self.tracks.legs:
            channel = m.get("DestChannel", "")
            self.tracks.add_leg(track, Leg(dest, track.call, track.offer, device_of(channel), channel))
        return ()

    def _dial_state(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        leg = self.tracks.legs.get(m.get("DestUniqueid", ""))
        if leg is None or leg.offer is None or leg.rang or m.get("DialStatus") not in _SIGNS_OF_LIFE:
            return
        leg.rang = True
        yield e.OfferRinging(leg.call, leg.offer, at_ms)

    def _bridge_enter(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        uniqueid, bridge = m.get("Uniqueid", ""), m.get("BridgeUniqueid", "")
        self.tracks.enter(bridge, uniqueid)
        track = self.tracks.calls.get(uniqueid)
        if track is not None:
            track.bridge, track.bridged_ms = bridge, at_ms
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
        leg = self.tracks.legs.get(other)
        if leg is None:
            leg = Leg(other, track.call, None, device_of(channel), channel)
            self.tracks.add_leg(track, leg)
        leg.bridge = bridge
        if leg.talks:
            return
        leg.talks = True
        if track.outbound:
            if not track.answered:
                track.answered = True
                yield e.OutboundAnswered(track.call, at_ms)
        elif leg.offer is None:
            yield e.PartyJoined(track.call, leg.device, at_ms)
        else:
            track.last_offer = leg.offer
            yield e.OfferAnswered(track.call, leg.offer, at_ms)

    def _bridge_leave(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
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

    def _leg_hold(self, m: AmiMessage, at_ms: int, on: bool) -> Iterable[Told]:
        leg = self.tracks.legs.get(m.get("Uniqueid", ""))
        if leg is not None and leg.offer is not None:
            yield e.HoldStarted(leg.call, leg.offer, at_ms) if on else e.HoldEnded(leg.call, leg.offer, at_ms)

    def _hangup(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        uniqueid = m.get("Uniqueid", "")
        leg = self.tracks.legs.get(uniqueid)
        if leg is not None:
            owner = self.tracks.calls.get(leg.call.uniqueid)
            if owner is not None:
                yield from self._parted(owner, leg, at_ms)
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

    def _device(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        technology, _, device = m.get("Device", "").partition("/")
        state = DEVICE_STATES.get(m.get("State", ""))
        if technology == "PJSIP" and device and state is not None:
            yield e.DeviceChanged(device, state, at_ms)


def _who(source: str, track: CallTrack) -> EndedBy:
    """Who hung up, by the channel that Asterisk names as the source; empty means that the PBX did, or a transfer."""
    if source == track.channel:
        return EndedBy.AGENT if track.outbound else EndedBy.CALLER
    if source and (any(leg.channel == source for leg in track.legs.values()) or device_of(source)):
        return EndedBy.CALLER if track.outbound else EndedBy.AGENT
    return EndedBy.SYSTEM


def _text(value: str) -> str:
    """Asterisk's word for "no caller id" is no name."""
    return "" if value in ("<unknown>", "anonymous") else value


def _number(value: str | None) -> float:
    try:
        return float(value or 0)
    except ValueError:
        return 0.0

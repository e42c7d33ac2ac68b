"""AMI messages of one PBX in, events of the engine out: synchronous, no I/O, no clock.

Theory: the dialplan says what a caller's channel does (UserEvents of ARCHITECTURE.md); Asterisk's own events say the rest:
which channel Dial made for an offer (DialBegin), that it rings (DialState), who is in which bridge (BridgeEnter,
BridgeLeave), hold, and that a channel is gone (Hangup). Order is promised per channel only, so each handler takes what is
known and waits for the rest. "Answered" is the later of the two bridge entries. Instants are the message's Timestamp, cut
to milliseconds here and nowhere else.
"""

from collections.abc import Callable, Iterable

from acd import events as e
from acd.names import CallId, EndedBy, HandOverMode, OfferResult
from agents.presence import DeviceState
from callcenter.asterisk.after_talk import rating_told, recording_told
from callcenter.asterisk.legs import LegReader, who_hung_up
from callcenter.asterisk.message import AmiMessage
from callcenter.asterisk.offer_end import offer_result, outbound_end
from callcenter.asterisk.stamps import milliseconds
from callcenter.asterisk.target import parse_target
from callcenter.asterisk.told import DialAsked, FallbackEntered, FeatureUsed, Told, WishFenced
from callcenter.asterisk.tracks import CallTrack, ConsultTrack, Tracks

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
_UNTOLD = -1
"""A hang-up cause that nobody told: no cause of Q.850."""


class Translator:
    """Reads the events of one PBX; keeps the tracks that the switch needs to find a leg."""

    def __init__(self, pbx: str) -> None:
        self.pbx = pbx
        self.tracks = Tracks()
        self.legs = LegReader(self.tracks)
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
            "CcVoicemail": self._voicemail,
            "CcTopic": self._topic,
            "CcLeg": self.legs.leg,
            "CcConsult": self._consult,
            "CcTransfer": self._transfer,
            "CcFeature": self._feature,
            "CcOutbound": self._outbound,
            "CcRecording": lambda m, at: self._known(m, lambda t: recording_told(m, t.call, at)),
            "CcRating": lambda m, at: self._known(m, lambda t: rating_told(m, t.call, at)),
            "DialBegin": self.legs.dial_begin,
            "DialState": self.legs.dial_state,
            "BridgeEnter": self.legs.bridge_enter,
            "BridgeLeave": self.legs.bridge_leave,
            "Hold": lambda m, at: self.legs.leg_hold(m, at, True),
            "Unhold": lambda m, at: self.legs.leg_hold(m, at, False),
            "Hangup": self.legs.hangup,
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
        track.offer, track.offered_ms, track.ring_s = target.offer, at_ms, float(target.ring_s)
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
            track.ended_by = _WHO.get(m.get("Who", "")) or who_hung_up(m.get("By", ""), track)
            yield from self._dial_had_ended(track, m, at_ms)

    def _dial_had_ended(self, track: CallTrack, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        """Dial() had come back, but its caller was gone before the dialplan could say so in `CcOfferEnd`."""
        status = m.get("Status", "")
        if track.offer is None or m.get("Place") != "offer" or status in ("", "CANCEL", "ANSWER"):
            return
        elapsed_s = (at_ms - track.offered_ms) / 1000
        result = offer_result(status, _UNTOLD, elapsed_s, track.ring_s)
        yield e.OfferEnded(track.call, track.offer, at_ms, result, f"{status}/")
        track.offer = None

    def _voicemail(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        track = self._track(m)
        if track is not None:
            length_ms = m.get("LengthMs") or ""
            size = m.get("Size") or ""
            yield e.VoicemailLeft(
                track.call,
                at_ms,
                m.get("File", ""),
                int(size) if size.isascii() and size.isdigit() else None,
                int(length_ms) if length_ms.isascii() and length_ms.isdigit() else None,
            )

    def _topic(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        offer = m.get("Offer", "")
        leg = self.tracks.legs.get(m.get("Uniqueid", "")) or self.tracks.leg_of(offer)
        if leg is not None and leg.offer is not None:
            mode = HandOverMode.THREE_WAY if m.get("Mode") == "three_way" else HandOverMode.BLIND
            yield e.HandOverAsked(leg.call, leg.offer, m.get("Topic", ""), mode, at_ms)

    def _consult(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        uniqueid, device, topic = m.get("Uniqueid", ""), m.get("Endpoint", ""), m.get("Topic", "")
        consult = self.tracks.consults.get(uniqueid)
        if consult is None:
            consult = self.tracks.consults[uniqueid] = ConsultTrack(CallId(self.pbx, uniqueid), device, topic)
        if m.get("State") == "dialling":
            target = parse_target(m.get("Target", ""))
            consult.number = "" if target is None else target.digits
        else:
            yield e.ConsultAsked(consult.consult, device, topic, at_ms)

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
        uniqueid, state = m.get("Uniqueid", ""), m.get("State")
        device, number = m.get("Endpoint", ""), m.get("Number", "")
        if state == "asked":
            yield DialAsked(self.pbx, uniqueid, at_ms, device, number, m.get("Code") == "call_back")
        elif state == "ended":
            track = self._track(m)
            if track is not None:
                track.status = outbound_end(m.get("Status", ""), m.get("Cause", ""))
                track.ended_by = who_hung_up(m.get("By", ""), track)
        elif state == "started" and uniqueid not in self.tracks.calls:
            call = CallId(self.pbx, uniqueid)
            self.tracks.calls[uniqueid] = CallTrack(call, m.get("Channel", ""), outbound=True, device=device)
            yield e.OutboundStarted(
                call,
                device,
                number,
                m.get("Line") or None,
                milliseconds(m.get("Dialled")) or at_ms,
                m.get("Follows") or None,
            )

    def _device(self, m: AmiMessage, at_ms: int) -> Iterable[Told]:
        technology, _, device = m.get("Device", "").partition("/")
        state = DEVICE_STATES.get(m.get("State", ""))
        if technology == "PJSIP" and device and state is not None:
            yield e.DeviceChanged(device, state, at_ms)


def _text(value: str) -> str:
    """Asterisk's word for "no caller id" is no name."""
    return "" if value in ("<unknown>", "anonymous") else value


def _number(value: str | None) -> float:
    try:
        return float(value or 0)
    except ValueError:
        return 0.0

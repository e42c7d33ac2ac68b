"""What lives on the PBX now: read on every (re)connect, because the PBX is the truth about calls.

Theory: one `Status` action lists all channels with the few variables that the dialplan and we put on callers (tokens of
ours only: Asterisk does not escape values). A channel that has CC_ARRIVED is a caller (legs do not inherit it). The bridge
that it shares with another channel says with whom it talks; CC_PLACE says where it rests; CC_TARGET which offer it
follows. A channel with CC_ENDPOINT and CC_OUT is a phone that dials out (`found_outbound`). The tracks are made anew from
the same list, so that the events that follow can be read.
"""

from collections.abc import Iterable, Mapping, Sequence

from acd import events as e
from acd.names import CallId, EndedBy
from callcenter.asterisk.message import Action, AmiMessage
from callcenter.asterisk.stamps import milliseconds
from callcenter.asterisk.target import HOLD, OUT, REJECT, Target, parse_target
from callcenter.asterisk.tracks import CallTrack, Leg, Tracks, device_of

VARIABLES = (
    "CC_ARRIVED",
    "CC_QUEUED",
    "CC_LINE",
    "CC_DID",
    "CC_PLACE",
    "CC_TARGET",
    "CC_ANSWERED",
    "CC_SCORE",
    "CC_SIPID",
    "CC_OFFER",
    "CC_TEST",
    "CC_ENDPOINT",
    "CC_OUT",
)

UNSET = "(null)"
"""What Asterisk 22 writes for a variable that a channel does not have."""

_Row = tuple[AmiMessage, dict[str, str]]


def status_action(uniqueid: str | None = None) -> Action:
    """Return the action that lists all channels, or one."""
    action: dict[str, str] = {"Action": "Status", "Variables": ",".join(VARIABLES)}
    if uniqueid is not None:
        action["Channel"] = uniqueid
    return action


def found_calls(
    pbx: str, channels: Iterable[AmiMessage], at_ms: int, tracks: Tracks, *, keep_tracks: bool = False
) -> list[e.CallFound]:
    """Read a list of channels into `tracks` (emptied first unless `keep_tracks`) and return the callers, oldest first."""
    rows = [(message, _variables(message)) for message in channels if message.event == "Status"]
    if not keep_tracks:
        tracks.clear()
    for message, _ in rows:
        bridge = message.get("BridgeID", "")
        if bridge:
            tracks.enter(bridge, message.get("Uniqueid", ""))
    callers = [(m, v) for m, v in rows if v.get("CC_ARRIVED")]
    for message, _ in callers:
        call = CallId(pbx, message.get("Uniqueid", ""))
        track = CallTrack(call, message.get("Channel", ""), bridge=message.get("BridgeID") or None)
        tracks.calls.setdefault(call.uniqueid, track)
    _find_legs(rows, callers, tracks)
    found = [_found(m, v, at_ms, tracks) for m, v in callers]
    return sorted(found, key=lambda one: (one.arrived_ms, _in_order(one.call.uniqueid)))


def found_outbound(
    pbx: str, channels: Iterable[AmiMessage], at_ms: int, tracks: Tracks, before: Mapping[str, CallTrack]
) -> list[e.OutboundStarted | e.OutboundAnswered | e.OutboundEnded]:
    """Read phones that dial out into `tracks` and return what is new against `before` (calls as tracked so far)."""
    told: list[e.OutboundStarted | e.OutboundAnswered | e.OutboundEnded] = []
    living: set[str] = set()
    for message in channels:
        variables = _variables(message)
        uniqueid, device = message.get("Uniqueid", ""), variables.get("CC_ENDPOINT", "")
        if message.event != "Status" or variables.get("CC_ARRIVED") or not (device and variables.get("CC_OUT")):
            continue
        living.add(uniqueid)
        call, old = CallId(pbx, uniqueid), before.get(uniqueid)
        bridge = message.get("BridgeID") or None
        track = CallTrack(call, message.get("Channel", ""), outbound=True, device=device, bridge=bridge)
        track.answered = bridge is not None or (old is not None and old.answered)
        tracks.calls[uniqueid] = track
        if old is None:
            told.append(e.OutboundStarted(call, device, variables["CC_OUT"], variables.get("CC_LINE") or None, at_ms))
        if track.answered and not (old is not None and old.answered):
            told.append(e.OutboundAnswered(call, at_ms))
    gone = [old for uniqueid, old in before.items() if old.outbound and uniqueid not in living]
    return told + [e.OutboundEnded(o.call, at_ms, EndedBy.UNKNOWN, "ANSWER" if o.answered else o.status) for o in gone]


def _variables(message: AmiMessage) -> dict[str, str]:
    """The variables of a Status event that are set; `Variable: NAME=value` lines, first value wins."""
    found = message.variables("Variable")
    return {name: value for name, value in found.items() if name in VARIABLES and value != UNSET}


def _find_legs(rows: Sequence[_Row], callers: Sequence[_Row], tracks: Tracks) -> None:
    """Tie legs to their callers: by the offer that the leg inherited, else by the bridge they share, else (a phone that the
    PBX's own queue rings) by Linkedid."""
    offers: dict[str, CallTrack] = {}
    for message, variables in rows:
        track = tracks.calls.get(message.get("Uniqueid", ""))
        target = parse_target(variables.get("CC_TARGET", ""))
        if track is not None and target is not None:
            track.offer = target.offer
            offers[target.offer] = track
    in_queue = {
        m.get("Linkedid", ""): tracks.calls[m.get("Uniqueid", "")]
        for m, v in callers
        if v.get("CC_PLACE") == "fallback"
    }
    by_bridge = {track.bridge or "": track for track in tracks.calls.values() if track.bridge}
    for message, variables in rows:
        uniqueid, bridge = message.get("Uniqueid", ""), message.get("BridgeID") or None
        if uniqueid in tracks.calls or uniqueid in tracks.legs:
            continue
        offer = variables.get("CC_OFFER") or None
        owner = offers.get(offer) if offer else by_bridge.get(bridge or "") or in_queue.get(message.get("Linkedid", ""))
        if owner is None:
            continue
        channel = message.get("Channel", "")
        leg = Leg(uniqueid, owner.call, offer, device_of(channel), channel, bridge=bridge, rang=True)
        leg.talks = bridge is not None and bridge == owner.bridge
        if leg.talks and offer is not None:
            owner.last_offer = offer
        tracks.add_leg(owner, leg)


def _found(message: AmiMessage, variables: dict[str, str], at_ms: int, tracks: Tracks) -> e.CallFound:
    track = tracks.calls[message.get("Uniqueid", "")]
    arrived_ms = milliseconds(variables.get("CC_ARRIVED")) or at_ms
    target = parse_target(variables.get("CC_TARGET", ""))
    talking = [leg for leg in track.legs.values() if leg.talks]
    place = _place(variables.get("CC_PLACE", ""), target, bool(talking), len(track.legs) > len(talking))
    phone = talking[0] if talking else None
    number = phone.device if phone is not None and place == "fallback_talk" else (target.digits if target else "")
    answered_ms = _whole(variables.get("CC_ANSWERED"))
    return e.CallFound(
        call=track.call,
        at_ms=at_ms,
        place=place,
        arrived_ms=arrived_ms,
        queued_ms=milliseconds(variables.get("CC_QUEUED")),
        score_ms=_whole(variables.get("CC_SCORE")) or arrived_ms,
        line=variables.get("CC_LINE") or None,
        did=variables.get("CC_DID", ""),
        caller_number=message.get("CallerIDNum", "").replace("<unknown>", ""),
        caller_name=message.get("CallerIDName", "").replace("<unknown>", ""),
        sip_call_id=variables.get("CC_SIPID", ""),
        offer=target.offer if target is not None and target.kind not in (REJECT, OUT, HOLD) else None,
        kind=target.kind if target is not None else "",
        number=number,
        answered_ms=answered_ms if talking else None,
        first_answered_ms=answered_ms,
        is_test=variables.get("CC_TEST") == "1",
    )


def _place(written: str, target: Target | None, talks: bool, rings: bool) -> str:
    """One of `CallFound.place`, from what the dialplan wrote, who shares the bridge, and whose phone rings for him."""
    if talks:
        return "fallback_talk" if written == "fallback" else "talk"
    if written == "fallback" and rings:
        return "fallback_ring"
    if written == "offer" and target is not None and target.kind in (REJECT, OUT):
        return "exit"
    return {"menu": "menu", "offer": "offer", "fallback": "fallback", "exit": "exit"}.get(written, "rest")


def _in_order(uniqueid: str) -> tuple[int, str]:
    """A key that sorts Uniqueids (`name-seconds.n`) of one second as Asterisk counted them: .9 before .10."""
    count = uniqueid.rpartition(".")[2]
    return (int(count) if count.isascii() and count.isdigit() else 0, uniqueid)


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None

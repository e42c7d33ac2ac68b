"""What lives on the PBX now: read on every (re)connect, because the PBX is the truth about calls.

Theory: one `Status` action lists all channels with the few variables that the dialplan and we put on callers (tokens of
ours only: Asterisk does not escape values). A channel that has CC_ARRIVED is a caller (legs do not inherit it). The bridge
that it shares with another channel says with whom it talks; CC_PLACE says where it rests; CC_TARGET which offer it
follows. A channel with CC_DIALLED is a phone that dials out (`found_outbound`). The tracks are made anew from
the same list, so that the events that follow can be read.
"""

from collections.abc import Iterable, Mapping, Sequence

from acd import events as e
from acd.names import CallId, EndedBy
from callcenter.asterisk.hand_over_tag import parse_hand_over
from callcenter.asterisk.message import Action, AmiMessage
from callcenter.asterisk.offer_end import offer_result
from callcenter.asterisk.put_back import brought_back, over_at
from callcenter.asterisk.stamps import milliseconds
from callcenter.asterisk.target import EXITS, HOLD, INSURANCE, Target, parse_target
from callcenter.asterisk.tracks import CallTrack, ConsultTrack, Invite, Leg, Tracks, device_of

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
    "CC_EXIT",
    "CC_RECORDING",
    "CC_DIALLED",
    "CC_FOLLOWS",
    "CC_GO",
    "CC_CALLER",
    "CC_SEAT",
    "CC_CONSULT",
    "CC_TOPIC",
    "CC_HANDOVER",
    "CC_LAST",
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
    _find_consults(pbx, rows, tracks)
    _find_legs(rows, callers, tracks, at_ms)
    found = brought_back([_found(m, v, at_ms, tracks) for m, v in callers], at_ms)
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
        dialled_ms = milliseconds(variables.get("CC_DIALLED"))
        if message.event != "Status" or variables.get("CC_ARRIVED") or dialled_ms is None:
            continue  # a phone that still asks has no CC_DIALLED: it is no call yet
        living.add(uniqueid)
        call, old = CallId(pbx, uniqueid), before.get(uniqueid)
        bridge = message.get("BridgeID") or None
        track = CallTrack(call, message.get("Channel", ""), outbound=True, device=device, bridge=bridge)
        track.answered = bridge is not None or (old is not None and old.answered)
        tracks.calls[uniqueid] = track
        if old is None:
            number, line = variables.get("CC_OUT", ""), variables.get("CC_LINE") or None
            follows = variables.get("CC_FOLLOWS") or None
            told.append(e.OutboundStarted(call, device, number, line, over_at(dialled_ms, at_ms), follows))
        if track.answered and not (old is not None and old.answered):
            answered_ms = over_at(_whole(variables.get("CC_ANSWERED")) or at_ms, at_ms)
            told.append(e.OutboundAnswered(call, answered_ms))
    gone = [old for uniqueid, old in before.items() if old.outbound and uniqueid not in living]
    return told + [e.OutboundEnded(o.call, at_ms, EndedBy.UNKNOWN, "ANSWER" if o.answered else o.status) for o in gone]


def _variables(message: AmiMessage) -> dict[str, str]:
    """The variables of a Status event that are set; `Variable: NAME=value` lines, first value wins."""
    found = message.variables("Variable")
    return {name: value for name, value in found.items() if name in VARIABLES and value != UNSET}


def found_consults(
    tracks: Tracks, at_ms: int, before: Mapping[str, ConsultTrack]
) -> list[e.ConsultFound | e.ConsultEnded]:
    """Return the consults that go on, and those of `before` that are over."""
    found = [e.ConsultFound(o.consult, o.device, o.topic, o.number, at_ms) for o in tracks.consults.values()]
    return found + [e.ConsultEnded(o.consult, at_ms) for uid, o in before.items() if uid not in tracks.consults]


def _find_consults(pbx: str, rows: Sequence[_Row], tracks: Tracks) -> None:
    """Read the phones that speak with a specialist (CC_CONSULT and CC_TOPIC), and the legs that they dialled (which
    inherited CC_CONSULT alone)."""
    phones: dict[str, ConsultTrack] = {}
    for message, variables in rows:
        uniqueid, device, topic = message.get("Uniqueid", ""), variables.get("CC_CONSULT"), variables.get("CC_TOPIC")
        if device and topic:
            target = parse_target(variables.get("CC_TARGET", ""))
            number = "" if target is None else target.digits
            phones[message.get("Channel", "")] = ConsultTrack(CallId(pbx, uniqueid), device, topic, number)
            tracks.consults[uniqueid] = phones[message.get("Channel", "")]
    for message, variables in rows:
        consult = phones.get(variables.get("CC_CALLER", ""))
        if consult is not None and not variables.get("CC_TOPIC") and variables.get("CC_CONSULT"):
            consult.legs[message.get("Uniqueid", "")] = consult.number


def _find_legs(rows: Sequence[_Row], callers: Sequence[_Row], tracks: Tracks, at_ms: int) -> None:
    """Tie legs to their callers: by the offer that the leg inherited, else by the bridge they share, else (a third person who
    is rung) by the caller's channel that it names, else (a phone that the PBX's own queue rings) by Linkedid."""
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
    by_channel = {track.channel: track for track in tracks.calls.values()}
    for message, variables in rows:
        uniqueid, bridge = message.get("Uniqueid", ""), message.get("BridgeID") or None
        if uniqueid in tracks.calls or uniqueid in tracks.legs or uniqueid in tracks.consults:
            continue
        offer = None if variables.get("CC_CONSULT") else variables.get("CC_OFFER") or None
        owner = offers.get(offer or "") or by_bridge.get(bridge or "")
        if owner is None and variables.get("CC_SEAT"):
            owner = by_channel.get(variables.get("CC_CALLER", ""))
        if owner is None and offer is None:
            owner = in_queue.get(message.get("Linkedid", ""))
        if owner is None:
            continue
        channel = message.get("Channel", "")
        leg = Leg(uniqueid, owner.call, offer, device_of(channel), channel, bridge=bridge, rang=True)
        leg.talks = bridge is not None and bridge == owner.bridge
        own = parse_target(variables.get("CC_TARGET", ""))
        leg.number = "" if own is None else own.digits
        if own is not None and variables.get("CC_SEAT"):
            leg.invite = Invite(at_ms, own.ring_s, has_joined=leg.talks)
        if leg.talks and offer is not None:
            owner.last_offer = offer
        tracks.add_leg(owner, leg)


def _found(message: AmiMessage, variables: dict[str, str], at_ms: int, tracks: Tracks) -> e.CallFound:
    track = tracks.calls[message.get("Uniqueid", "")]
    arrived_ms = milliseconds(variables.get("CC_ARRIVED")) or at_ms
    target = parse_target(variables.get("CC_TARGET", ""))
    talking = [leg for leg in track.legs.values() if leg.talks]
    place = _place(variables.get("CC_PLACE", ""), target, bool(talking), len(track.legs) > len(talking))
    first = _first(talking, target)
    number = target.digits if target else ""
    offer = target.offer if target is not None and target.kind not in {*EXITS, HOLD} else None
    if first is not None and (place == "fallback_talk" or first.offer is None or first.offer != offer):
        offer, number = first.offer, first.number or first.device
    answered_ms = _whole(variables.get("CC_ANSWERED"))
    score_ms = _whole(variables.get("CC_SCORE")) or arrived_ms  # moved: he has talked before, and waited again
    return e.CallFound(
        call=track.call,
        at_ms=at_ms,
        place=place,
        arrived_ms=arrived_ms,
        queued_ms=milliseconds(variables.get("CC_QUEUED")),
        score_ms=score_ms,
        line=variables.get("CC_LINE") or None,
        did=variables.get("CC_DID", ""),
        caller_number=message.get("CallerIDNum", "").replace("<unknown>", ""),
        caller_name=message.get("CallerIDName", "").replace("<unknown>", ""),
        sip_call_id=variables.get("CC_SIPID", ""),
        offer=offer,
        kind=target.kind if target is not None else "",
        number=number,
        answered_ms=answered_ms if place == "talk" and score_ms == arrived_ms else None,
        first_answered_ms=answered_ms,
        is_test=variables.get("CC_TEST") == "1",
        reason=variables.get("CC_EXIT", "") if place == "exit" else "",
        recording=variables.get("CC_RECORDING", ""),
        parties=_parties(track, first) if place == "talk" else (),
        hand_over=parse_hand_over(variables.get("CC_HANDOVER", "")),
        last=_last_dial(variables.get("CC_LAST", ""), at_ms),
        is_insured=variables.get("CC_GO", "").startswith(f"{HOLD}*{INSURANCE}*"),
    )


def _last_dial(text: str, at_ms: int) -> e.LastDial | None:
    """Read `<target>*<status>*<cause>*<elapsed ms>*<end, ms>`, as the dialplan leaves it; None where no phone was dialled."""
    parts = text.split("*")
    target, (status, cause, *instants) = parse_target("*".join(parts[:5])), (parts[5:] + [""] * 4)[:4]
    elapsed_ms, ended_ms = (_whole(one) for one in instants)
    if target is None or not status or elapsed_ms is None or ended_ms is None:
        return None
    result = offer_result(status, _whole(cause) or 0, elapsed_ms / 1000, target.ring_s)
    ended_ms = min(ended_ms, at_ms)
    return e.LastDial(target.offer, target.digits, result, f"{status}/{cause}", ended_ms - elapsed_ms, ended_ms)


def _first(talking: Sequence[Leg], target: Target | None) -> Leg | None:
    """Return who of those who talk stands for the talk: whom the caller was dialled to, else one with an offer, else any."""
    dialled = [leg for leg in talking if target is not None and leg.offer == target.offer]
    return next(iter([*dialled, *(leg for leg in talking if leg.offer is not None), *talking]), None)


def _parties(track: CallTrack, first: Leg | None) -> tuple[e.FoundParty, ...]:
    """Everybody who talks with a caller (`first` first), and who is rung to be the third."""
    legs = sorted(track.legs.values(), key=lambda leg: leg is not first)
    return tuple(
        e.FoundParty(leg.offer, leg.number or leg.device, leg.talks, leg.uniqueid)
        for leg in legs
        if leg.talks or (leg.invite is not None and leg.invite.has_joined is False)
    )


def _place(written: str, target: Target | None, talks: bool, rings: bool) -> str:
    """One of `CallFound.place`, from what the dialplan wrote, who shares the bridge, and whose phone rings for him."""
    if talks:
        return "fallback_talk" if written == "fallback" else "talk"
    if written == "fallback" and rings:
        return "fallback_ring"
    if written == "offer" and target is not None and target.kind in EXITS:
        return "exit"
    return {"menu": "menu", "offer": "offer", "fallback": "fallback", "exit": "exit", "rating": "rating"}.get(
        written, "rest"
    )


def _in_order(uniqueid: str) -> tuple[int, str]:
    """A key that sorts Uniqueids (`name-seconds.n`) of one second as Asterisk counted them: .9 before .10."""
    count = uniqueid.rpartition(".")[2]
    return (int(count) if count.isascii() and count.isdigit() else 0, uniqueid)


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None

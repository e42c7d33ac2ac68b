"""What one conversation of CEL comes to: calls that came in, calls that were dialled out, and what is wrong with its rows (pure).

Theory of operation: which endpoints are phones of ours is told by the context that they are born in, `callcenter-phones`
(config/asterisk/README.md), and by who was logged in where; every other endpoint is an outside line, and a channel of one
that begins a Linkedid of its own and came into our dialplan is a caller. So neither the trunks' names nor the plan are
needed. Asterisk started anew while a call lived dropped it: answered ones stay answered, the others failed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from acd.names import CallId, Outcome
from callcenter.witness.calls import CelCall, DeviceUse, who_at
from callcenter.witness.channels import Channel, channels_of
from callcenter.witness.conversations import Conversation, pbx_of
from callcenter.witness.dialled import CelDialled, dialled
from callcenter.witness.rebuild import rebuild
from callcenter.witness.whole import Fault, faults_of

PHONES = "callcenter-phones"
OURS = "callcenter-"


@dataclass(frozen=True, slots=True)
class CelAccount:
    """One conversation, told."""

    calls: tuple[CelCall, ...]
    dialled: Mapping[CallId, CelDialled]
    faults: Mapping[CallId, str]
    """What is wrong with the rows, by the call of this conversation that it is about."""
    loose: tuple[str, str] | None = None
    """What is wrong with the rows of a conversation that has no call, after the Linkedid that it is about."""


def account_of(conversation: Conversation, people: Sequence[DeviceUse]) -> CelAccount:
    """Tell a conversation that is over. `people`: who was to be reached where while it lasted."""
    rows = conversation.in_order()
    channels = channels_of(rows)
    outside = outside_lines(channels.values(), {use.device for use in people})
    if not channels:
        return CelAccount((), {}, {})
    pbx = pbx_of(rows[0].uniqueid)
    callers = {one.endpoint for one in channels.values() if one.endpoint in outside and _came_in(one)}
    found = rebuild(rows, pbx=pbx, callers=callers, devices=people, outside=outside)
    calls = tuple(_dropped(call) if conversation.is_dropped else call for call in found.calls)
    out = {
        CallId(pbx, one.uniqueid): _with_agent(one, channels, people, conversation.is_dropped)
        for one in dialled(rows, outside)
    }
    keys = [*(call.call for call in calls), *out]
    faults = faults_of(conversation)
    if not keys and faults:
        return CelAccount((), {}, {}, (faults[0].linkedid, "; ".join(fault.what for fault in faults)))
    return CelAccount(calls, out, _by_call(faults, pbx, keys))


def outside_lines(channels: Iterable[Channel], phones: Iterable[str]) -> frozenset[str]:
    """Return the endpoints that are outside lines."""
    ours = set(phones)
    return frozenset(
        one.endpoint
        for one in channels
        if one.born_in != PHONES and one.endpoint and one.endpoint not in ours and one.technology != "Local"
    )


def _came_in(channel: Channel) -> bool:
    ours = {context for context in channel.contexts if context.startswith(OURS)}
    return channel.linkedid == channel.uniqueid and bool(ours - {channel.born_in})


def _with_agent(
    one: CelDialled, channels: Mapping[str, Channel], people: Sequence[DeviceUse], is_dropped: bool
) -> CelDialled:
    use = who_at(people, one.device, channels[one.uniqueid].seen_ms)
    return replace(one, agent=None if use is None else use.agent, is_dropped=is_dropped and one.ended_ms is None)


def _dropped(call: CelCall) -> CelCall:
    if call.ended_ms is not None:
        return call
    outcome = Outcome.AGENT_ANSWERED if call.talks else Outcome.FAILED
    return replace(call, outcomes=frozenset({outcome}), is_dropped=True)


def _by_call(faults: Iterable[Fault], pbx: str, calls: Sequence[CallId]) -> dict[CallId, str]:
    """Give each fault to the call whose Linkedid it names, else to the first call of the conversation."""
    found: dict[CallId, list[str]] = {}
    for fault in faults:
        named = CallId(pbx, fault.linkedid)
        found.setdefault(named if named in calls else calls[0], []).append(fault.what)
    return {call: "; ".join(whats) for call, whats in found.items()}

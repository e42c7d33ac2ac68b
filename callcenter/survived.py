"""What survived us in the live state, as the engine is told it at a start, before any caller is found: orders, then agents.

Agents' states are the newest record of each; lines' orders are kept by the supervisor's hand. Callers survive by themselves:
the PBX tells them. Where the PBX's clock was put back, all of an agent's instants are moved (`callcenter.asterisk.put_back`).
"""

from collections.abc import Iterator

from acd import events as e
from acd.records import PresenceChanged
from callcenter.asterisk.put_back import excess_ms
from callcenter.hand import Hand
from callcenter.storage.live_state import LiveState


def survived(hand: Hand, live: LiveState, now_ms: int) -> Iterator[e.LineOrdered | e.AgentRestored]:
    """Return what a new engine must know before the first snapshot."""
    yield from hand.restored()
    records = list(live.agents())
    by_ms = excess_ms(max((record.at_ms for record in records), default=now_ms), now_ms)
    for record in records:
        yield _agent(record, now_ms, by_ms)


def _agent(record: PresenceChanged, now_ms: int, by_ms: int) -> e.AgentRestored:
    return e.AgentRestored(
        agent=record.agent,
        device=record.device,
        presence=record.presence,
        reason=record.reason,
        since_ms=record.at_ms - by_ms,
        ready_ms=record.ready_ms - by_ms,
        until_ms=None if record.until_ms is None else record.until_ms - by_ms,
        misses=record.misses,
        at_ms=now_ms,
        wants=record.wants,
    )

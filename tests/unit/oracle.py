"""A brute-force twin of the matching: scans everything, knows no index. Also the invariants of the engine's state."""

from collections import Counter
from collections.abc import Iterable

from acd.calls import Call, OfferState, Place
from acd.engine import Engine
from acd.selection import STRATEGIES
from agents.presence import DeviceState, Presence
from agents.roster import Agent
from agents.skills import satisfies


def can_take(engine: Engine, agent: Agent) -> bool:
    floor = engine._floor
    state = floor.roster.device_states.get(agent.device or "", DeviceState.UNKNOWN)
    return (
        agent.presence is Presence.READY
        and not agent.wants
        and agent.rest_until <= floor.now
        and state not in (DeviceState.BUSY, DeviceState.UNREACHABLE)
    )


def waits(engine: Engine, call: Call) -> bool:
    floor = engine._floor
    return call.place is Place.WAITING and call.id.pbx in floor.up and call not in floor.held_back


def fits(engine: Engine, call: Call, agent: Agent) -> bool:
    barred = call.barred.get(agent.number, 0.0) > engine._floor.now
    return not barred and satisfies(agent.skills, call.stage.need)


def greedy(
    engine: Engine, calls: Iterable[Call], agents: Iterable[Agent], turns: dict[str, int]
) -> list[tuple[str, str]]:
    """Return (uniqueid, agent) in the order in which the rule gives calls to agents."""
    free = list(agents)
    pairs = []
    for call in sorted(calls, key=lambda call: (call.score_key, call.arrived_ms, call.number)):
        could = [agent for agent in free if fits(engine, call, agent)]
        if not could:
            continue
        order = STRATEGIES[call.stage.line.strategy].order

        def key(agent: Agent, call: Call = call, order=order) -> tuple[int, int, str]:  # type: ignore[no-untyped-def]  # bound at once, not when it is called
            turn, agent.turn = agent.turn, turns.get(agent.number, 0)
            place = order(agent, call.stage.need)
            agent.turn = turn
            return (place, agent.ready_ms, agent.number)

        chosen = min(could, key=key)
        free.remove(chosen)
        pairs.append((call.id.uniqueid, chosen.number))
    return pairs


def check_state(engine: Engine) -> None:
    """Assert what must hold between any two steps."""
    floor = engine._floor
    calls = list(engine.calls.values())
    waiting = [call for call in calls if waits(engine, call)]
    able = [agent for agent in engine.agents if can_take(engine, agent)]
    assert not floor.fresh_calls and not floor.fresh_seats
    assert floor.gathering or not floor.held_back, "held back for nobody"
    assert all(call.place is Place.FALLBACK and call.id in engine.calls for call in floor.gathering)
    pairs = [(str(call.id), agent.number) for call in waiting for agent in able if fits(engine, call, agent)]
    assert not pairs, f"ready and able while a call waits: {pairs}"

    busy = Counter(offer.seat for call in calls for offer in call.talks.values() if offer.seat)
    busy.update(
        offer.seat for call in calls if (offer := call.offer) and offer.seat and offer not in call.talks.values()
    )
    for agent in engine.agents:
        seat = floor.seats[agent.number]
        is_on_call = agent.presence in (Presence.RINGING, Presence.TALKING, Presence.HOLD, Presence.DIALLING)
        if floor.up:
            assert not is_on_call or seat.offer is not None, f"{agent.number} is {agent.presence} on nothing"
        if seat.offer is not None:
            assert seat.offer.state is not OfferState.OVER
        assert (seat.stamp != 0) == (agent in able)
        if agent.device is not None:
            assert floor.roster.at_device[agent.device] is agent
    for call in calls:
        assert call.place is not Place.CLOSED
        assert not (call.is_turned_away and (call.place is Place.WAITING or call in floor.fresh_calls)), (
            "blocked, and waits"
        )
        assert (call.stamp != 0) == waits(engine, call)
        assert (call.place is Place.TALK) == bool(call.talks), (call.place, call.talks)
        assert (call.place is Place.OFFER) == (call.offer is not None and not call.talks), (call.place, call.offer)
    for need, slot in floor.needs.slots.items():
        assert slot.waiting == sum(call.slot is slot for call in waiting)
        assert slot.ready == sum(satisfies(agent.skills, need) for agent in able)
        logged_in = [agent for agent in engine.agents if agent.presence is not Presence.LOGGED_OUT]
        assert slot.staffed == sum(satisfies(agent.skills, need) for agent in logged_in)
    counted = Counter(call.counted for call in calls if call.counted)
    assert engine.waiting_by_line() == {code: counted[code] for code in engine.plan.lines}
    for code in engine.plan.lines:
        starts = [call.wait_from_ms for call in calls if call.counted == code]
        assert floor.oldest_ms(code) == (min(starts) if starts else None)
    dialled = Counter(offer.who for call in calls for offer in call.talks.values() if offer.specialist)
    dialled.update(call.offer.who for call in calls if call.offer and call.offer.specialist)
    dialled.update(one.specialist.number for one in floor.consults.values() if one.specialist)
    assert {who: n for who, n in floor.dialled.items() if n} == dict(dialled)

"""Who waits and who does what, kept in order, at a cost that goes with what changes and not with the size of the floor.

Theory of operation: records of the engine only mark agents and calls as touched; `update` then asks the engine how each of
them is now. So a record that is told twice, or out of order, changes nothing. Everything is looked at anew when the engine
or its plan is another one, and when our number of waiting calls is not the engine's.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from typing import Any

from acd.calls import Call, OfferState
from acd.engine import Engine
from acd.names import CallId
from acd.plan import Plan
from acd.records import PresenceChanged, Record
from agents.presence import DeviceState, Presence
from agents.roster import Agent
from callcenter.board.mask import masked

PER_STATE = 24
"""Agents of each state that are shown, those first who are in it longest."""
CALLERS = 12
"""Waiting callers that are shown, those first who wait longest."""
AGES_S = (0, 15, 30, 60, 120, 300)
"""Lower edges of the ages of waiting calls, seconds; the last one is open."""
NAME_LONGEST = 40

Row = dict[str, Any]


class FloorWatch:
    """Agents by state and waiting calls by age."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._plan: Plan | None = None
        """That of the engine when everything was looked at last."""
        self._touched_agents: set[str] = set()
        self._touched_calls: set[CallId] = set()
        self._agents: dict[str, tuple[Presence, int, Row]] = {}
        """Number -> state, since when (ms), row."""
        self._by_state: dict[Presence, list[tuple[int, str]]] = {presence: [] for presence in Presence}
        """State -> (since ms, number), in order."""
        self._unreachable: set[str] = set()
        """Numbers of agents who are logged in at a phone that cannot be reached."""
        self._calls: dict[CallId, int] = {}
        """Waiting call -> since when, ms."""
        self._by_age: list[tuple[int, CallId]] = []
        """(waits from ms, call), in order."""

    def observe(self, records: Iterable[Record]) -> None:
        """Mark what a step has touched."""
        for record in records:
            if isinstance(record, PresenceChanged):
                self._touched_agents.add(record.agent)
            elif (call := getattr(record, "call", None)) is not None:
                self._touched_calls.add(call)

    def update(self, engine: Engine | None) -> None:
        """Bring everything up to date with the engine; None: nobody distributes calls here."""
        if engine is None:
            self._forget(None)
            return
        if engine is not self._engine or engine.plan is not self._plan:
            self._look_at_all(engine)
        for number in self._touched_agents:
            self._see_agent(number, engine.agent(number), engine)
        for call in self._touched_calls:
            self._see_call(call, engine.calls.get(call))
        self._touched_agents.clear()
        self._touched_calls.clear()
        if len(self._by_age) != sum(engine.waiting_by_line().values()):
            self._look_at_all(engine)

    # what is to be seen -------------------------------------------------------------------------------------------

    def count(self, *states: Presence) -> int:
        """Return how many agents are in one of these states."""
        return sum(len(self._by_state[state]) for state in states)

    @property
    def unreachable(self) -> int:
        """How many agents are logged in at a phone that cannot be reached."""
        return len(self._unreachable)

    @property
    def waiting(self) -> int:
        """How many callers wait, those included for whom a phone rings."""
        return len(self._by_age)

    @property
    def oldest_ms(self) -> int | None:
        """Since when the longest waiting caller waits; None when nobody does."""
        return self._by_age[0][0] if self._by_age else None

    def agents(self) -> Iterator[tuple[str, Row]]:
        """Return (number, row) of those who are shown: nobody who is logged out."""
        for presence, members in self._by_state.items():
            if presence is not Presence.LOGGED_OUT:
                for _, number in members[:PER_STATE]:
                    yield number, self._agents[number][2]

    def callers(self) -> Iterator[tuple[str, Row]]:
        """Return (call, row) of the longest waiting callers, their numbers masked."""
        for from_ms, key in self._by_age[:CALLERS]:
            call = self._engine.calls.get(key) if self._engine is not None else None
            if call is not None:
                yield (
                    str(key),
                    {
                        "line": call.counted,
                        "from_ms": from_ms,
                        "number": masked(call.caller_number),
                        "rings": call.offer is not None and call.offer.state is OfferState.RINGING,
                    },
                )

    def ages(self, now_ms: int) -> list[tuple[int, int]]:
        """Return (lower edge in seconds, callers who wait so long) of each age."""
        older = [bisect_right(self._by_age, now_ms - edge * 1000, key=_from_ms) for edge in AGES_S]
        older[0] = len(self._by_age)  # an instant of the PBX may lie a little ahead of ours
        return [(edge, more - rest) for edge, more, rest in zip(AGES_S, older, [*older[1:], 0], strict=True)]

    # inside -------------------------------------------------------------------------------------------------------

    def _forget(self, engine: Engine | None) -> None:
        self._engine, self._plan = engine, engine.plan if engine is not None else None
        self._touched_agents.clear()
        self._touched_calls.clear()
        self._agents.clear()
        self._unreachable.clear()
        self._calls.clear()
        self._by_age.clear()
        for members in self._by_state.values():
            members.clear()

    def _look_at_all(self, engine: Engine) -> None:
        self._forget(engine)
        for agent in engine.agents:
            self._see_agent(agent.number, agent, engine)
        for call in engine.calls.values():
            self._see_call(call.id, call)

    def _see_agent(self, number: str, agent: Agent | None, engine: Engine) -> None:
        if (old := self._agents.pop(number, None)) is not None:
            members = self._by_state[old[0]]
            del members[bisect_left(members, (old[1], number))]
        self._unreachable.discard(number)
        if agent is None:
            return
        is_reachable = agent.device is None or engine.device_state(agent.device) is not DeviceState.UNREACHABLE
        if not is_reachable:
            self._unreachable.add(number)
        row = {
            "name": agent.name[:NAME_LONGEST],
            "state": agent.presence.value,
            "reason": agent.reason[:NAME_LONGEST],
            "since_ms": agent.since_ms,
            "until_ms": agent.until_ms,
            "reachable": is_reachable,
        }
        self._agents[number] = (agent.presence, agent.since_ms, row)
        insort(self._by_state[agent.presence], (agent.since_ms, number))

    def _see_call(self, key: CallId, call: Call | None) -> None:
        if (old := self._calls.pop(key, None)) is not None:
            del self._by_age[bisect_left(self._by_age, (old, key))]
        if call is not None and call.counted is not None:
            self._calls[key] = call.wait_from_ms
            insort(self._by_age, (call.wait_from_ms, key))


def _from_ms(entry: tuple[int, CallId]) -> int:
    return entry[0]

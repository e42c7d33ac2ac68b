"""One place per need, where the calls that have it and the agents who satisfy it meet.

Theory of operation: nothing here is ever scanned by number of calls or agents. All needs of a plan are known when it
comes into force (each line's need and what its steps make of it), so each gets one `Slot`. A waiting call is in the
slot of its need; a ready agent is in every slot that his skills satisfy (found through an inverted index by skill, and
remembered by set of skills). A slot holds a heap of waiting calls by score and, for each strategy that a line uses it
with, a heap of ready agents by that strategy's key. Leaving is lazy: entries carry a stamp, and one whose stamp is no
longer the call's or the agent's is dropped when it comes up; a heap that is more than half dead is rebuilt.

So a freed agent looks at the heads of his slots (some dozens), and a new call at the head of one heap.
"""

from collections.abc import Generator, Iterable, Mapping
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from acd.selection import STRATEGIES, Key
from agents.skills import Need, satisfies

if TYPE_CHECKING:
    from acd.calls import Call
    from acd.seat import Seat

_SLACK = 64
"""Dead entries that a heap may hold beyond the number of its live ones."""

CallEntry = tuple[float, int, int, int, "Call"]
"""(score key, arrived_ms, number of the call, stamp, call): first come first served inside an equal score."""
SeatEntry = tuple[Key, int, "Seat"]


class Slot:
    """One need: who waits with it, who is ready for it."""

    __slots__ = ("calls", "need", "ready", "seats", "staffed", "waiting")

    def __init__(self, need: Need, strategies: Iterable[str]) -> None:
        self.need = need
        self.calls: list[CallEntry] = []
        self.seats: dict[str, list[SeatEntry]] = {name: [] for name in strategies}
        self.waiting = 0
        """Calls that can be offered now."""
        self.ready = 0
        """Agents who can be offered a call now."""
        self.staffed = 0
        """Agents logged in who satisfy the need, whatever they do."""

    def __repr__(self) -> str:
        return f"<Slot {self.need.text}: {self.waiting} waiting, {self.ready} ready of {self.staffed}>"

    def add_call(self, call: "Call", stamp: int) -> None:
        """Let a call wait here; `call.stamp` becomes `stamp`."""
        call.stamp = stamp
        self.waiting += 1
        heappush(self.calls, (call.score_key, call.arrived_ms, call.number, stamp, call))
        if len(self.calls) > 2 * self.waiting + _SLACK:
            self.calls = [entry for entry in self.calls if entry[4].stamp == entry[3]]
            heapify(self.calls)

    def drop_call(self, call: "Call") -> None:
        """The call no longer waits here."""
        call.stamp = 0
        self.waiting -= 1

    def head(self) -> CallEntry | None:
        """Return the entry of the call that is first in order, None when none waits."""
        calls = self.calls
        while calls:
            entry = calls[0]
            if entry[4].stamp == entry[3]:
                return entry
            heappop(calls)
        return None

    def calls_in_order(self) -> Generator["Call", None, None]:
        """Yield waiting calls in order of score, cheaply if only the first few are taken; close it before adding."""
        aside: list[CallEntry] = []
        try:
            while (entry := self.head()) is not None:
                aside.append(heappop(self.calls))
                yield entry[4]
        finally:
            for entry in aside:
                if entry[4].stamp == entry[3]:
                    heappush(self.calls, entry)

    def add_seat(self, seat: "Seat") -> None:
        """A ready agent can be chosen here; his `stamp` is set already."""
        self.ready += 1
        stamp = seat.stamp
        for name, heap in self.seats.items():
            heappush(heap, (STRATEGIES[name].key(seat.agent, self.need), stamp, seat))
            if len(heap) > 2 * self.ready + _SLACK:
                heap[:] = [entry for entry in heap if entry[2].stamp == entry[1]]
                heapify(heap)

    def seats_in_order(self, strategy: str) -> Generator["Seat", None, None]:
        """Yield ready agents in the strategy's order, cheaply if only the first few are taken; no change meanwhile."""
        heap = self.seats[strategy]
        aside: list[SeatEntry] = []
        try:
            while heap:
                entry = heappop(heap)
                if entry[2].stamp != entry[1]:
                    continue
                aside.append(entry)
                yield entry[2]
        finally:
            for entry in aside:
                if entry[2].stamp == entry[1]:
                    heappush(heap, entry)


class Needs:
    """All slots of a plan."""

    __slots__ = ("_by_skill", "_by_skills", "_open", "slots")

    def __init__(self, uses: Mapping[Need, Iterable[str]]) -> None:
        """`uses`: each need of the plan with the strategies of the lines that use it."""
        self.slots = {need: Slot(need, strategies) for need, strategies in uses.items()}
        self._by_skill: dict[str, list[Slot]] = {}
        self._open: list[Slot] = []
        self._by_skills: dict[frozenset[tuple[str, int]], tuple[Slot, ...]] = {}
        for slot in self.slots.values():
            for skill in {terms[0].skill for terms in slot.need.any_of if terms}:
                self._by_skill.setdefault(skill, []).append(slot)
            if not all(slot.need.any_of):
                self._open.append(slot)

    def slots_for(self, skills: Mapping[str, int]) -> tuple[Slot, ...]:
        """Return the slots that an agent with `skills` satisfies."""
        profile = frozenset(skills.items())
        found = self._by_skills.get(profile)
        if found is None:
            candidates = dict.fromkeys(slot for skill in skills for slot in self._by_skill.get(skill, ()))
            candidates.update(dict.fromkeys(self._open))
            found = tuple(slot for slot in candidates if satisfies(skills, slot.need))
            self._by_skills[profile] = found
        return found

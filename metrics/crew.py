"""Who could take a call: agents counted by line, skill and not-ready reason, and the time that they spend in each state.

Theory of operation: fed by the engine's records of presence, one after the other; each moves its agent from one count to
another, so a scrape reads a few small tables, whatever the number of agents. An agent costs a step for each line and skill of
the plan that he has. Whom the plan does not know any more (on a last call) counts in no line.

Time: a state lasts from its record to the agent's next one, as in `metrics.states`. `spent` holds states that have ended, in
integer milliseconds: it equals the ledger. `spent_by` adds those that go on, all at once: so many agents times now, less the
sum of their beginnings. Records carry the PBX's own instants, which may lie a little before the last scrape: what was shown is
never taken back.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from acd.plan import Plan
from acd.records import PresenceChanged
from agents.presence import Presence
from agents.skills import satisfies
from metrics.states import ON_PHONE

WORKS = (Presence.READY, *ON_PHONE)
"""States of agents who take calls, now or after the present one."""
OTHER = "other"


class _Serves(NamedTuple):
    lines: tuple[str, ...]
    skills: tuple[str, ...]


class _State(NamedTuple):
    presence: Presence = Presence.LOGGED_OUT
    reason: str = ""
    is_reachable: bool = False
    since_ms: int = 0

    @property
    def is_free(self) -> bool:
        return self.presence is Presence.READY and self.is_reachable

    @property
    def is_cut_off(self) -> bool:
        return self.presence is not Presence.LOGGED_OUT and not self.is_reachable


_NOWHERE, _AWAY = _Serves((), ()), _State()


class CrewCount(NamedTuple):
    """A crew at one instant; never changes."""

    lines: Mapping[tuple[str, Presence], int]
    skills: Mapping[str, int]
    """Skill that a line asks for -> agents logged in who have it."""
    reasons: Mapping[str, int]
    """Not-ready reason of the plan, or `other` -> agents."""
    line_reasons: Mapping[tuple[str, str], int]
    """Line, and reason as above -> agents who satisfy the line's need."""
    unreachable: int


class Crew:
    """Agents of the plan, as their records tell."""

    def __init__(self) -> None:
        self.spent: Counter[Presence] = Counter()
        """State -> milliseconds of it that have ended, logged out included."""
        self._states: dict[str, _State] = {}
        self._count: Counter[Presence] = Counter()
        self._begun: Counter[Presence] = Counter()
        """State -> the sum of the instants at which those who are in it came into it."""
        self._shown: Counter[Presence] = Counter()
        self._serves: dict[str, _Serves] = {}
        self._lines: dict[tuple[str, Presence], int] = {}
        self._free: Counter[str] = Counter()
        self._skills: dict[str, int] = {}
        self._not_ready = {OTHER: 0}
        self._line_not_ready: dict[tuple[str, str], int] = {}
        self._cut_off = 0

    def staff(self, plan: Plan) -> None:
        """A plan is in force: count everybody anew by what it says."""
        reasons = dict.fromkeys((*plan.not_ready_reasons.values(), OTHER))
        asked = _skills_asked(plan)
        found: dict[frozenset[tuple[str, int]], _Serves] = {}
        self._serves = {}
        for number, spec in plan.agents.items():
            profile = frozenset(spec.skills.items())
            if profile not in found:
                lines = tuple(code for code, line in plan.lines.items() if satisfies(spec.skills, line.need))
                found[profile] = _Serves(lines, tuple(skill for skill in asked if skill in spec.skills))
            self._serves[number] = found[profile]
        self._lines = {(line, presence): 0 for line in plan.lines for presence in Presence}
        self._skills = dict.fromkeys(asked, 0)
        self._free.clear()
        self._not_ready = dict.fromkeys(reasons, 0)
        self._line_not_ready = {(line, reason): 0 for line in plan.lines for reason in reasons}
        self._cut_off = 0
        for number in plan.agents.keys() | self._states.keys():
            self._count_in(number, self._states.get(number, _AWAY), 1)

    def observe(self, record: PresenceChanged) -> None:
        """An agent's state changed, or something else of him."""
        number = record.agent
        old = self._states.get(number)
        new = _State(record.presence, record.reason, record.reachable, record.at_ms)
        self._states[number] = new
        self._count[new.presence] += 1
        self._begun[new.presence] += new.since_ms
        if old is not None:
            self.spent[old.presence] += max(new.since_ms - old.since_ms, 0)
            self._count[old.presence] -= 1
            self._begun[old.presence] -= old.since_ms
        if old is None or old[:3] != new[:3]:
            self._count_in(number, old or _AWAY, -1)
            self._count_in(number, new, 1)

    def working(self, line: str) -> int:
        """Return how many agents who satisfy the line's need take calls: logged in, neither not ready nor at case work."""
        return sum(self._lines.get((line, presence), 0) for presence in WORKS)

    def free(self, line: str) -> int:
        """Return how many of them are ready at a phone that can be reached."""
        return self._free[line]

    def count(self) -> CrewCount:
        """Return the counts of this instant."""
        reasons = (self._not_ready.copy(), self._line_not_ready.copy())
        return CrewCount(self._lines.copy(), self._skills.copy(), *reasons, self._cut_off)

    def spent_by(self, now_ms: int) -> dict[Presence, int]:
        """Return milliseconds spent in each state but logged out, up to now; never less than the last time."""
        for presence in Presence:
            if presence is not Presence.LOGGED_OUT:
                running_ms = max(self._count[presence] * now_ms - self._begun[presence], 0)
                self._shown[presence] = max(self._shown[presence], self.spent[presence] + running_ms)
        return {presence: self._shown[presence] for presence in Presence if presence is not Presence.LOGGED_OUT}

    def _count_in(self, number: str, state: _State, by: int) -> None:
        serves = self._serves.get(number, _NOWHERE)
        for line in serves.lines:
            self._lines[line, state.presence] += by
        if state.presence is not Presence.LOGGED_OUT:
            for skill in serves.skills:
                self._skills[skill] += by
        if state.presence is Presence.NOT_READY:
            reason = state.reason if state.reason in self._not_ready else OTHER
            self._not_ready[reason] += by
            for line in serves.lines:
                self._line_not_ready[line, reason] += by
        if state.is_free:
            for line in serves.lines:
                self._free[line] += by
        self._cut_off += state.is_cut_off * by


def _skills_asked(plan: Plan) -> Iterable[str]:
    """The skills that some line or step asks for, in order."""
    needs = [line.need for line in plan.lines.values()]
    needs += [step.need for line in plan.lines.values() for step in line.steps if step.need is not None]
    return dict.fromkeys(term.skill for need in needs for terms in need.any_of for term in terms)

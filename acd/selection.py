"""Which of the agents who can take a call gets it.

Theory of operation: a strategy is one small function that gives an agent a key; the smallest key wins. A key may look
only at what does not change while the agent is ready (his idle clock, his skills, what he did since log-in), so ready
agents can be kept in heaps and a choice costs no more with 30,000 of them than with 30. Equal keys fall to the longer
idle, then to the smaller agent number: the same before and after a restart.

What a strategy counts since log-in (talk time, turns) is not kept over a restart of the service; it starts again, and
the idle clock, which is kept, decides meanwhile.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from agents.roster import Agent
from agents.skills import Need, levels_held

Key: TypeAlias = tuple[int, int, str]
"""(what the strategy orders by, idle since in ms, agent number)."""


def longest_idle(agent: Agent, need: Need) -> int:
    """Who is ready longest."""
    return 0


def least_occupied(agent: Agent, need: Need) -> int:
    """Who talked least since log-in: evens out the work where some calls are long."""
    return agent.talk_ms


def most_skilled(agent: Agent, need: Need) -> int:
    """Who holds the highest levels in what the call needs: the best answer first."""
    return -levels_held(agent.skills, need)


def least_skilled(agent: Agent, need: Need) -> int:
    """Who has the fewest skills: keeps the seats free that can take what others cannot."""
    return len(agent.skills)


def round_robin(agent: Agent, need: Need) -> int:
    """Whose last turn is longest ago, answered or not: everybody in turn, however long the calls."""
    return agent.turn


@dataclass(frozen=True, slots=True)
class Strategy:
    """An order of ready agents, and the word by which a record says that another one came first."""

    order: Callable[[Agent, Need], int]
    passed_over: str

    def key(self, agent: Agent, need: Need) -> Key:
        """Return the agent's place for a need: smallest first."""
        return (self.order(agent, need), agent.ready_ms, agent.number)


STRATEGIES: Mapping[str, Strategy] = {
    "longest_idle": Strategy(longest_idle, "less_idle"),
    "least_occupied": Strategy(least_occupied, "more_occupied"),
    "most_skilled": Strategy(most_skilled, "less_skilled"),
    "least_skilled": Strategy(least_skilled, "more_skilled"),
    "round_robin": Strategy(round_robin, "later_turn"),
}
"""What a line's `strategy` may be."""

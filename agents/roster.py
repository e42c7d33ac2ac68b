"""Who is who: every agent of the plan, his state, and the one phone he is tied to.

Theory of operation: identity of an agent is his number, identity of a phone its endpoint. A tie joins one agent to
one phone; making a tie ends the old ties of both, so neither ever has two. States of phones are kept for all phones
the PBX speaks of, logged in or not, because specialists are reached on phones at which nobody logs in.

The roster holds facts and refuses illegal transitions; it decides nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from agents.errors import IllegalTransition
from agents.presence import DeviceState, Presence, is_allowed


@dataclass(slots=True, eq=False)
class Agent:
    """One seat of the plan and what he does now."""

    number: str
    name: str
    skills: Mapping[str, int]
    max_misses: int
    device: str | None = None
    """Endpoint of his phone; None: logged out."""
    presence: Presence = Presence.LOGGED_OUT
    reason: str = ""
    since_ms: int = 0
    """Instant of the last change of presence."""
    ready_ms: int = 0
    """Instant from which he counts as idle."""
    until_ms: int | None = None
    """End of wrap-up; None when he is in none."""
    wrapup_from_ms: int = 0
    wrapup_max_s: float = 0.0
    wants: str = ""
    """A not-ready reason, or `logout`, that waits for the end of call and wrap-up."""
    misses: int = 0
    """Offers in a row that he let ring."""
    unreachables: int = 0
    """Offers in a row that did not reach his phone."""
    rest_s: float = 0.0
    """Length of his last rest; 0 when the last offer was accepted."""
    rest_until: float = 0.0
    """Engine clock: nothing is offered to him before."""
    told_ms: int = 0
    """Instant of the last record of him: instants of one agent never go back."""
    calls: int = 0
    """Talks since log-in."""
    talk_ms: int = 0
    """Time in talks since log-in."""
    turn: int = 0
    """Number of the last decision that chose him; 0: none since log-in."""
    is_removed: bool = False
    """No longer in the plan: logged out when his talk is over."""

    def move(self, presence: Presence, at_ms: int) -> None:
        """Change presence. Raises `IllegalTransition` when the table does not allow it."""
        if not is_allowed(self.presence, presence):
            raise IllegalTransition(self.number, self.presence, presence)
        self.presence = presence
        self.since_ms = max(self.since_ms, at_ms)


@dataclass(slots=True)
class Roster:
    """All agents by number, ties to phones, and states of phones."""

    agents: dict[str, Agent] = field(default_factory=dict)
    at_device: dict[str, Agent] = field(default_factory=dict)
    """Endpoint -> the one agent logged in there."""
    device_states: dict[str, DeviceState] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Agent]:
        return iter(self.agents.values())

    def tie(self, agent: Agent, device: str) -> Agent | None:
        """Tie `agent` to `device`; return the agent who lost this phone by it, None when there was none."""
        self.untie(agent)
        other = self.at_device.pop(device, None)
        if other is not None:
            other.device = None
        self.at_device[device] = agent
        agent.device = device
        return other

    def untie(self, agent: Agent) -> None:
        """End the tie of `agent` to his phone, if he has one."""
        if agent.device is not None:
            del self.at_device[agent.device]
            agent.device = None

    def device_state(self, agent: Agent) -> DeviceState:
        """Return what the PBX said of his phone last; UNKNOWN when logged out or never told."""
        if agent.device is None:
            return DeviceState.UNKNOWN
        return self.device_states.get(agent.device, DeviceState.UNKNOWN)

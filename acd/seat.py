"""An agent as routing sees him: the roster's facts, and where he stands in the index of ready agents."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from acd.needs import Slot
from agents.roster import Agent

if TYPE_CHECKING:
    from acd.calls import Offer


@dataclass(slots=True, eq=False)
class Seat:
    """One agent's place on the floor."""

    agent: Agent
    slots: tuple[Slot, ...] = ()
    """The needs that he satisfies."""
    lines: tuple[str, ...] = ()
    """Codes of lines of whose calls he can take some, in the plan's order."""
    stamp: int = 0
    """His live entry in the index; 0: he cannot be offered anything now."""
    offer: "Offer | None" = None
    """His open offer or present talk; never more than one."""
    dialled: "list[Offer]" = field(default_factory=list)
    """Calls that he dialled and that live; one beside a call of ours is taken up when that one ends."""
    mirrored: tuple[str, tuple[str, ...], bool, str] | None = None
    """What the PBX's fallback queues show of him, as far as we told them."""
    told: tuple[object, ...] = field(default=())
    """The last record of his presence, without its instant: equal ones are not repeated."""

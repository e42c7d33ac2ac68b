"""What a supervisor said of a line, and what that means for one caller.

Theory of operation: an order stays until the next one of the same line. *Drained*: who is in the line is served; whoever
comes takes the line's `on_closed`. "Comes" is judged by arrival: a caller who arrived before the order (he may still hear
the greeting) belongs to those who are served; one who arrived since, or overflows from another line, does not. So a caller
who arrived while the service was away is treated like any other. *Emergency*: everybody who rests in the line, and everybody
who comes, goes where the supervisor said, also to a line that he was in before. An order whose line or goal the plan no
longer has is not in force (and is again when the plan has it again).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from acd.names import LineState
from acd.plan import Exit

if TYPE_CHECKING:
    from acd.calls import Call
    from acd.floor import Floor


@dataclass(frozen=True, slots=True)
class LineOrder:
    """The order in force for a line."""

    line: str
    state: LineState
    since_ms: int
    to: Exit | None = None


def order_of(floor: "Floor", code: str) -> LineOrder | None:
    """Return the order in force for a line; None: the plan alone rules."""
    order = floor.orders.get(code)
    if order is None or code not in floor.plan.lines:
        return None
    goal = None if order.to is None else order.to.line
    return order if goal is None or goal in floor.plan.lines else None


def exit_of(floor: "Floor", call: "Call", *, comes: bool) -> Exit | None:
    """Return the exit that an order gives a caller who rests in his line, or `comes` to it now; None: he stays."""
    order = order_of(floor, call.line.code)
    if order is None:
        return None
    if order.state is LineState.EMERGENCY:
        if order.to is not None and order.to.line is not None:
            call.visited.discard(order.to.line)  # said by a person: the plan's rule against circles does not hold
        return order.to
    if call.is_answered:
        return None  # back from a hand-over: he was served here before
    is_new = call.arrived_ms >= order.since_ms or (comes and len(call.visited) > 1)
    return call.line.on_closed if is_new else None


def leads_back(floor: "Floor", code: str, goal: str) -> bool:
    """Tell whether an emergency of line `code` to line `goal` would lead in a circle."""
    seen: set[str] = set()
    while goal != code and goal not in seen:
        seen.add(goal)
        order = order_of(floor, goal)
        if order is None or order.to is None or order.to.line is None:
            return False
        goal = order.to.line
    return True


def text_of(exit_: Exit) -> str:
    """Return an exit as a supervisor writes it: a line, a number, `voicemail:<box>`."""
    if exit_.voicemail is not None:
        return f"voicemail:{exit_.voicemail}"
    return exit_.line or exit_.number or "reject"

"""What a line's steps make of a waiting call, worked out once when a plan comes into force.

Theory of operation: a line with n steps has n + 1 stages. Stage 0 is the line's own need; each step makes the next
stage from the one before: a new need replaces the old one; another line *widens* it (the call is of that line too, so
agents of either may take it) and lends its strategy, ring time and wrap-up. A step gives the need of that line or its
own, never that line's later steps. Because stages do not depend on the call, all needs are known beforehand.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from acd.errors import BadPlan, UnknownStrategy
from acd.needs import Needs
from acd.plan import MAX_PRIORITY_S, Line, Plan
from acd.selection import STRATEGIES
from agents.skills import Need, either


@dataclass(frozen=True, slots=True)
class Stage:
    """What a call accepts from `after_s` seconds of waiting on."""

    number: int
    """0: as the line says; n: after its n-th step."""
    after_s: float
    need: Need
    line: Line
    """Whose strategy, ring time, wrap-up and label hold."""
    priority_s: float


class Stages:
    """The stages of all lines of a plan."""

    __slots__ = ("by_line", "plan")

    def __init__(self, plan: Plan) -> None:
        """Raise `BadPlan` or `UnknownStrategy` for a plan that cannot be routed by."""
        self.plan = plan
        if plan.default_line not in plan.lines:
            raise BadPlan(f"the default line {plan.default_line!r} is not a line of the plan")
        self.by_line: Mapping[str, tuple[Stage, ...]] = {
            code: tuple(_stages(line, plan)) for code, line in plan.lines.items()
        }

    def needs(self) -> Needs:
        """Return empty slots for every need of the plan."""
        uses: dict[Need, set[str]] = {}
        for stages in self.by_line.values():
            for stage in stages:
                uses.setdefault(stage.need, set()).add(stage.line.strategy)
        return Needs({need: sorted(names) for need, names in uses.items()})


def _stages(line: Line, plan: Plan) -> list[Stage]:
    if line.strategy not in STRATEGIES:
        raise UnknownStrategy(line.code, line.strategy)
    stages = [Stage(0, 0.0, line.need, line, _bounded(line.priority_s))]
    for number, step in enumerate(sorted(line.steps, key=lambda step: step.after_s), start=1):
        before = stages[-1]
        need, served_as = step.need or before.need, before.line
        if step.line is not None:
            if step.line not in plan.lines:
                raise BadPlan(f"line {line.code}, step {number}: no line {step.line!r}")
            served_as = plan.lines[step.line]
            need = either(before.need, step.need or served_as.need)
        priority_s = before.priority_s if step.priority_s is None else _bounded(step.priority_s)
        stages.append(Stage(number, step.after_s, need, served_as, priority_s))
    return stages


def _bounded(priority_s: float) -> float:
    return min(max(priority_s, 0.0), MAX_PRIORITY_S)

"""A plan comes into force: at the start, and while calls run.

Theory of operation: a plan is replaced as a whole. All slots are made anew, so every call and every agent leaves the old
index and joins the new one; nothing else changes for them. Calls keep their clocks and take the needs that their line
has now (the default line's, if their line is gone); agents keep what they do and take the skills that they have now.
A list of blocked numbers concerns who calls from now on.
An agent who is no longer in the plan is logged out, after his call if one holds him, and then forgotten.
"""

from acd import lines, seats
from acd.blocked import Blocklist
from acd.calls import Call, Place
from acd.events import PlanChanged
from acd.floor import Due, Floor
from acd.seat import Seat
from acd.stages import Stages
from agents.presence import Presence
from agents.roster import Agent


def seat_everybody(floor: Floor) -> None:
    """Give every agent of the plan his seat: new ones are logged out, known ones keep what they do."""
    for number, spec in floor.plan.agents.items():
        misses = floor.plan.max_misses if spec.max_misses is None else spec.max_misses
        seat = floor.seats.get(number)
        if seat is None:
            agent = Agent(number, spec.name, spec.skills, misses)
            floor.roster.agents[number] = agent
            seat = floor.seats[number] = Seat(agent)
        agent = seat.agent
        agent.name, agent.skills, agent.max_misses, agent.is_removed = spec.name, spec.skills, misses, False
        _index(floor, seat)


def _index(floor: Floor, seat: Seat) -> None:
    seat.slots = floor.needs.slots_for(seat.agent.skills)
    satisfied = set(seat.slots)
    seat.lines = tuple(
        code
        for code, stages in floor.stages.by_line.items()
        if any(floor.needs.slots[stage.need] in satisfied for stage in stages)
    )
    if seat.agent.presence is not Presence.LOGGED_OUT:
        for slot in seat.slots:
            slot.staffed += 1


def on_plan_changed(floor: Floor, event: PlanChanged) -> None:
    """A new plan is in force: calls keep their clocks, agents what they do. Raises for a plan that cannot be routed by."""
    stages = Stages(event.plan)
    for call in floor.calls.values():
        floor.withdraw(call)
    for seat in floor.seats.values():
        seat.stamp = 0
    floor.fresh_seats.clear()
    floor.plan, floor.stages, floor.needs = event.plan, stages, stages.needs()
    floor.blocklist = Blocklist(event.plan)
    removed = [seat for number, seat in floor.seats.items() if number not in event.plan.agents]
    for seat in removed:
        seat.agent.is_removed = True
        _index(floor, seat)
    seat_everybody(floor)
    for seat in removed:
        seats.log_out(floor, seat)
    for call in list(floor.calls.values()):
        _replan(floor, call)
    for seat in floor.seats.values():
        floor.mirror(seat)
        floor.refresh(seat)
    floor.note("plan_changed", event.plan.version)


def _replan(floor: Floor, call: Call) -> None:
    line = floor.plan.lines.get(call.line.code) or floor.plan.lines[floor.plan.default_line]
    stages = floor.stages.by_line[line.code]
    is_same = line.code == call.line.code
    lines.assign(floor, call, line, min(call.stage.number, len(stages) - 1) if is_same else 0)
    if call.counted is not None:
        floor.count(call, line.code)
        floor.deadlines.cancel((Due.STEP, call, ""))
        if call.place is Place.WAITING:
            lines.rest(floor, call)
        else:
            lines.advance_steps(floor, call)

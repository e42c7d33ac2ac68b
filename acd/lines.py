"""The waiting line: entering it, resting in it, steps and limits of the wait, and the ways out that the plan names.

Theory of operation: a call waits from its first `CallWaiting` until it is answered, leaves or hangs up; it is counted
in exactly one line meanwhile, also while a phone rings for it (the caller still waits). Its clock never restarts.
Steps are due at (first queued + time talked) + `after_s`; they come into force also while a phone rings, and hold for
what follows. The longest wait is judged only while the caller rests: a ringing offer is never withdrawn.

Limits are judged when a call enters a line: first `on_no_agent` (nobody logged in could ever take it, by its need or a
later stage; judged again when the last such agent logs out), then `on_full` (as many wait as may, and no agent can be given at once). An exit to another line is a
step inside the same wait: the call takes that line's need, steps and limits. No line is entered twice by exits; where
a plan leads in a circle, the caller is rejected with the reason that brought him there.
"""

from acd.calls import Call, Leaving, Place
from acd.commands import ExitCall, TagCall
from acd.floor import Due, Floor
from acd.names import RejectReason
from acd.plan import Exit, Line
from acd.records import CallWaiting, StepTaken

WISH_S = 1.0
"""A wish whose effect was not seen by then is taken for lost."""
MAX_EXIT_TRIES = 3
"""Exits that brought the caller back to hold, until he simply waits on."""


def queue(floor: Floor, call: Call) -> None:
    """Let a caller who rests begin to wait: the first time, after a hand-over, or in another line."""
    at_ms = floor.at(call)
    if call.queued_ms is None:
        call.queued_ms = at_ms
    call.waits += 1
    call.visited.add(call.line.code)
    floor.records.append(CallWaiting(call.id, at_ms, call.line.code, call.slot.need.text, call.waits))
    floor.place(call, Place.WAITING)
    exit_, reason = _limit(floor, call)
    floor.count(call, call.line.code)
    if exit_ is not None:
        take_exit(floor, call, exit_, reason)
    else:
        rest(floor, call)


def rest(floor: Floor, call: Call) -> None:
    """A call that waits already is (again) where a wish reaches the caller."""
    floor.deadlines.cancel((Due.RETURN, call, ""))
    floor.place(call, Place.WAITING)
    advance_steps(floor, call)
    if call.place is Place.WAITING:
        judge_staff(floor, call)
    if call.place is Place.WAITING:
        floor.present(call)


def judge_staff(floor: Floor, call: Call) -> None:
    """Let a resting caller leave by `on_no_agent` when nobody is logged in any more who could ever take him."""
    exit_ = call.line.on_no_agent
    if exit_ is not None and call.place is Place.WAITING and call.id.pbx in floor.up and not _is_staffed(floor, call):
        take_exit(floor, call, exit_, RejectReason.NO_AGENT)


def _is_staffed(floor: Floor, call: Call) -> bool:
    stages = floor.stages.by_line[call.line.code][call.stage.number :]
    return any(floor.needs.slots[stage.need].staffed for stage in stages)


def advance_steps(floor: Floor, call: Call) -> None:
    """Take the steps that are due, leave at the longest wait, and set the next deadline."""
    stages = floor.stages.by_line[call.line.code]
    start_s = call.wait_from_ms / 1000.0
    following = call.stage.number + 1
    while following < len(stages) and start_s + stages[following].after_s <= floor.now:
        _take_step(floor, call, following)
        following += 1
    limit = None if call.line.max_wait_s is None else start_s + call.line.max_wait_s
    if limit is not None and limit <= floor.now:
        if call.place is Place.WAITING and call.id.pbx in floor.up:
            take_exit(floor, call, call.line.on_max_wait, RejectReason.MAX_WAIT)
            return
        limit = None
    dues = [limit] if limit is not None else []
    if following < len(stages):
        dues.append(start_s + stages[following].after_s)
    if dues:
        floor.deadlines.set((Due.STEP, call, ""), min(dues))


def step_due(floor: Floor, call: Call) -> None:
    """A step's instant or the longest wait has come."""
    if call.counted is not None:
        advance_steps(floor, call)


def assign(floor: Floor, call: Call, line: Line, stage: int = 0) -> None:
    """Give a call another line; what it waits in is not changed yet."""
    floor.withdraw(call)
    call.line = line
    call.stage = floor.stages.by_line[line.code][stage]
    call.slot = floor.needs.slots[call.stage.need]


def take_exit(floor: Floor, call: Call, exit_: Exit, reason: RejectReason) -> None:
    """Send a resting caller where the plan says."""
    if exit_.line is not None and exit_.line in floor.plan.lines and exit_.line not in call.visited:
        assign(floor, call, floor.plan.lines[exit_.line])
        queue(floor, call)
        return
    if exit_.line is not None:
        floor.note("overflow_circle", f"{call.line.code} -> {exit_.line}", call.id)
    leave(floor, call, exit_.number, reason)


def leave(floor: Floor, call: Call, number: str | None, reason: RejectReason) -> None:
    """Write the wish that takes a caller out: to an outside number, or to a prompt and hang-up (`number` None)."""
    tries = call.leaving.tries + 1 if call.leaving is not None else 1
    call.leaving = Leaving(floor.next_offer(), number, reason, tries=tries)
    floor.place(call, Place.EXIT)
    floor.count(call, None)
    floor.deadlines.cancel((Due.STEP, call, ""))
    floor.send(ExitCall(call.id, call.leaving.offer, number, None if number is not None else reason))
    floor.deadlines.set((Due.EXIT, call, ""), floor.now + WISH_S)


def exit_due(floor: Floor, call: Call) -> None:
    """An exit's wish was not confirmed in time: write it again, as often as it takes while he is there."""
    if call.leaving is None or call.leaving.is_confirmed or call.id.pbx not in floor.up:
        return
    floor.note("exit_unconfirmed", call.leaving.offer, call.id)
    call.leaving.tries -= 1
    leave(floor, call, call.leaving.number, call.leaving.reason)


def exit_failed(floor: Floor, call: Call) -> None:
    """A caller came back to hold from his exit: refuse him instead of the outside number; at last let him wait on."""
    assert call.leaving is not None
    floor.note("exit_failed", call.leaving.number or str(call.leaving.reason), call.id)
    if call.leaving.tries < MAX_EXIT_TRIES:
        leave(floor, call, None, call.leaving.reason)
        return
    call.leaving = None
    floor.place(call, Place.WAITING)
    floor.count(call, call.line.code)
    floor.present(call)


def requeue(floor: Floor, call: Call) -> None:
    """Let a caller who talked wait again, with what he had waited; the talk does not count."""
    floor.send(TagCall(call.id, call.score_ms))
    call.visited.clear()
    queue(floor, call)


def _take_step(floor: Floor, call: Call, number: int) -> None:
    stage = floor.stages.by_line[call.line.code][number]
    is_presented = call.stamp != 0 or call in floor.held_back
    floor.withdraw(call)
    call.stage = stage
    call.slot = floor.needs.slots[stage.need]
    # its own instant, however late it is carried out: the same when the call is taken in again after a restart
    call.last_ms = max(call.last_ms, call.wait_from_ms + round(stage.after_s * 1000))
    floor.records.append(StepTaken(call.id, call.last_ms, number, stage.line.code, stage.need.text))
    if is_presented:
        floor.present(call)


def _limit(floor: Floor, call: Call) -> tuple[Exit | None, RejectReason]:
    line = call.line
    if call.id.pbx not in floor.up:
        return None, RejectReason.FULL
    if line.on_no_agent is not None and not _is_staffed(floor, call):
        return line.on_no_agent, RejectReason.NO_AGENT
    is_full = line.max_waiting is not None and floor.waiting.get(line.code, 0) >= line.max_waiting
    if is_full and not call.slot.ready:
        return line.on_full, RejectReason.FULL
    return None, RejectReason.FULL

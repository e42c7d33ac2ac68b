"""The waiting line: entering it, resting in it, steps and limits of the wait, and the ways out that the plan names.

Theory of operation: a call waits from its first `CallWaiting` until it is answered, leaves or hangs up; it is counted
in exactly one line meanwhile, also while a phone rings for it (the caller still waits). Its clock never restarts.
Steps are due at (first queued + time talked) + `after_s`; they come into force also while a phone rings, and hold for
what follows. The longest wait is judged only while the caller rests: a ringing offer is never withdrawn.

Limits are judged when a call enters a line: first `on_closed` (the line is closed for who comes now; who waits already is
served, and so is who talked and comes back), then `on_no_agent` (nobody logged in could ever take it, by its need or a
later stage; judged again when the last such agent logs out), then `on_full` (as many wait as may, and no agent can be
given at once; where nobody may wait at all the reason is `busy`).

An exit is a wish of its own, written again until it is seen. One to another line is a step inside the same wait: the call
takes that line's need, steps and limits, and the line's code is written on the channel, so that a restart and the
fallback see him there; with a prompt (or the new line's notice that talks are recorded) he hears it first and is queued there when he holds again. No line is entered twice by exits; where
a plan leads in a circle, the caller is rejected with the reason that brought him there. Who comes back from an outside
number or from a voicemail box without a message is refused, with the reason that sent him; who comes back even from
that waits on.

Who is turned away by his number (`acd.blocked`) goes the way of a refusal before anything of this is judged.
"""

from dataclasses import replace

from acd.calls import Call, Leaving, Place
from acd.commands import ExitCall, TagCall
from acd.events import VoicemailLeft
from acd.floor import Due, Floor
from acd.line_orders import exit_of
from acd.names import RecordingKind, RejectReason
from acd.plan import REJECT, Exit, Line
from acd.records import CallLeft, CallWaiting, RecordingClosed, RecordingOpened, StepTaken

WISH_S = 1.0
"""A wish whose effect was not seen by then is taken for lost."""
MAX_EXIT_TRIES = 3
"""Exits that brought the caller back to hold, until he simply waits on."""


def queue(floor: Floor, call: Call) -> None:
    """Let a caller who rests begin to wait: the first time, after a hand-over, or in another line. Who is turned away by his
    number is let go instead."""
    if call.is_turned_away:
        turn_away(floor, call)
        return
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


def turn_away(floor: Floor, call: Call) -> None:
    """Refuse a caller whose number is blocked, as a busy line would; he never waits."""
    assert call.blocked is not None
    floor.deadlines.cancel((Due.RETURN, call, ""))
    leave(floor, call, replace(REJECT, prompt=call.blocked.prompt), RejectReason.BUSY)


def rest(floor: Floor, call: Call) -> None:
    """A call that waits already is (again) where a wish reaches the caller."""
    if call.is_turned_away:
        turn_away(floor, call)
        return
    floor.deadlines.cancel((Due.RETURN, call, ""))
    floor.place(call, Place.WAITING)
    obey(floor, call)
    if call.place is Place.WAITING:
        advance_steps(floor, call)
    if call.place is Place.WAITING:
        judge_staff(floor, call)
    if call.place is Place.WAITING:
        floor.present(call)


def obey(floor: Floor, call: Call) -> None:
    """Let a resting caller leave when a supervisor's order for his line says so."""
    if call.place is Place.WAITING and call.id.pbx in floor.up:
        exit_ = exit_of(floor, call, comes=False)
        if exit_ is not None:
            take_exit(floor, call, exit_, RejectReason.CLOSED)


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


def take_exit(floor: Floor, call: Call, to: Exit, reason: RejectReason) -> None:
    """Send a caller who waits (resting, no offer open) where the plan says, or a supervisor."""
    if to.line is None:
        leave(floor, call, to, reason)
    elif to.line in floor.plan.lines and to.line not in call.visited:
        line = floor.plan.lines[to.line]
        prompt = on_the_way(call.line, line, to.prompt)
        assign(floor, call, line)
        floor.send(TagCall(call.id, call.score_ms, to.line))
        if prompt:
            leave(floor, call, replace(to, prompt=prompt), reason)
        else:
            queue(floor, call)
    else:
        floor.note("overflow_circle", f"{call.line.code} -> {to.line}", call.id)
        leave(floor, call, REJECT, reason)


def on_the_way(before: Line, after: Line, prompt: str | None) -> str:
    """Return the sounds to play between two lines, joined by `&`: the exit's own, and the notice that talks are recorded
    where he has not heard it at the line that he comes from; empty: none."""
    is_new = after.record and after.notice != before.notice
    return "&".join(sound for sound in (prompt, after.notice if is_new else None) if sound)


def leave(floor: Floor, call: Call, to: Exit, reason: RejectReason) -> None:
    """Write the wish that takes a resting caller out of the line, or lets him hear the prompt on the way to the next."""
    tries = call.leaving.tries + 1 if call.leaving is not None else 1
    call.leaving = Leaving(floor.next_offer(), to, reason, tries=tries)
    floor.place(call, Place.EXIT)
    floor.count(call, None)
    floor.deadlines.cancel((Due.STEP, call, ""))
    floor.send(ExitCall(call.id, call.leaving.offer, to, reason))
    floor.deadlines.set((Due.EXIT, call, ""), floor.now + WISH_S)


def greeted(floor: Floor, call: Call) -> None:
    """The greeting is over: he is queued, or hears first the notice of the line to which he was moved meanwhile."""
    if call.notice:
        sound, call.notice = call.notice, ""
        leave(floor, call, Exit(line=call.line.code, prompt=sound), RejectReason.CLOSED)
    else:
        queue(floor, call)


def exit_due(floor: Floor, call: Call) -> None:
    """An exit's wish was not confirmed in time: write it again, as often as it takes while he is there."""
    if call.leaving is None or call.leaving.is_confirmed or call.id.pbx not in floor.up:
        return
    if call.place is not Place.EXIT:
        return  # an offer of before was dialled all the same: the physical truth wins
    floor.note("exit_unconfirmed", call.leaving.offer, call.id)
    call.leaving.tries -= 1
    leave(floor, call, call.leaving.to, call.leaving.reason)


def exit_taken(floor: Floor, call: Call, leaving: Leaving) -> None:
    """The dialplan took an exit's wish: to an outside number or a voicemail box his wait for us ends here."""
    floor.deadlines.cancel((Due.EXIT, call, ""))
    to = leaving.to
    if not leaving.is_confirmed and (to.number is not None or to.voicemail is not None):
        floor.records.append(CallLeft(call.id, floor.at(call), to.number or f"voicemail {to.voicemail}"))
    leaving.is_confirmed = True


def came_back(floor: Floor, call: Call) -> None:
    """A caller holds again after his exit: he has heard the prompt of his new line, or the exit failed."""
    assert call.leaving is not None
    if call.leaving.to.line is not None:
        call.leaving = None
        (requeue if call.is_answered else queue)(floor, call)
    else:
        _exit_failed(floor, call, call.leaving)


def _exit_failed(floor: Floor, call: Call, leaving: Leaving) -> None:
    """Refuse him instead; at last let him wait on."""
    where = leaving.to.number or leaving.to.voicemail or str(leaving.reason)
    floor.note("exit_failed", where, call.id)
    if leaving.tries < MAX_EXIT_TRIES:
        leave(floor, call, REJECT, leaving.reason)
        return
    if call.is_turned_away:  # he must not wait: again in a moment, as often as it takes
        leaving.is_confirmed = False
        floor.deadlines.set((Due.EXIT, call, ""), floor.now + WISH_S)
        return
    call.leaving = None
    floor.place(call, Place.WAITING)
    floor.count(call, call.line.code)
    floor.present(call)


def on_voicemail_left(floor: Floor, event: VoicemailLeft) -> None:
    """He spoke, and the PBX kept it."""
    call = floor.calls.get(event.call)
    if call is None:
        floor.ignore(event, "no such call", event.call)
        return
    call.has_message = True
    at_ms = floor.at(call)
    began_ms = max(at_ms - (event.length_ms or 0), call.arrived_ms)
    floor.records.append(RecordingOpened(call.id, began_ms, RecordingKind.VOICEMAIL, event.path))
    floor.records.append(RecordingClosed(call.id, at_ms, event.path, event.size, event.length_ms))


def requeue(floor: Floor, call: Call) -> None:
    """Let a caller who talked wait again, with what he had waited; the talk does not count."""
    floor.send(TagCall(call.id, call.score_ms))
    call.is_moving, call.notice = False, ""
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
    ordered = exit_of(floor, call, comes=True)
    if ordered is not None:
        return ordered, RejectReason.CLOSED
    if not line.is_open and not call.is_answered:
        return line.on_closed, RejectReason.CLOSED
    if line.on_no_agent is not None and not _is_staffed(floor, call):
        return line.on_no_agent, RejectReason.NO_AGENT
    is_full = line.max_waiting is not None and floor.waiting.get(line.code, 0) >= line.max_waiting
    if is_full and not call.slot.ready:
        return line.on_full, RejectReason.FULL if line.max_waiting else RejectReason.BUSY
    return None, RejectReason.FULL

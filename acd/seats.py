"""Agents on the floor: log-in and log-out, ready and not ready, wrap-up, rests, and what their phones say.

Theory of operation: log-in makes an agent ready at once. While he is on a call or in wrap-up, `not ready` and `log-out`
are remembered (`wants`) and take effect after it; `ready` forgets them, and ends wrap-up. A phone known unreachable, or
busy while its agent is ready (a private call), is not offered anything until it is idle. After an offer or talk of
ours a phone may still say busy for a moment: it is given 500 ms, then the word is taken for stale.

Not ready with a reason that the plan marks as case work is the presence `case_work`: another state, the same rules.
"""

from typing import TYPE_CHECKING

from acd import lines
from acd.calls import Offer, OfferState
from acd.events import (
    AgentLoggedIn,
    AgentLoggedOut,
    AgentNotReady,
    AgentReady,
    DeviceChanged,
    WrapUpEnded,
    WrapUpExtended,
)
from acd.floor import Due, Floor
from acd.seat import Seat
from agents.presence import AWAY, ON_A_CALL, DeviceState, Presence

if TYPE_CHECKING:
    from acd.offers import Cost

REST_S = 5.0
MAX_REST_S = 60.0
LEAVING_S = 0.5
MAX_UNREACHABLES = 3
LOGOUT = "logout"


def on_logged_in(floor: Floor, event: AgentLoggedIn) -> None:
    """Tie an agent to a phone; both old ties end."""
    seat = floor.seats.get(event.agent)
    if seat is None or seat.agent.is_removed:
        floor.ignore(event, "not an agent of the plan")
        return
    agent = seat.agent
    if agent.device == event.device and agent.presence is not Presence.LOGGED_OUT:
        agent.wants = ""
        make_ready(floor, seat)
        return
    agent.wants = ""
    was_logged_out = agent.presence is Presence.LOGGED_OUT
    other = floor.roster.tie(agent, event.device)
    if other is not None:
        floor.note("phone_taken", f"{event.device}: {other.number} -> {agent.number}")
        log_out(floor, floor.seats[other.number])
    if was_logged_out:
        _begin_shift(floor, seat)
    if floor.is_on_a_call(seat):
        floor.tell(seat)
    else:
        become_ready(floor, seat)


def _begin_shift(floor: Floor, seat: Seat) -> None:
    agent = seat.agent
    agent.calls = agent.talk_ms = agent.turn = agent.misses = agent.unreachables = 0
    agent.rest_s = agent.rest_until = 0.0
    agent.wants = ""
    for slot in seat.slots:
        slot.staffed += 1


def on_logged_out(floor: Floor, event: AgentLoggedOut) -> None:
    """Log out now, or after the call and wrap-up."""
    seat = logged_in(floor, event, event.agent)
    if seat is not None:
        want(floor, seat, LOGOUT)


def on_not_ready(floor: Floor, event: AgentNotReady) -> None:
    """Take no calls, now or after the call and wrap-up."""
    seat = logged_in(floor, event, event.agent)
    if seat is not None:
        want(floor, seat, event.reason)


def on_ready(floor: Floor, event: AgentReady) -> None:
    """Take calls again; ends wrap-up, forgets a not-ready that waited."""
    seat = logged_in(floor, event, event.agent)
    if seat is not None:
        seat.agent.wants = ""
        make_ready(floor, seat)


def make_ready(floor: Floor, seat: Seat) -> None:
    """Make an agent ready if no call holds him; ready already, he keeps his idle clock."""
    if seat.agent.presence in ON_A_CALL or seat.agent.presence is Presence.READY:
        floor.tell(seat)
        floor.refresh(seat)
    else:
        become_ready(floor, seat)


def become_ready(floor: Floor, seat: Seat) -> None:
    """Start an agent's idle clock."""
    agent = seat.agent
    floor.delist(seat)
    floor.deadlines.cancel((Due.WRAPUP, seat, ""))
    agent.misses = agent.unreachables = 0
    agent.ready_ms = max(floor.at_ms, agent.told_ms)
    floor.move(seat, Presence.READY)


def on_wrapup_ended(floor: Floor, event: WrapUpEnded) -> None:
    """End wrap-up early."""
    seat = logged_in(floor, event, event.agent)
    if seat is None:
        return
    if seat.agent.presence is not Presence.ACW:
        floor.ignore(event, "not in wrap-up")
        return
    wrapup_due(floor, seat)


def on_wrapup_extended(floor: Floor, event: WrapUpExtended) -> None:
    """Move the end of wrap-up, up to the line's longest."""
    seat = logged_in(floor, event, event.agent)
    if seat is None:
        return
    agent = seat.agent
    if agent.presence is not Presence.ACW or agent.until_ms is None:
        floor.ignore(event, "not in wrap-up")
        return
    limit_ms = agent.wrapup_from_ms + round(agent.wrapup_max_s * 1000)
    until_ms = max(agent.until_ms, min(agent.until_ms + round(event.by_s * 1000), limit_ms))
    if until_ms == agent.until_ms:
        floor.ignore(event, "wrap-up is at its longest")
        return
    _wrap_until(floor, seat, until_ms)


def wrap_up(floor: Floor, seat: Seat, wrapup_s: float, wrapup_max_s: float) -> None:
    """A talk ended: give the agent his time to write it down."""
    seat.offer = None
    if _is_dialling(floor, seat, wrapup_s):
        return
    _expect_idle(floor, seat)
    if wrapup_s <= 0:
        _go_on(floor, seat)
        return
    agent = seat.agent
    agent.wrapup_from_ms = max(floor.at_ms, agent.told_ms)
    agent.wrapup_max_s = max(wrapup_s, wrapup_max_s)
    _wrap_until(floor, seat, agent.wrapup_from_ms + round(wrapup_s * 1000))


def _wrap_until(floor: Floor, seat: Seat, until_ms: int) -> None:
    floor.move(seat, Presence.ACW, until_ms=until_ms)
    floor.deadlines.set((Due.WRAPUP, seat, ""), until_ms / 1000.0)


def wrapup_due(floor: Floor, seat: Seat) -> None:
    """Wrap-up is over."""
    if seat.agent.presence is Presence.ACW:
        _go_on(floor, seat)


def reserve(floor: Floor, seat: Seat, offer: Offer) -> None:
    """A phone is being dialled that was not reserved for it: its agent rings, and comes back to what he was."""
    agent = seat.agent
    seat.offer = offer
    if agent.presence in AWAY and not agent.wants:
        agent.wants = agent.reason
    floor.deadlines.cancel((Due.WRAPUP, seat, ""))
    if agent.presence in ON_A_CALL:
        agent.presence = Presence.RINGING  # restored on another call than the one that rings now: the PBX is the truth
    floor.move(seat, Presence.RINGING)


def release(floor: Floor, seat: Seat, cost: "Cost") -> None:
    """An offer ended without an answer: what the agent does next."""
    agent = seat.agent
    seat.offer = None
    if cost.is_resting:
        agent.rest_s = min(max(REST_S, agent.rest_s * 2), MAX_REST_S)
        agent.rest_until = floor.now + agent.rest_s
        floor.resting[seat] = None
        floor.deadlines.set((Due.REST, seat, ""), agent.rest_until)
    agent.unreachables = agent.unreachables + 1 if cost.is_unreachable else 0
    agent.misses += cost.is_miss
    if _is_dialling(floor, seat, 0.0):
        return
    _expect_idle(floor, seat)
    if agent.wants:
        _go_on(floor, seat)
    elif agent.misses >= agent.max_misses and cost.is_miss:
        floor.move(seat, Presence.NOT_READY, "missed")
    elif agent.unreachables >= MAX_UNREACHABLES:
        floor.move(seat, Presence.NOT_READY, "unreachable")
    else:
        if cost.is_miss:
            agent.ready_ms = max(floor.at_ms, agent.told_ms)
        floor.move(seat, Presence.READY)


def accept(floor: Floor, seat: Seat) -> None:
    """An offer was accepted: nothing is held against the agent any more."""
    agent = seat.agent
    agent.misses = agent.unreachables = 0
    agent.rest_s = agent.rest_until = 0.0
    floor.resting.pop(seat, None)
    floor.deadlines.cancel((Due.REST, seat, ""))
    floor.deadlines.cancel((Due.WRAPUP, seat, ""))
    agent.calls += 1


def rest_due(floor: Floor, seat: Seat) -> None:
    """A rest is over."""
    floor.resting.pop(seat, None)
    floor.refresh(seat)


def log_out(floor: Floor, seat: Seat) -> None:
    """End an agent's shift; while a call holds him, afterwards (his tie may be gone already)."""
    agent = seat.agent
    if floor.is_on_a_call(seat) and seat.offer is not None:
        agent.wants = LOGOUT
        floor.tell(seat)
        return
    was_logged_in = agent.presence is not Presence.LOGGED_OUT
    if was_logged_in:
        for slot in seat.slots:
            slot.staffed -= 1
    for due in (Due.REST, Due.WRAPUP, Due.LEAVING):
        floor.deadlines.cancel((due, seat, ""))
    floor.resting.pop(seat, None)
    floor.roster.untie(agent)
    agent.wants = ""
    agent.misses = 0
    floor.move(seat, Presence.LOGGED_OUT)
    if was_logged_in and not all(slot.staffed for slot in seat.slots):
        for call in list(floor.calls.values()):  # he was the last one for something: rare enough to look at all
            lines.judge_staff(floor, call)
    if agent.is_removed:
        floor.seats.pop(agent.number, None)
        floor.roster.agents.pop(agent.number, None)


def on_device_changed(floor: Floor, event: DeviceChanged) -> None:
    """A phone is idle, busy or unreachable."""
    floor.roster.device_states[event.device] = event.state
    agent = floor.roster.at_device.get(event.device)
    if agent is None:
        return
    seat = floor.seats[agent.number]
    floor.deadlines.cancel((Due.LEAVING, seat, ""))
    floor.tell(seat)
    floor.refresh(seat)


def leaving_due(floor: Floor, seat: Seat) -> None:
    """A phone still says busy from our own call: it is taken for free."""
    device = seat.agent.device
    if device is not None and floor.roster.device_states.get(device) is DeviceState.BUSY:
        floor.roster.device_states[device] = DeviceState.UNKNOWN
        floor.refresh(seat)


def _is_dialling(floor: Floor, seat: Seat, wrapup_s: float) -> bool:
    """Whoever dialled out beside the call that ended is in that one now; what wrap-up he is owed waits in `until_ms`."""
    if not seat.dialled:
        return False
    offer = seat.offer = seat.dialled[-1]
    talks = offer.state is OfferState.TALKING
    until_ms = floor.at_ms + round(wrapup_s * 1000) if wrapup_s > 0 else None
    floor.move(seat, Presence.TALKING if talks else Presence.DIALLING, until_ms=until_ms)
    return True


def _expect_idle(floor: Floor, seat: Seat) -> None:
    if floor.roster.device_state(seat.agent) is DeviceState.BUSY:
        floor.deadlines.set((Due.LEAVING, seat, ""), floor.now + LEAVING_S)


def want(floor: Floor, seat: Seat, wants: str) -> None:
    """Log out or be not ready (`wants` is the reason): now, or after the call and wrap-up."""
    if floor.is_on_a_call(seat):
        seat.agent.wants = wants
        floor.tell(seat)
    elif wants == LOGOUT:
        log_out(floor, seat)
    else:
        _step_away(floor, seat, wants)


def _step_away(floor: Floor, seat: Seat, reason: str) -> None:
    """Be away from calls, in the state that the plan gives the reason."""
    is_work = reason in floor.plan.case_work_reasons
    floor.move(seat, Presence.CASE_WORK if is_work else Presence.NOT_READY, reason)


def _go_on(floor: Floor, seat: Seat) -> None:
    """Nothing holds the agent any more: what he wanted takes effect, else he is ready."""
    agent = seat.agent
    floor.deadlines.cancel((Due.WRAPUP, seat, ""))
    wants, agent.wants = agent.wants, ""
    if wants == LOGOUT or agent.is_removed or agent.device is None:
        log_out(floor, seat)
    elif wants:
        _step_away(floor, seat, wants)
    else:
        become_ready(floor, seat)


def logged_in(floor: Floor, event: object, number: str) -> Seat | None:
    """Return the seat of an agent who can say something of himself; None (on record why) for any other."""
    seat = floor.seats.get(number)
    if seat is None or seat.agent.presence is Presence.LOGGED_OUT:
        floor.ignore(event, "not an agent of the plan" if seat is None else "not logged in")
        return None
    if seat.agent.device is None:
        floor.ignore(event, "his phone was taken: logged out when his call is over")
        return None
    return seat

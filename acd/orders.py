"""The supervisor's hand: what he orders of agents, lines and calls, carried out by the same rules as everything else.

Theory of operation: an order is judged once, here. What cannot be done becomes an `Ignored` record whose reason is the
sentence that the supervisor reads; what is done is on record as `SupervisorActed`, with who and why, before its effects.

An agent is ordered as if he had dialled the code himself: no talk is cut. A line's order is in `line_orders`. A caller is
moved where he rests: to another line (arrival and score clock stay, the line's need, steps and limits hold), or to one
agent (an offer like any other, strategy `supervisor`; not answered, he is back in his place). Out of a talk he is brought
like in a hand-over: the wish first, then the seat's leg is hung up. A ringing offer is never withdrawn: refused.
"""

from collections.abc import Mapping
from heapq import nsmallest

from acd import lines, offers, seats
from acd.calls import Call, Place
from acd.commands import ReturnCall, TagCall
from acd.events import AgentOrdered, CallMoved, LineOrdered
from acd.floor import Due, Floor
from acd.line_orders import LineOrder, leads_back, order_of, text_of
from acd.names import Act, LineState, OfferId, RejectReason, Via
from acd.plan import Exit
from acd.records import SupervisorActed
from acd.seat import Seat
from agents.presence import DeviceState, Presence

STRATEGY = "supervisor"
REASON = "supervisor"
"""Why an agent is not ready, when the supervisor said nothing more."""
BATCH = 100
BATCH_S = 0.1
"""In an emergency so many callers are sent away at once, and so long until the next."""

_RINGS = "a phone is ringing for this caller: try again when the offer has ended"
_BACK = "this caller is on his way back to hold: try again in a moment"
_ACTS = {
    LineState.OPEN: Act.LINE_OPEN,
    LineState.DRAINED: Act.LINE_DRAIN,
    LineState.EMERGENCY: Act.LINE_EMERGENCY,
}
_NOT_MOVED: Mapping[Place, str] = {
    Place.OFFER: _RINGS,
    Place.RETURNING: _BACK,
    Place.EXIT: "this caller is on his way out",
    Place.RATING: "this caller has talked and is asked for a rating",
    Place.FALLBACK: "this caller is in the PBX's own queue: try again in a moment",
}


# -- agents -----------------------------------------------------------------------------------------------------


def on_agent_ordered(floor: Floor, event: AgentOrdered) -> None:
    """Do with an agent what he could do himself by feature code."""
    seat = seats.logged_in(floor, event, event.agent)
    if seat is None:
        return
    reason = (event.reason or REASON) if event.act is Act.AGENT_NOT_READY else ""
    floor.records.append(SupervisorActed(floor.at_ms, event.act, event.agent, reason, event.who, event.why))
    if event.act is Act.AGENT_READY:
        seat.agent.wants = ""
        seats.make_ready(floor, seat)
    else:
        seats.want(floor, seat, reason or seats.LOGOUT)


# -- lines ------------------------------------------------------------------------------------------------------


def on_line_ordered(floor: Floor, event: LineOrdered) -> None:
    """Put an order for a line in force; who rests there obeys at once."""
    refusal = None if event.is_restored else _line_refusal(floor, event)
    if refusal is not None:
        floor.ignore(event, refusal)
        return
    if event.state is LineState.OPEN:
        floor.orders.pop(event.line, None)
    else:
        floor.orders[event.line] = LineOrder(event.line, event.state, event.at_ms, event.to)
    if event.is_restored:
        return
    goal = "" if event.to is None else text_of(event.to)
    floor.records.append(SupervisorActed(floor.at_ms, _ACTS[event.state], event.line, goal, event.who, event.why))
    if event.state is LineState.EMERGENCY:
        obey_due(floor, floor.orders[event.line])


def obey_due(floor: Floor, order: LineOrder) -> None:
    """Send the next of those who rest in a line in emergency, oldest score first. Only so many at once: each wish must be
    taken within a second, and the PBX has calls beside these."""
    if floor.orders.get(order.line) is not order:
        return
    resting = [
        one
        for one in floor.calls.values()
        if one.line.code == order.line and one.place is Place.WAITING and one.id.pbx in floor.up
    ]
    for call in nsmallest(BATCH, resting, key=lambda one: (one.score_key, one.number)):
        lines.obey(floor, call)
    if len(resting) > BATCH:
        floor.deadlines.set((Due.OBEY, order, ""), floor.now + BATCH_S)


def _line_refusal(floor: Floor, event: LineOrdered) -> str | None:
    if event.line not in floor.plan.lines:
        return "the plan has no such line"
    if event.state is not LineState.EMERGENCY:
        return None
    if event.to is None:
        return "an emergency needs a place to go to"
    goal = event.to.line
    if goal is None:
        return None
    if goal not in floor.plan.lines:
        return "the plan has no such line to go to"
    if leads_back(floor, event.line, goal):
        return "callers would go in a circle"
    order = order_of(floor, goal)
    return "the line to go to is drained" if order is not None and order.state is LineState.DRAINED else None


# -- calls ------------------------------------------------------------------------------------------------------


def on_call_moved(floor: Floor, event: CallMoved) -> None:
    """Bring a caller to another line or to one agent."""
    call = floor.calls.get(event.call)
    if call is None:
        floor.ignore(event, "no such call", event.call)
        return
    refusal = _cannot_leave(floor, call)
    if refusal is None and event.line is not None:
        refusal = _line_takes_not(floor, call, event.line)
    elif refusal is None:
        refusal = _agent_takes_not(floor, call, event.agent)
    if refusal is not None:
        floor.ignore(event, refusal, call.id)
        return
    goal = event.line or event.agent or ""
    acted = SupervisorActed(floor.at(call), Act.CALL_MOVE, str(call.id), goal, event.who, event.why, call.id)
    floor.records.append(acted)
    if event.line is not None:
        _to_line(floor, call, event.line)
    else:
        talk = next(iter(call.talks), None)
        offers.make(floor, call, floor.seats[goal], 1, (), strategy=STRATEGY, release=talk)


def _cannot_leave(floor: Floor, call: Call) -> str | None:
    """Say why a caller cannot be taken from where he is now; None: he can."""
    if call.id.pbx not in floor.up:
        return "his PBX cannot be reached"
    if call.place in _NOT_MOVED:
        return _NOT_MOVED[call.place]
    if call.handover is not None:
        return "a hand-over of this caller is under way"
    if call.offer is not None:
        return _RINGS
    if call.is_moving:
        return _BACK
    if len(call.talks) > 1:
        return "more than one person talks with this caller"
    if any(talk.via is not Via.ENGINE for talk in call.talks.values()):
        return "a phone took this caller by itself: only that phone can pass him on"
    return None


def _line_takes_not(floor: Floor, call: Call, code: str) -> str | None:
    line = floor.plan.lines.get(code)
    if line is None:
        return "the plan has no such line"
    if line is call.line and not call.talks:
        return "this caller is in that line already"
    if order_of(floor, code) is not None or not line.is_open:
        return "that line takes no new callers now"
    return None


def _agent_takes_not(floor: Floor, call: Call, number: str | None) -> str | None:
    seat = floor.seats.get(number or "")
    if seat is None or seat.agent.is_removed:
        return "not an agent of the plan"
    if call.place is Place.MENU:
        return "this caller still hears the greeting: try again when it is over"
    return None if floor.can_take(seat) else _why_not(floor, seat)


def _why_not(floor: Floor, seat: Seat) -> str:
    """Say why an agent can take no call now."""
    agent = seat.agent
    if agent.presence is Presence.LOGGED_OUT:
        return "the agent is not logged in"
    if agent.presence is not Presence.READY:
        return f"the agent is not ready for a call: {agent.presence}"
    if floor.roster.device_state(agent) is DeviceState.UNREACHABLE:
        return "the agent's phone cannot be reached"
    if floor.roster.device_state(agent) is DeviceState.BUSY:
        return "the agent's phone is busy"
    return "the agent rests for some seconds after an offer that failed"


def _to_line(floor: Floor, call: Call, code: str) -> None:
    if call.place is Place.WAITING:
        floor.deadlines.cancel((Due.STEP, call, ""))
        call.visited.clear()
        lines.take_exit(floor, call, Exit(line=code), RejectReason.CLOSED)
        return
    line = floor.plan.lines[code]
    unheard = call.notice if line.record else ""  # of a line to which he was moved a moment ago
    call.notice = lines.on_the_way(call.line, line, None) or unheard
    lines.assign(floor, call, line)
    floor.send(TagCall(call.id, call.score_ms, code))
    if call.talks:
        call.is_moving = True
        _return(floor, call, next(iter(call.talks)))
    # else the greeting plays on: when it is over he hears that line's notice, and is queued there


def _return(floor: Floor, call: Call, release: OfferId) -> None:
    floor.send(ReturnCall(call.id, floor.next_offer(), release, call.notice))
    floor.deadlines.set((Due.RETURN, call, ""), floor.now + offers.RETURN_S)


def return_again(floor: Floor, call: Call) -> None:
    """The PBX says that a caller who was moved still talks: write the wish for hold again."""
    if call.is_moving and call.talks:
        _return(floor, call, next(iter(call.talks)))

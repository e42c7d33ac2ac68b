"""The floor as an operator's screen shows it: lines, agents by name, specialists; plain values for JSON.

One look at what the engine knows, no more work than one small mapping a line, agent and specialist.
"""

from typing import Any

from acd.engine import Engine
from acd.line_orders import LineOrder, text_of
from acd.names import LineState
from acd.plan import Line, Plan, SpecialistSpec
from agents.presence import DeviceState
from agents.roster import Agent

_STATES = {DeviceState.BUSY: "busy", DeviceState.UNREACHABLE: "unreachable"}


def floor_status(plan: Plan, engine: Engine | None, now: float) -> dict[str, Any]:
    """Return `now_ms` (PBX clock), `lines`, `agents`, `specialists`. `engine` None: nobody is distributed here yet.

    A line's `is_open` is what its hours say (the plan in force in the engine), its `state` what a supervisor said.
    """
    if engine is None:
        return {"now_ms": int(now * 1000), "lines": [], "agents": [], "specialists": []}
    orders = engine.line_orders()
    waiting, oldest = engine.waiting_by_line(), engine.oldest_wait_by_line(now)
    return {
        "now_ms": int(now * 1000),
        "lines": [
            _line(engine.plan.lines.get(line.code, line), waiting.get(line.code, 0), oldest.get(line.code, 0.0))
            | _order(orders.get(line.code))
            for line in plan.lines.values()
        ],
        "agents": [_agent(agent, engine) for agent in engine.agents],
        "specialists": [_specialist(one, engine) for one in plan.specialists],
    }


def _line(line: Line, waiting: int, oldest_wait_s: float) -> dict[str, Any]:
    return {
        "code": line.code,
        "name": line.name,
        "name_en": line.name_en,
        "dids": list(line.dids),
        "is_open": line.is_open,
        "waiting": waiting,
        "oldest_wait_s": round(oldest_wait_s, 1),
    }


def _order(order: LineOrder | None) -> dict[str, Any]:
    if order is None:
        return {"state": LineState.OPEN.value, "to": "", "since_ms": None}
    goal = "" if order.to is None else text_of(order.to)
    return {"state": order.state.value, "to": goal, "since_ms": order.since_ms}


def _agent(agent: Agent, engine: Engine) -> dict[str, Any]:
    is_reachable = agent.device is not None and engine.device_state(agent.device) is not DeviceState.UNREACHABLE
    return {
        "number": agent.number,
        "name": agent.name,
        "device": agent.device,
        "presence": agent.presence.value,
        "reason": agent.reason,
        "since_ms": agent.since_ms,
        "until_ms": agent.until_ms,
        "calls": agent.calls,
        "misses": agent.misses,
        "reachable": is_reachable,
    }


def _specialist(one: SpecialistSpec, engine: Engine) -> dict[str, Any]:
    return {
        "number": one.number,
        "name": one.name,
        "department": one.department,
        "topics": list(one.topics),
        "state": specialist_state(one, engine),
    }


def specialist_state(one: SpecialistSpec, engine: Engine) -> str:
    """Return `busy` (being dialled, talking, or his phone says so), `unreachable` or `idle`."""
    return "busy" if engine.is_dialled(one.number) else _STATES.get(engine.device_state(one.number), "idle")

"""The floor as an operator's screen shows it: lines, agents by name, specialists; plain values for JSON.

One look at what the engine knows, no more work than one small mapping a line, agent and specialist.
"""

from typing import Any

from acd.engine import Engine
from acd.plan import Line, Plan, SpecialistSpec
from agents.presence import DeviceState
from agents.roster import Agent

_STATES = {DeviceState.BUSY: "busy", DeviceState.UNREACHABLE: "unreachable"}


def floor_status(plan: Plan, engine: Engine | None, now: float) -> dict[str, Any]:
    """Return `now_ms` (PBX clock), `lines`, `agents`, `specialists`. `engine` None: nobody is distributed here yet."""
    if engine is None:
        return {"now_ms": int(now * 1000), "lines": [], "agents": [], "specialists": []}
    waiting, oldest = engine.waiting_by_line(), engine.oldest_wait_by_line(now)
    return {
        "now_ms": int(now * 1000),
        "lines": [_line(line, waiting.get(line.code, 0), oldest.get(line.code, 0.0)) for line in plan.lines.values()],
        "agents": [_agent(agent, engine) for agent in engine.agents],
        "specialists": [_specialist(one, engine) for one in plan.specialists],
    }


def _line(line: Line, waiting: int, oldest_wait_s: float) -> dict[str, Any]:
    return {
        "code": line.code,
        "name": line.name,
        "name_en": line.name_en,
        "dids": list(line.dids),
        "waiting": waiting,
        "oldest_wait_s": round(oldest_wait_s, 1),
    }


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
    state = "busy" if engine.is_dialled(one.number) else _STATES.get(engine.device_state(one.number), "idle")
    return {
        "number": one.number,
        "name": one.name,
        "department": one.department,
        "topics": list(one.topics),
        "state": state,
    }

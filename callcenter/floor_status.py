"""The floor as an operator's screen shows it: lines, agents by name, specialists; plain values for JSON.

One look at what the engine knows, no more work than one small mapping a line, agent and specialist.
"""

from typing import Any

from acd.engine import Engine
from acd.plan import Plan
from agents.presence import DeviceState

_STATES = {DeviceState.BUSY: "busy", DeviceState.UNREACHABLE: "unreachable"}


def floor_status(plan: Plan, engine: Engine | None, now: float) -> dict[str, Any]:
    """Return `now_ms` (PBX clock), `lines`, `agents`, `specialists`. `engine` None: nobody is distributed here yet."""
    if engine is None:
        return {"now_ms": int(now * 1000), "lines": [], "agents": [], "specialists": []}
    waiting, oldest = engine.waiting_by_line(), engine.oldest_wait_by_line(now)
    return {
        "now_ms": int(now * 1000),
        "lines": [
            {
                "code": line.code,
                "name": line.name,
                "name_en": line.name_en,
                "dids": list(line.dids),
                "waiting": waiting[line.code],
                "oldest_wait_s": round(oldest[line.code], 1),
            }
            for line in plan.lines.values()
        ],
        "agents": [
            {
                "number": agent.number,
                "name": agent.name,
                "device": agent.device,
                "presence": agent.presence.value,
                "reason": agent.reason,
                "since_ms": agent.since_ms,
                "until_ms": agent.until_ms,
                "calls": agent.calls,
                "misses": agent.misses,
                "reachable": agent.device is not None
                and engine.device_state(agent.device) is not DeviceState.UNREACHABLE,
            }
            for agent in engine.agents
        ],
        "specialists": [
            {
                "number": one.number,
                "name": one.name,
                "department": one.department,
                "topics": list(one.topics),
                "state": "busy"
                if engine.is_dialled(one.number)
                else _STATES.get(engine.device_state(one.number), "idle"),
            }
            for one in plan.specialists
        ],
    }

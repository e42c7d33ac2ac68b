"""The state of a board at an instant, from its two sources (pure).

| section | keys | rows |
|---|---|---|
| figures | `waiting`, `oldest_wait`, `connect_rate`, ... | `text` as it is printed, or `from_ms` of a clock that runs; `level` |
| lines | code | names, order, callers waiting, since when, what holds for it, the day's figures |
| ages | lower edge, s | callers who wait so long |
| callers | call | line, since when, masked number, whether a phone rings |
| agents | number | name, state, reason, since when, until when, whether the phone can be reached |
| states | state | how many agents |
| hours | place in the day | its name, offered, answered, abandoned |
| service | `pbx`, `leader`, `ledger`, `stands_by`, `zone`, `day`, `build` | what a screen must know to be believed |
"""

from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from acd.engine import Engine
from acd.line_orders import LineOrder, text_of
from acd.names import LineState
from acd.plan import Line, Plan
from agents.presence import Presence
from callcenter.board import alarms
from callcenter.board.alarms import Level
from callcenter.board.day import day_name, hour_name
from callcenter.board.delta import State
from callcenter.board.today import Today
from callcenter.board.watch import FloorWatch

SECTIONS = ("figures", "lines", "ages", "callers", "agents", "states", "hours", "service")
CLOSED = "closed"
TEXT_LONGEST = 60

Rows = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Trust:
    """What a screen must know to be believed."""

    is_pbx_up: bool
    """Both AMI sessions stand and the PBX was read: who waits is known."""
    is_leader: bool
    is_ledger_up: bool
    """The day's totals are those of the ledger now."""
    build: str
    """Version of the page that belongs to this service: an older one loads itself anew."""
    is_standing_by: bool = False
    """Another instance leads: what is to be seen is on its board."""


def compose(
    watch: FloorWatch, today: Today, plan: Plan, engine: Engine | None, now_ms: int, zone: tzinfo, trust: Trust
) -> State:
    """Return the whole state. `watch` is up to date with `engine`; `plan` is the one in force when there is no engine."""
    in_force = plan if engine is None else engine.plan
    return {
        "figures": _figures(watch, today, now_ms, is_open=any(line.is_open for line in in_force.lines.values())),
        "lines": _lines(today, in_force, engine, now_ms),
        "ages": {str(edge): number for edge, number in watch.ages(now_ms)},
        "callers": dict(watch.callers()),
        "agents": dict(watch.agents()),
        "states": {state.value: watch.count(state) for state in Presence} | {"unreachable": watch.unreachable},
        "hours": {
            f"{place:02}": {"name": hour_name(begin, zone), **counts}
            for place, (begin, counts) in enumerate(today.hours())
        },
        "service": {
            "pbx": trust.is_pbx_up,
            "leader": trust.is_leader,
            "ledger": trust.is_ledger_up,
            "stands_by": trust.is_standing_by,
            "build": trust.build,
            "zone": plan.zone,
            "day": day_name(today.edges[0], zone) if today.edges else "",
            "level_s": today.level_s,
        },
    }


def _figures(watch: FloorWatch, today: Today, now_ms: int, *, is_open: bool) -> Rows:
    oldest_ms = watch.oldest_ms
    wait = alarms.of_wait(None if oldest_ms is None else (now_ms - oldest_ms) / 1000)
    ready, offered = watch.count(Presence.READY), today.offered()
    logged_in = watch.count(*(state for state in Presence if state is not Presence.LOGGED_OUT))
    rate, level = today.value("connect_rate"), today.value(today.level)
    return {
        "waiting": _shown(str(watch.waiting), wait),
        "oldest_wait": {"from_ms": oldest_ms, "level": wait},
        "connect_rate": _shown(today.text("connect_rate"), alarms.of_connect_rate(rate, offered)),
        "service_level": _shown(today.text(today.level), alarms.of_service_level(level, offered)),
        "offered": _shown(today.text("offered")),
        "agent_answered": _shown(today.text("agent_answered")),
        "abandoned": _shown(today.abandoned()),
        "avg_wait_s": _shown(today.text("avg_wait_s")),
        "ready": _shown(str(ready), alarms.of_ready(ready, logged_in, watch.waiting, is_open=is_open)),
        "talking": _shown(str(watch.count(Presence.TALKING, Presence.HOLD))),
    }


def _shown(text: str, level: Level = Level.NONE) -> Rows:
    return {"text": text, "level": level}


def _lines(today: Today, plan: Plan, engine: Engine | None, now_ms: int) -> Rows:
    waiting = engine.waiting_by_line() if engine is not None else {}
    since = engine.waiting_since_by_line() if engine is not None else {}
    orders = engine.line_orders() if engine is not None else {}
    found = {}
    for place, line in enumerate(plan.lines.values()):
        oldest_ms = since.get(line.code)
        found[line.code] = {
            "place": place,
            "name": line.name[:TEXT_LONGEST],
            "name_en": (line.name_en or line.name)[:TEXT_LONGEST],
            "waiting": waiting.get(line.code, 0),
            "from_ms": oldest_ms,
            "level": alarms.of_wait(None if oldest_ms is None else (now_ms - oldest_ms) / 1000),
            "answered": today.text("agent_answered", line.code),
            "abandoned": today.abandoned(line.code),
            "connect_rate": today.text("connect_rate", line.code),
            **_what_holds(line, orders.get(line.code)),
        }
    return found


def _what_holds(line: Line, order: LineOrder | None) -> Rows:
    """What a supervisor said of a line, else what its hours say."""
    if order is not None and order.state is not LineState.OPEN:
        return {"state": order.state.value, "to": text_of(order.to)[:TEXT_LONGEST] if order.to is not None else ""}
    return {"state": LineState.OPEN.value if line.is_open else CLOSED, "to": ""}

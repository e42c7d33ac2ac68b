"""What a new plan changes, in words: what a supervisor reads before he reloads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from acd.plan import AgentSpec, Exit, Line, Plan, SpecialistSpec, Step
from agents.skills import Need

_PLAN_KEYS = ("default_line", "platform_id", "zone", "max_misses", "specialist_ring_s", "handover_exit")


def plan_diff(old: Plan, new: Plan) -> list[str]:
    """Return one sentence for each change from `old` to `new`, in the order of the file; empty when nothing changes.

    No sentence holds a PIN or its hash.
    """
    return [
        *(f"plan: {change}" for change in _changes(old, new, _PLAN_KEYS)),
        *_words("reason", old.not_ready_reasons, new.not_ready_reasons),
        *_words("topic", old.topics, new.topics),
        *_tables("line", old.lines, new.lines),
        *_tables("agent", old.agents, new.agents),
        *_tables("specialist", _by_number(old.specialists), _by_number(new.specialists)),
    ]


def _by_number(specialists: Sequence[SpecialistSpec]) -> dict[str, SpecialistSpec]:
    return {specialist.number: specialist for specialist in specialists}


def _words(kind: str, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for key in (*old, *(key for key in new if key not in old)):
        if key not in new:
            yield f"{kind} {key} is removed: {old[key]}"
        elif key not in old:
            yield f"{kind} {key} is added: {new[key]}"
        elif old[key] != new[key]:
            yield f"{kind} {key}: {old[key]} becomes {new[key]}"


def _tables(
    kind: str,
    old: Mapping[str, Line] | Mapping[str, AgentSpec] | Mapping[str, SpecialistSpec],
    new: Mapping[str, Line] | Mapping[str, AgentSpec] | Mapping[str, SpecialistSpec],
) -> Iterator[str]:
    for key in (*old, *(key for key in new if key not in old)):
        if key not in new:
            yield f"{kind} {key} ({old[key].name}) is removed"
        elif key not in old:
            yield f"{kind} {key} ({new[key].name}) is added"
        else:
            names = tuple(field.name for field in fields(old[key]))
            yield from (f"{kind} {key}: {change}" for change in _changes(old[key], new[key], names))


def _changes(old: Any, new: Any, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        before, after = getattr(old, name), getattr(new, name)
        if before == after:
            continue
        if name == "pin_sha1":
            yield "PIN is changed" if before and after else "PIN is set" if after else "PIN is removed"
        else:
            yield f"{name} {_shown(before)} becomes {_shown(after)}"


def _shown(value: object) -> str:
    match value:
        case None:
            return "none"
        case Need():
            return f"'{value.text}'"
        case Exit(line=str(line)):
            return f"to line {line}"
        case Exit(number=str(number)):
            return f"to number {number}"
        case Exit():
            return "refuse"
        case Step():
            parts = (value.need, f"line {value.line}" if value.line else None, value.priority_s)
            shown = [part if isinstance(part, str) else _shown(part) for part in parts if part is not None]
            return f"after {value.after_s:g} s {', '.join(shown)}"
        case tuple():
            return "(" + "; ".join(_shown(one) for one in value) + ")"
        case Mapping():
            return ", ".join(f"{key} {level}" for key, level in value.items()) or "none"
        case float():
            return f"{value:g}"
    return str(value) or "none"

"""What a new plan changes, in words: what a supervisor reads before he reloads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from acd.plan import AgentSpec, BlockedNumber, DayException, Exit, Line, SpecialistSpec, Step
from agents.skills import Need
from config.plan import PlanFile
from config.report_shape import Staff

_PLAN_KEYS = (
    "default_line",
    "platform_id",
    "zone",
    "max_misses",
    "specialist_ring_s",
    "handover_exit",
    "case_work_reasons",
    "exceptions",
    "outbound_deny",
    "country_code",
)


_REPORT_KEYS = ("organisation", "organisation_en")


def plan_diff(old_file: PlanFile, new_file: PlanFile) -> list[str]:
    """Return one sentence for each change from the old to the new file, in the order of the file; empty when nothing changes.

    No sentence holds a PIN or its hash. A choice of the report that is not given is its default.
    """
    old, new, was, now = old_file.plan, new_file.plan, old_file.report, new_file.report
    return [
        *(f"plan: {change}" for change in _changes(old, new, _PLAN_KEYS)),
        *_words("reason", old.not_ready_reasons, new.not_ready_reasons),
        *_words("topic", old.topics, new.topics),
        *_tables("line", old.lines, new.lines),
        *_tables("agent", old.agents, new.agents),
        *_tables("specialist", _by_number(old.specialists), _by_number(new.specialists)),
        *_tables("blocked", _by_entry(old.blocked), _by_entry(new.blocked)),
        *(f"report: {change}" for change in _changes(was, now, _REPORT_KEYS)),
        *(f"report: {change}" for change in _choices(was.all_choices(), now.all_choices())),
        *_tables("staff", _by_day(was.staff), _by_day(now.staff)),
    ]


def _choices(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[str]:
    for name, before in old.items():
        if before != new[name]:
            yield f"{name} {_shown(before)} becomes {_shown(new[name])}"


def _by_day(staff: Sequence[Staff]) -> dict[str, Staff]:
    return {f"{one.platform} of {one.since}": one for one in staff}


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


def _by_entry(blocked: Sequence[BlockedNumber]) -> dict[str, BlockedNumber]:
    return {entry.text: entry for entry in blocked}


_Table = Line | AgentSpec | SpecialistSpec | BlockedNumber | Staff


def _tables(kind: str, old: Mapping[str, _Table], new: Mapping[str, _Table]) -> Iterator[str]:
    for key in (*old, *(key for key in new if key not in old)):
        if key not in new:
            yield f"{kind} {key} ({_called(old[key])}) is removed"
        elif key not in old:
            yield f"{kind} {key} ({_called(new[key])}) is added"
        else:
            names = tuple(field.name for field in fields(old[key]))
            yield from (f"{kind} {key}: {change}" for change in _changes(old[key], new[key], names))


def _called(one: _Table) -> str:
    return one.why if isinstance(one, BlockedNumber) else one.name


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
        case bool():
            return "true" if value else "false"
        case Need():
            return f"'{value.text}'"
        case Exit():
            return _exit_shown(value)
        case DayException():
            only = f" for {', '.join(value.lines)}" if value.lines else ""
            return f"{value.date} {value.hours or 'closed'}{only}"
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


def _exit_shown(leaves: Exit) -> str:
    where = "refuse"
    for word, to in (("line", leaves.line), ("number", leaves.number), ("voicemail", leaves.voicemail)):
        where = f"to {word} {to}" if to is not None else where
    return where if leaves.prompt is None else f"{where} with prompt {leaves.prompt}"

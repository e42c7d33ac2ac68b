"""What only the whole plan can tell: do the names that one table uses exist in another, can every caller reach a person.

Each check is a small function from the plan's tables to findings, in the table `CHECKS`. An error stops the start; a
warning is printed and recorded, for a plan that works but hardly as meant (a skill that no agent has yet). Tables that
had errors of their own are left out of `lines`, `agents`, ... but their names stay known, so that one mistake is not
reported twice.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from acd.blocked import spelt
from acd.selection import STRATEGIES
from agents.skills import Need, satisfies
from config.plan_shape import AgentShape, BlockedShape, ExitShape, LineShape, SpecialistShape, TopShape
from config.toml_lines import KeyPath

MIN_BLOCKED = 3
"""Digits that a blocked beginning has at least: a shorter one would turn whole networks away."""
EMERGENCY = ("110", "119", "120", "122")
"""Numbers that the dialplan (`callcenter-emergency`) dials for every phone, whatever the plan says."""


class Finding(NamedTuple):
    """Something wrong at a key."""

    path: KeyPath
    reason: str
    is_error: bool = True


@dataclass(frozen=True, slots=True)
class Tables:
    """The plan's tables, each checked by itself."""

    top: TopShape | None
    """None: wrong itself."""
    lines: Mapping[str, LineShape]
    line_names: frozenset[str]
    """Also of lines that are wrong themselves."""
    agents: Mapping[str, AgentShape]
    agent_names: frozenset[str]
    specialists: Mapping[int, SpecialistShape]
    """By position in the file."""
    blocked: Mapping[int, BlockedShape]
    """Likewise."""


def check_tables(tables: Tables) -> Iterator[Finding]:
    """Return every finding of every check."""
    for check in CHECKS:
        yield from check(tables)


def _exists(path: KeyPath, line: str | None, tables: Tables, own: str | None = None) -> Iterator[Finding]:
    if line is None:
        return
    if line == own:
        yield Finding(path, f"line '{line}' names itself")
    elif line not in tables.line_names:
        yield Finding(path, f"there is no line '{line}'{_nearest(line, tables.line_names)}")


def _nearest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f": did you mean '{near[0]}'?" if near else ""


def _exits(line: LineShape) -> Iterator[tuple[str, ExitShape]]:
    for key, leaves in (
        ("on_max_wait", line.on_max_wait),
        ("on_full", line.on_full),
        ("on_no_agent", line.on_no_agent),
        ("on_closed", line.on_closed),
    ):
        if leaves is not None:
            yield key, leaves


def _check_top(tables: Tables) -> Iterator[Finding]:
    if not tables.line_names:
        yield Finding(("lines",), "the plan has no line: add a table [lines.general]")
    if not tables.agent_names:
        yield Finding(("agents",), "the plan has no agent: add a table [agents.1001]")
    if tables.top is not None:
        if tables.line_names:
            yield from _exists(("default_line",), tables.top.default_line, tables)
        if tables.top.handover_exit is not None:
            yield from _exists(("handover_exit", "line"), tables.top.handover_exit.line, tables)


def _check_dids(tables: Tables) -> Iterator[Finding]:
    owner: dict[str, str] = {}
    for code, line in tables.lines.items():
        for did in line.dids:
            if did in owner:
                yield Finding(("lines", code, "dids"), f"number {did} belongs to line '{owner[did]}' already")
            owner.setdefault(did, code)


def _check_references(tables: Tables) -> Iterator[Finding]:
    for code, line in tables.lines.items():
        for key, leaves in _exits(line):
            yield from _exists(("lines", code, key, "line"), leaves.line, tables, own=code)
        for position, step in enumerate(line.steps):
            yield from _exists(("lines", code, "steps", position, "line"), step.line, tables, own=code)
    for number, agent in tables.agents.items():
        yield from _exists(("agents", number, "outbound"), agent.outbound, tables)
    for position, exception in enumerate(tables.top.exceptions if tables.top is not None else ()):
        for named in exception.lines:
            yield from _exists(("exceptions", position, "lines"), named, tables)


def _check_limits(tables: Tables) -> Iterator[Finding]:
    for code, line in tables.lines.items():
        path = ("lines", code)
        if line.strategy not in STRATEGIES:
            known = ", ".join(sorted(STRATEGIES))
            yield Finding((*path, "strategy"), f"there is no strategy '{line.strategy}'; there are {known}")
        if line.wrapup_max_s < line.wrapup_s:
            yield Finding((*path, "wrapup_max_s"), "is less than wrapup_s")
        for position in range(1, len(line.steps)):
            if line.steps[position].after_s <= line.steps[position - 1].after_s:
                yield Finding((*path, "steps", position, "after_s"), "must be later than the step before it")
        for position, step in enumerate(line.steps):
            if line.max_wait_s is not None and step.after_s >= line.max_wait_s:
                yield Finding(
                    (*path, "steps", position, "after_s"),
                    f"is never reached: callers leave after max_wait_s = {line.max_wait_s:g}",
                    is_error=False,
                )


def _check_circles(tables: Tables) -> Iterator[Finding]:
    """Exits to lines may not lead back: a caller who was sent on once must end somewhere."""
    leads_to = {
        code: [leaves.line for _, leaves in _exits(line) if leaves.line in tables.lines and leaves.line != code]
        for code, line in tables.lines.items()
    }
    told: set[frozenset[str]] = set()
    for code in leads_to:
        circle = _circle_from(code, leads_to)
        if circle and frozenset(circle) not in told:
            told.add(frozenset(circle))
            yield Finding(("lines", code), f"exits run in a circle: {' -> '.join((*circle, circle[0]))}")


def _circle_from(start: str, leads_to: Mapping[str, list[str | None]]) -> tuple[str, ...]:
    """Return the way from `start` back to it, empty when there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for line in leads_to[way[-1]]:
            if line == start:
                return way
            if line is not None and line not in seen:
                seen.add(line)
                ways.append((*way, line))
    return ()


def _check_exceptions(tables: Tables) -> Iterator[Finding]:
    """A date has one exception for a line, and one for all of them; one that nothing follows is probably a mistake."""
    exceptions = () if tables.top is None else tables.top.exceptions
    seen: set[tuple[object, str]] = set()
    for position, exception in enumerate(exceptions):
        path = ("exceptions", position)
        for code in exception.lines or ("",):
            if (exception.date, code) in seen:
                of = f"line '{code}'" if code else "all lines"
                yield Finding((*path, "date"), f"{exception.date} has an exception for {of} already")
            seen.add((exception.date, code))
        if not exception.lines and tables.lines and not any(line.hours for line in tables.lines.values()):
            yield Finding((*path, "lines"), "holds for no line: none has hours, and it names none", is_error=False)


def _check_skills(tables: Tables) -> Iterator[Finding]:
    if len(tables.agents) < len(tables.agent_names) or not tables.agents:
        return
    had = {skill for agent in tables.agents.values() for skill in agent.skills}
    for code, line in tables.lines.items():
        needs: list[tuple[KeyPath, Need]] = [(("lines", code, "need"), line.need)]
        needs += [(("lines", code, "steps", n, "need"), step.need) for n, step in enumerate(line.steps) if step.need]
        for path, need in needs:
            for skill in sorted({term.skill for terms in need.any_of for term in terms} - had):
                yield Finding(path, f"no agent has the skill '{skill}'{_nearest(skill, had)}", is_error=False)


def _check_reach(tables: Tables) -> Iterator[Finding]:
    """Every line must have somebody of the plan who could take its calls, at the latest by its last step."""
    if len(tables.agents) < len(tables.agent_names) or not tables.agents:
        return
    for code, line in tables.lines.items():
        needs = [line.need, *(step.need for step in line.steps if step.need)]
        needs += [tables.lines[step.line].need for step in line.steps if step.line and step.line in tables.lines]
        if not any(satisfies(agent.skills, need) for need in needs for agent in tables.agents.values()):
            yield Finding(
                ("lines", code, "need"),
                "no agent of the plan could ever take a call of this line, not even by its steps",
                is_error=line.on_no_agent is None,
            )


def _check_specialists(tables: Tables) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    topics = None if tables.top is None else tables.top.topics
    for position, specialist in tables.specialists.items():
        path = ("specialists", position)
        if specialist.number in seen:
            yield Finding((*path, "number"), f"{specialist.number} is listed twice: give one entry all topics")
        seen.setdefault(specialist.number, position)
        if specialist.number in tables.agent_names:
            yield Finding(
                (*path, "number"), f"{specialist.number} is an agent's number too: figures may be mixed up", False
            )
        for topic in specialist.topics:
            if topics is not None and topic not in topics:
                yield Finding((*path, "topics"), f"topic {topic} is not in [topics]")
    served = {topic for specialist in tables.specialists.values() for topic in specialist.topics}
    for topic in topics or ():
        if topic not in served:
            yield Finding(("topics", topic), "no specialist has this topic: asking for it finds nobody", False)


def _check_outbound(tables: Tables) -> Iterator[Finding]:
    """Dialling out: as which number, and what is denied."""
    told: set[str] = set()
    for number, agent in tables.agents.items():
        line = tables.lines.get(agent.outbound or "")
        if line is not None and agent.outbound and not line.outbound_number and agent.outbound not in told:
            told.add(agent.outbound)
            yield Finding(
                ("agents", number, "outbound"),
                f"line '{agent.outbound}' has no outbound_number: called parties see the trunk's own",
                is_error=False,
            )
    denied = tables.top.outbound_deny if tables.top is not None else []
    if not any("001".startswith(prefix) for prefix in denied) and any(one.outbound for one in tables.agents.values()):
        yield Finding(("outbound_deny",), "nothing that begins with 00 is denied: agents may dial abroad", False)
    for position, prefix in enumerate(denied):
        wider = next((one for one in denied if one != prefix and prefix.startswith(one)), None)
        if wider is not None or prefix in denied[:position]:
            yield Finding(("outbound_deny",), f"'{prefix}' is denied already by '{wider or prefix}'", is_error=False)
        if any(urgent.startswith(prefix) for urgent in EMERGENCY):
            yield Finding(
                ("outbound_deny",), f"'{prefix}' does not deny {', '.join(EMERGENCY)}: every phone may dial them", False
            )


def _check_case_work(tables: Tables) -> Iterator[Finding]:
    """Case work is a not-ready reason."""
    if tables.top is None:
        return
    words = tables.top.not_ready_reasons.values()
    for word in tables.top.case_work_reasons:
        if word not in words:
            yield Finding(
                ("case_work_reasons",), f"there is no reason '{word}' in [not_ready_reasons]{_nearest(word, words)}"
            )


def _check_blocked(tables: Tables) -> Iterator[Finding]:
    """Blocked numbers, in the one spelling in which they are compared: none twice, and no beginning that is hardly one."""
    country_code = "" if tables.top is None else tables.top.country_code
    listed: dict[tuple[str, bool], int] = {}
    for position, one in tables.blocked.items():
        key = "number" if one.prefix is None else "prefix"
        path = ("blocked", position, key)
        number = spelt(one.number or one.prefix or "", country_code)
        if len(number) < MIN_BLOCKED:
            yield Finding(path, f"has fewer than {MIN_BLOCKED} digits without the country's own code {country_code}")
        elif (number, one.prefix is not None) in listed:
            yield Finding(path, f"{one.number or one.prefix} is blocked already")
        else:
            listed[number, one.prefix is not None] = position
    for (number, is_beginning), position in listed.items():
        shorter = range(MIN_BLOCKED, len(number) + (not is_beginning))
        wider = next((number[:length] for length in shorter if (number[:length], True) in listed), None)
        if wider is not None:
            key = "prefix" if is_beginning else "number"
            yield Finding(("blocked", position, key), f"is blocked already by the prefix {wider}", is_error=False)


def _check_use(tables: Tables) -> Iterator[Finding]:
    """A line that nothing leads to is probably a mistake."""
    reached = {tables.top.default_line} if tables.top else set()
    for line in tables.lines.values():
        reached |= {step.line for step in line.steps if step.line}
        reached |= {leaves.line for _, leaves in _exits(line) if leaves.line}
    for code, line in tables.lines.items():
        if not line.dids and code not in reached:
            yield Finding(("lines", code), "no number, step or exit leads to this line", is_error=False)


def _check_pins(tables: Tables) -> Iterator[Finding]:
    without = [number for number, agent in tables.agents.items() if not agent.pin_sha1]
    if without:
        shown = ", ".join(without[:5]) + (f" and {len(without) - 5} more" if len(without) > 5 else "")
        yield Finding(
            ("agents", without[0]),
            f"without a PIN nobody can log in: {shown}. 'callcenter plan pin {without[0]}' makes the line",
            is_error=False,
        )


CHECKS: tuple[Callable[[Tables], Iterator[Finding]], ...] = (
    _check_top,
    _check_dids,
    _check_references,
    _check_limits,
    _check_circles,
    _check_exceptions,
    _check_skills,
    _check_reach,
    _check_specialists,
    _check_use,
    _check_outbound,
    _check_case_work,
    _check_blocked,
    _check_pins,
)

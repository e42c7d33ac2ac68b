"""From a TOML file to the plan that the engine sees.

In three passes: syntax (`tomllib`), the shape of each table (`config.plan_shape`), then what only the whole can tell
(`config.plan_checks`). Every problem found is reported at once, each with file, line and key; one error and nothing is
loaded. `config/plan.example.toml` explains every key.
"""

import difflib
import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from acd.plan import AgentSpec, BlockedNumber, DayException, Exit, Line, Plan, SpecialistSpec, Step
from config.errors import PlanError
from config.plan_checks import Finding, Tables, check_tables
from config.plan_shape import (
    AgentNumber,
    AgentShape,
    BlockedShape,
    ExitShape,
    LineCode,
    LineShape,
    Shape,
    SpecialistShape,
    TopShape,
)
from config.report_shape import NOTHING_SAID, ReportPlan, ReportShape, StaffShape, report_plan
from config.toml_lines import KeyPath, find_lines, line_of, path_in_words

MAX_SHOWN = 60
_TABLES = ("lines", "agents", "specialists", "blocked", "report", "staff")
_AT_LINE = re.compile(r"\(at line (\d+), column (\d+)\)$")
_S = TypeVar("_S", bound=Shape)


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan that may be used, with what its author should know."""

    plan: Plan
    source: str
    """File name, as given."""
    warnings: tuple[str, ...]
    """`file:line: key: what is probably not as meant`."""
    report: ReportPlan = NOTHING_SAID
    """What it says of the public report."""


def load_plan(path: Path) -> Plan:
    """Read and check the plan file. Raises PlanError with all problems."""
    return read_plan(path).plan


def read_plan(path: Path) -> PlanFile:
    """Read and check the plan file, and keep the warnings. Raises PlanError with all problems."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise PlanError(
            f"{path}: there is no such file: copy config/plan.example.toml, or name yours with CALLCENTER_PLAN"
        ) from error
    except UnicodeDecodeError as error:
        raise PlanError(f"{path}: is not UTF-8 text (byte {error.start}): save it so") from error
    except OSError as error:
        raise PlanError(f"{path}: cannot be read: {error.strerror}") from error
    return parse_plan(text, str(path))


def parse_plan(text: str, source: str = "plan.toml") -> PlanFile:
    """Check the text of a plan. `source` is the name that errors give. Raises PlanError with all problems."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _AT_LINE.search(str(error))
        where = f"{source}:{at[1]}" if at else source
        raise PlanError(f"{where}: {_AT_LINE.sub('', str(error)).strip()} (column {at[2] if at else '?'})") from error
    except (ValueError, RecursionError) as error:  # an integer of thousands of digits, hundreds of nested brackets
        raise PlanError(f"{source}: cannot be read: {error}") from error
    findings: list[Finding] = []
    tables = _tables(raw, findings)
    findings.extend(check_tables(tables))
    report = _shaped(ReportShape, raw.get("report", {}), ("report",), findings) or ReportShape()
    staff = list(_listed(raw, "staff", StaffShape, findings).values())
    found = find_lines(text)
    findings.sort(key=lambda finding: line_of(found, finding.path) or 0)
    errors = [_in_words(finding, source, found) for finding in findings if finding.is_error]
    if errors or tables.top is None:
        raise PlanError(*errors)
    warnings = tuple(_in_words(finding, source, found) for finding in findings)
    version = hashlib.sha256(text.encode()).hexdigest()[:12]
    return PlanFile(_build(tables, tables.top, version), source, warnings, report_plan(report, staff))


def _tables(raw: Mapping[str, Any], findings: list[Finding]) -> Tables:
    lines = _named(raw, "lines", LineShape, LineCode, findings)
    agents = _named(raw, "agents", AgentShape, AgentNumber, findings)
    return Tables(
        top=_shaped(TopShape, {key: value for key, value in raw.items() if key not in _TABLES}, (), findings),
        lines=lines,
        line_names=_names(raw, "lines"),
        agents=agents,
        agent_names=_names(raw, "agents"),
        specialists=_listed(raw, "specialists", SpecialistShape, findings),
        blocked=_listed(raw, "blocked", BlockedShape, findings),
    )


def _listed(raw: Mapping[str, Any], key: str, shape: type[_S], findings: list[Finding]) -> dict[int, _S]:
    """Return the good ones of a list of tables by their place in the file."""
    listed = raw.get(key, [])
    if not isinstance(listed, list):
        findings.append(Finding((key,), f"must be a list: begin each with [[{key}]]"))
        listed = []
    shaped = {n: _shaped(shape, one, (key, n), findings) for n, one in enumerate(listed)}
    return {n: one for n, one in shaped.items() if one is not None}


def _names(raw: Mapping[str, Any], key: str) -> frozenset[str]:
    table = raw.get(key)
    return frozenset(table) if isinstance(table, dict) else frozenset()


def _named(raw: Mapping[str, Any], key: str, shape: type[_S], names: Any, findings: list[Finding]) -> dict[str, _S]:
    table = raw.get(key, {})
    if not isinstance(table, dict):
        findings.append(Finding((key,), f"must be tables: begin each with [{key}.NAME]"))
        return {}
    rule = TypeAdapter(names)
    shaped = {}
    for name, one in table.items():
        try:
            rule.validate_python(name)
        except ValidationError as error:
            findings.extend(Finding((key, name), _reason(problem, shape)) for problem in error.errors())
        model = _shaped(shape, one, (key, name), findings)
        if model is not None:
            shaped[name] = model
    return shaped


def _shaped(shape: type[_S], raw: Any, path: KeyPath, findings: list[Finding]) -> _S | None:
    try:
        return shape.model_validate(raw)
    except ValidationError as error:
        for problem in error.errors():
            at = tuple(part for part in problem["loc"] if part != "[key]")
            findings.append(Finding(path + at, _reason(problem, shape)))
        return None


def _reason(problem: Any, shape: type[Shape]) -> str:
    """Return pydantic's message in the words of somebody who writes a plan."""
    match problem["type"]:
        case "extra_forbidden":
            known = list(shape.model_fields) + (list(_TABLES) if shape is TopShape else [])
            near = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
            return "there is no such key" + (f": did you mean '{near[0]}'?" if near else "")
        case "missing":
            return "is missing"
        case "model_type" | "model_attributes_type" | "dict_type":
            return "must be a table"
    text: str = problem["msg"]
    text = text.removeprefix("Value error, ").replace("Input should be", "must be")
    given = problem["input"]
    if isinstance(given, str | float) or (isinstance(given, int) and abs(given) < 10**18):
        if problem["loc"][-1:] != ("pin_sha1",) and len(str(given)) <= MAX_SHOWN:
            text += f" (it is {given!r})"
    return text


def _in_words(finding: Finding, source: str, found: Mapping[KeyPath, int]) -> str:
    number = line_of(found, finding.path)
    where = source if number is None else f"{source}:{number}"
    key = path_in_words(finding.path)
    return f"{where}: {key}: {finding.reason}" if key else f"{where}: {finding.reason}"


def _build(tables: Tables, top: TopShape, version: str) -> Plan:
    return Plan(
        lines={code: _line(code, line) for code, line in tables.lines.items()},
        default_line=top.default_line,
        agents={
            number: AgentSpec(number, agent.name, dict(agent.skills), agent.pin_sha1, agent.max_misses, agent.outbound)
            for number, agent in tables.agents.items()
        },
        specialists=tuple(
            SpecialistSpec(one.number, one.name, tuple(one.topics), one.department, one.target, one.hours)
            for one in tables.specialists.values()
        ),
        topics=dict(top.topics),
        not_ready_reasons=dict(top.not_ready_reasons),
        case_work_reasons=tuple(top.case_work_reasons),
        max_misses=top.max_misses,
        specialist_ring_s=top.specialist_ring_s,
        handover_exit=_exit(top.handover_exit),
        exceptions=tuple(DayException(one.date.isoformat(), one.hours, tuple(one.lines)) for one in top.exceptions),
        blocked=tuple(_blocked(one) for one in tables.blocked.values()),
        outbound_deny=tuple(top.outbound_deny),
        country_code=top.country_code,
        platform_id=top.platform_id,
        zone=top.zone,
        version=version,
    )


def _line(code: str, line: LineShape) -> Line:
    return Line(
        code=code,
        name=line.name,
        name_en=line.name_en,
        dids=tuple(line.dids),
        need=line.need,
        steps=tuple(Step(step.after_s, step.need, step.line, step.priority_s) for step in line.steps),
        priority_s=line.priority_s,
        strategy=line.strategy,
        ring_s=line.ring_s,
        wrapup_s=line.wrapup_s,
        wrapup_max_s=line.wrapup_max_s,
        max_wait_s=line.max_wait_s,
        on_max_wait=_some_exit(line.on_max_wait),
        max_waiting=line.max_waiting,
        on_full=_some_exit(line.on_full),
        on_no_agent=_exit(line.on_no_agent),
        hours=line.hours,
        on_closed=_some_exit(line.on_closed),
        greeting=line.greeting,
        answer_first=line.answer_first,
        record=line.record,
        notice=line.notice,
        announce_agent=line.announce_agent,
        rating=line.rating,
        language=line.language,
        outbound_number=line.outbound_number,
    )


def _blocked(one: BlockedShape) -> BlockedNumber:
    return BlockedNumber(one.number or one.prefix or "", one.why, one.prefix is not None, one.prompt)


def _exit(leaves: ExitShape | None) -> Exit | None:
    return None if leaves is None else _some_exit(leaves)


def _some_exit(leaves: ExitShape) -> Exit:
    return Exit(leaves.line, leaves.number, leaves.reject, leaves.voicemail, leaves.prompt)

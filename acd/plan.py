"""The business plan as the engine sees it: lines, steps, skills, agents, specialists. Plain frozen data.

The loader in `config` reads and checks a TOML file and builds these; the engine never sees the file. A plan is
replaced as a whole (`PlanChanged`), so nothing here is ever mutated.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from acd.names import RejectReason
from agents.skills import Need

MAX_PRIORITY_S = 600.0
"""Upper bound of a line's head start, so that no line can starve another for ever."""


@dataclass(frozen=True, slots=True)
class Exit:
    """Where a caller goes who cannot be served here: another line of ours, an outside number, or a refusal."""

    line: str | None = None
    number: str | None = None
    """Outside number, digits only; the call ends `overflowed_out`."""
    reject: bool = False
    """Prompt and hang-up; the call ends `rejected` with the reason that brought it here."""


REJECT = Exit(reject=True)


@dataclass(frozen=True, slots=True)
class Step:
    """A change of what a waiting call accepts, inside the same wait (the wait clock never restarts)."""

    after_s: float
    """Seconds since the call was queued (first time)."""
    need: Need | None = None
    """The new need; None keeps the current one."""
    line: str | None = None
    """Overflow: from here on the call is of this line too (its need, its later steps do not apply)."""
    priority_s: float | None = None
    """New head start; None keeps it."""


@dataclass(frozen=True, slots=True)
class Line:
    """What the caller dialled: gives a call its need, its steps and its limits."""

    code: str
    """Stable ASCII key, [a-z0-9_-]: in the ledger, in metrics, in queue names (`callcenter-<code>`)."""
    name: str
    """What agents and supervisors read, e.g. 群众诉求."""
    name_en: str
    dids: tuple[str, ...]
    """Dialled numbers that reach this line."""
    need: Need
    steps: tuple[Step, ...] = ()
    """In order of `after_s`."""
    priority_s: float = 0.0
    """Head start in the score, seconds, 0 to MAX_PRIORITY_S."""
    strategy: str = "longest_idle"
    ring_s: int = 20
    wrapup_s: float = 20.0
    wrapup_max_s: float = 300.0
    """An agent may extend wrap-up up to this long in all."""
    max_wait_s: float | None = None
    """Longest wait since queued; None: no limit."""
    on_max_wait: Exit = REJECT
    max_waiting: int | None = None
    """Most calls that may wait in this line; a call that finds it so and no agent free takes `on_full`."""
    on_full: Exit = REJECT
    on_no_agent: Exit | None = None
    """Where to go when nobody who could take the call is logged in; None: wait all the same."""
    greeting: str | None = None
    """Sound file (no extension) played before the call is queued; None: arrived = queued."""
    answer_first: bool = False
    """Answer before anybody rings (a notice must be heard)."""


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """A seat of the plan: who he is and what he can do."""

    number: str
    """Agent number, digits: identity in log-in, ledger, commands."""
    name: str
    skills: Mapping[str, int]
    """Skill -> level >= 1. A skill that is not here is not had at level 0."""
    pin_sha1: str
    """Hex SHA-1 of `<number>:<PIN>`."""
    max_misses: int | None = None
    """None: the plan's value."""


@dataclass(frozen=True, slots=True)
class SpecialistSpec:
    """A policy specialist: a contact, not an agent (no log-in, no wrap-up, no penalty for a miss)."""

    number: str
    """What is dialled: endpoint name or outside number, by `target`."""
    name: str
    topics: tuple[str, ...]
    """Two-digit topic codes."""
    department: str = ""
    target: str = "endpoint"
    """Dial template of the dialplan: `endpoint` or `trunk`."""
    hours: str = ""
    """Empty: always. Else `Mon-Fri 09:00-17:00`, in the plan's zone (judged by the shell, not the engine)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the business decides. Order of mappings is the order of the file."""

    lines: Mapping[str, Line]
    default_line: str
    """Where a call with an unknown DID goes."""
    agents: Mapping[str, AgentSpec] = field(default_factory=dict)
    specialists: tuple[SpecialistSpec, ...] = ()
    topics: Mapping[str, str] = field(default_factory=dict)
    """Two-digit code -> name."""
    not_ready_reasons: Mapping[str, str] = field(default_factory=dict)
    """Digit -> reason word, e.g. {"1": "break"}."""
    max_misses: int = 3
    """Offers in a row that an agent may let ring before he is set not ready (`missed`)."""
    specialist_ring_s: int = 20
    handover_exit: Exit | None = None
    """When no specialist could be reached; None: back to the seat's line with what he had waited."""
    platform_id: str = "default"
    zone: str = "Asia/Shanghai"
    version: str = ""
    """Hash of the file: on the record of each plan change."""

    def line_of(self, did: str) -> Line | None:
        """Return the line that `did` reaches, None when no line has it."""
        for line in self.lines.values():
            if did in line.dids:
                return line
        return None


__all__ = [
    "MAX_PRIORITY_S",
    "REJECT",
    "AgentSpec",
    "Exit",
    "Line",
    "Plan",
    "RejectReason",
    "SpecialistSpec",
    "Step",
]

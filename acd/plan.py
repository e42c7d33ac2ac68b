"""The business plan as the engine sees it: lines, steps, skills, agents, specialists. Plain frozen data.

The loader in `config` reads and checks a TOML file and builds these; the engine never sees the file. A plan is
replaced as a whole (`PlanChanged`), so nothing here is ever mutated.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from acd.names import RejectReason
from agents.skills import Need

ALL_LINES = "all"
"""What all lines together are called where figures are shown: no line has this code."""
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
    voicemail: str | None = None
    """Mailbox, digits, of Asterisk's own voicemail (context `callcenter`); a message left makes the call `voicemail`."""
    prompt: str | None = None
    """Sound played before he goes; None: the exit's own prompt (none towards another line)."""


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
    hours: str = ""
    """When it is open (`config.hours`, the plan's zone); empty: always. Judged by the shell, told as `is_open`."""
    is_open: bool = True
    on_closed: Exit = REJECT
    greeting: str | None = None
    """Sound file (no extension) played before the call is queued; None and no `notice`: arrived = queued."""
    answer_first: bool = False
    """Answer before anybody rings (a notice must be heard)."""
    record: bool = False
    """Talks are recorded (MixMonitor, one file a call)."""
    notice: str | None = None
    """Sound that says that talks are recorded; played before the greeting, and before anybody rings."""
    announce_agent: bool = False
    """The caller hears the agent's number when somebody answers, before they are bridged (工号播报)."""
    rating: bool = False
    """After the talk the caller is asked for 1 to 5."""
    language: str = "zh"
    """Language of prompts: `zh` or `en`."""
    outbound_number: str = ""
    """Own number shown when an agent dials out for this line; empty: the trunk's."""


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
    outbound: str | None = None
    """Code of the line for which he may dial out; None: he may not."""


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
class DayException:
    """A date whose hours are not those of its weekday: a holiday, or a day worked instead."""

    date: str
    """`YYYY-MM-DD`, in the plan's zone."""
    hours: str
    """`09:00-12:00`, several with `;`; empty: closed all day."""
    lines: tuple[str, ...] = ()
    """Codes of the lines it holds for; empty: all lines that have hours."""


@dataclass(frozen=True, slots=True)
class BlockedNumber:
    """A number whose callers are turned away (`acd.blocked`)."""

    number: str
    """Digits, with a `+` before them or without: a whole number, or the beginning of some."""
    why: str
    """Who asked for it and for what: on the record of each call."""
    is_beginning: bool = False
    """Every number that begins so."""
    prompt: str | None = None
    """Sound that he hears; None: that of a busy line."""

    @property
    def text(self) -> str:
        """As a person writes it: `13900001234`, or `0099*` for a beginning."""
        return f"{self.number}*" if self.is_beginning else self.number


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
    case_work_reasons: tuple[str, ...] = ()
    """Those of the words that are case work (`Presence.CASE_WORK`): time at work, though not on the phone."""
    max_misses: int = 3
    """Offers in a row that an agent may let ring before he is set not ready (`missed`)."""
    specialist_ring_s: int = 20
    handover_exit: Exit | None = None
    """When no specialist could be reached; None: back to the seat's line with what he had waited."""
    exceptions: tuple[DayException, ...] = ()
    blocked: tuple[BlockedNumber, ...] = ()
    """Callers who are turned away; in the order of the file."""
    outbound_deny: tuple[str, ...] = ("00",)
    """Beginnings of numbers that nobody may dial out to; `+` counts as `00`."""
    country_code: str = "86"
    """Our own: `+86...` is a number of this country."""
    platform_id: str = "default"
    zone: str = "Asia/Shanghai"
    version: str = ""
    """Hash of the file: on the record of each plan change."""

    def exits(self) -> tuple[Exit, ...]:
        """Return every exit that it names."""
        of_lines = ((line.on_closed, line.on_no_agent, line.on_full, line.on_max_wait) for line in self.lines.values())
        return tuple(one for exits in (*of_lines, (self.handover_exit,)) for one in exits if one is not None)

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
    "BlockedNumber",
    "DayException",
    "Exit",
    "Line",
    "Plan",
    "RejectReason",
    "SpecialistSpec",
    "Step",
]

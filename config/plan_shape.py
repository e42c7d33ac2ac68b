"""What a plan file looks like: types, bounds and spellings of each key, checked one table at a time.

Private to `config`: the engine gets plain dataclasses (`acd.plan`). What needs a second table to judge (does that line
exist?) is in `config.plan_checks`.
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, model_validator

from acd.plan import ALL_LINES, MAX_PRIORITY_S
from agents.errors import NeedSyntaxError
from agents.skills import Need, parse_need
from config.hours import parse_day, parse_hours

RESERVED_REASONS = frozenset({"missed", "logout", "supervisor"})
"""Reason words that the engine sets by itself."""
MAX_NEED = 400


def _matching(pattern: str, rule: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(rule)
        return value

    return AfterValidator(check)


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must not hold control characters")
    return value


def _plain(value: str) -> str:
    _printable(value)
    if not value.strip():
        raise ValueError("must not be blank")
    return value


def _need(value: Any) -> Need:
    if not isinstance(value, str):
        raise ValueError("must be text, such as 'general >= 1'")
    if len(value) > MAX_NEED:
        raise ValueError(f"is longer than {MAX_NEED} characters")
    try:
        return parse_need(value)
    except NeedSyntaxError as error:
        raise ValueError(str(error)) from error
    except RecursionError:
        raise ValueError("has too many parentheses inside one another") from None


def _reason(value: str) -> str:
    if value in RESERVED_REASONS:
        raise ValueError(f"'{value}' is set by the service itself: choose another word")
    return value


def _line_code(value: str) -> str:
    if value == ALL_LINES:
        raise ValueError(f"'{value}' stands for all lines together where figures are shown: choose another code")
    return value


def _passing(check: Callable[[str], object]) -> AfterValidator:
    def keep(value: str) -> str:
        check(value)
        return value

    return AfterValidator(keep)


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (OSError, ValueError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ValueError("is no time zone") from error
    except KeyError as error:
        raise ValueError("is no time zone of this machine, such as Asia/Shanghai") from error
    return value


Name = Annotated[str, Field(max_length=60), AfterValidator(_plain)]
PlatformId = Annotated[str, _matching(r"[A-Za-z0-9_.-]{1,40}", "is 1 to 40 of letters, digits, _ . -")]
LineCode = Annotated[
    str, _matching(r"[a-z0-9_-]{1,24}", "a line's code is 1 to 24 of a-z 0-9 _ -"), AfterValidator(_line_code)
]
Did = Annotated[str, _matching(r"[0-9*#+]{1,32}", "a dialled number is 1 to 32 of 0-9 * # +")]
Outside = Annotated[str, _matching(r"[0-9]{2,20}", "an outside number is 2 to 20 digits")]
Skill = Annotated[
    str,
    _matching(r"(?!(?:and|or)$)[^\W\d][\w.-]{0,39}", "a skill is a word such as tax or policy.tax, at most 40 letters"),
]
AgentNumber = Annotated[str, _matching(r"[0-9]{1,10}", "an agent's number is 1 to 10 digits")]
Topic = Annotated[str, _matching(r"[0-9]{2}", "a topic's code is two digits (dialled after *7)")]
ReasonDigit = Annotated[str, _matching(r"[0-9]", "a reason's key is one digit (dialled after *14)")]
ReasonWord = Annotated[
    str, _matching(r"[a-z][a-z0-9_]{0,23}", "a reason is a word of a-z 0-9 _"), AfterValidator(_reason)
]
PinSha1 = Annotated[
    str,
    _matching(r"([0-9a-f]{40})?", "must be 40 hex digits in lower case: 'callcenter plan pin NUMBER' prints the line"),
]
Sound = Annotated[
    str,
    _matching(
        r"(?=.{1,80}$)[A-Za-z0-9_-][A-Za-z0-9_-]*(?:[./][A-Za-z0-9_-]+)*",
        "a sound is a file of at most 80 letters, digits, _ -, with single . / between them, without its suffix",
    ),
]
Mailbox = Annotated[str, _matching(r"[0-9]{1,10}", "a mailbox is 1 to 10 digits")]
CallerNumber = Annotated[str, _matching(r"\+?[0-9]{3,20}", "must be 3 to 20 digits, with a + before them or without")]
Prefix = Annotated[str, _matching(r"[0-9*#+]{1,20}", "the beginning of a number is 1 to 20 of 0-9 * # +")]
NeedText = Annotated[Need, PlainValidator(_need)]
Priority = Annotated[float, Field(ge=0, le=MAX_PRIORITY_S, allow_inf_nan=False)]
Level = Annotated[int, Field(ge=1, le=100)]


class Shape(BaseModel):
    """A table of the file: no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ExitShape(Shape):
    """`{ line = "..." }`, `{ number = "..." }`, `{ voicemail = "..." }` or `{ reject = true }`; any with `prompt = "..."`."""

    line: str | None = None
    number: Outside | None = None
    voicemail: Mailbox | None = None
    reject: bool = False
    prompt: Sound | None = None

    @model_validator(mode="after")
    def _has_one(self) -> "ExitShape":
        named = (self.line is not None, self.number is not None, self.voicemail is not None, self.reject)
        if sum(named) != 1:
            raise ValueError("name exactly one of line, number, voicemail, reject = true")
        return self


class StepShape(Shape):
    """One `[[lines.CODE.steps]]`."""

    after_s: float = Field(ge=0, le=86400, allow_inf_nan=False)
    need: NeedText | None = None
    line: str | None = None
    priority_s: Priority | None = None

    @model_validator(mode="after")
    def _does_something(self) -> "StepShape":
        if self.need is None and self.line is None and self.priority_s is None:
            raise ValueError("changes nothing: give it a need, a line or a priority_s")
        return self


class LineShape(Shape):
    """One `[lines.CODE]`."""

    name: Name
    name_en: Name
    dids: list[Did] = []
    need: NeedText
    steps: list[StepShape] = []
    priority_s: Priority = 0.0
    strategy: str = "longest_idle"
    ring_s: int = Field(default=20, ge=5, le=120)
    wrapup_s: float = Field(default=20.0, ge=0, le=3600, allow_inf_nan=False)
    wrapup_max_s: float = Field(default=300.0, ge=0, le=7200, allow_inf_nan=False)
    max_wait_s: float | None = Field(default=None, gt=0, le=86400, allow_inf_nan=False)
    on_max_wait: ExitShape = ExitShape(reject=True)
    max_waiting: int | None = Field(default=None, ge=0)
    on_full: ExitShape = ExitShape(reject=True)
    on_no_agent: ExitShape | None = None
    hours: Annotated[str, _passing(parse_hours)] = ""
    on_closed: ExitShape = ExitShape(reject=True)
    greeting: Sound | None = None
    answer_first: bool = False
    record: bool = False
    notice: Sound | None = None
    announce_agent: bool = False
    rating: bool = False
    language: Literal["zh", "en"] = "zh"
    outbound_number: Annotated[
        str, _matching(r"(\+?[0-9]{2,20})?", "an own number is 2 to 20 digits, with a + before them or without")
    ] = ""


class AgentShape(Shape):
    """One `[agents.NUMBER]`."""

    name: Name
    skills: dict[Skill, Level]
    pin_sha1: PinSha1 = ""
    max_misses: int | None = Field(default=None, ge=1, le=100)
    outbound: str | None = None


class ExceptionShape(Shape):
    """One `[[exceptions]]`: a date whose hours are not those of its weekday."""

    date: date
    hours: Annotated[str, _passing(parse_day)] = ""
    lines: list[str] = []


class SpecialistShape(Shape):
    """One `[[specialists]]`."""

    number: Outside
    name: Name
    topics: list[Topic] = Field(min_length=1)
    department: Annotated[str, Field(max_length=60), AfterValidator(_printable)] = ""
    target: Literal["endpoint", "trunk"] = "endpoint"
    hours: Annotated[str, _passing(parse_hours)] = ""


class BlockedShape(Shape):
    """One `[[blocked]]`: a number whose callers are turned away, or the beginning of such numbers."""

    number: CallerNumber | None = None
    prefix: CallerNumber | None = None
    why: Name
    prompt: Sound | None = None

    @model_validator(mode="after")
    def _has_one(self) -> "BlockedShape":
        if (self.number is None) == (self.prefix is None):
            raise ValueError("name exactly one of number (a whole number) and prefix (the beginning of some)")
        return self


class TopShape(Shape):
    """Keys before the first table, and the small tables."""

    default_line: str
    platform_id: PlatformId = "default"
    zone: Annotated[str, AfterValidator(_zone)] = "Asia/Shanghai"
    max_misses: int = Field(default=3, ge=1, le=100)
    specialist_ring_s: int = Field(default=20, ge=5, le=120)
    handover_exit: ExitShape | None = None
    outbound_deny: list[Prefix] = ["00"]
    country_code: Annotated[str, _matching(r"[1-9][0-9]{0,3}", "a country's code is 1 to 4 digits, such as 86")] = "86"
    exceptions: list[ExceptionShape] = []
    topics: dict[Topic, Name] = {}
    not_ready_reasons: dict[ReasonDigit, ReasonWord] = {}
    case_work_reasons: list[str] = []

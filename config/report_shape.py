"""What the plan says of the public report: who publishes it, how it counts where the field is not agreed, and the staff.

Private to `config`, as `plan_shape`; others get `ReportPlan`, plain values. The names of the choices are those of
`callcenter report`'s notes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.plan_shape import Name, PlatformId, Shape


class ReportShape(Shape):
    """`[report]`: each open question of counting has a default; what is written here is printed below every report."""

    organisation: Name | None = None
    organisation_en: Name | None = None
    hold_in_talk: bool = True
    outbound_volume: Literal["connected", "attempts"] = "connected"
    ivr_hangups_offered: bool = True
    level_s: Literal[15, 20, 30] = 20
    level_clock: Literal["arrival", "queue"] = "arrival"
    short_s: int = Field(default=5, ge=1, le=60)
    fcr_before_days: int = Field(default=7, ge=1, le=90)
    fcr_after_days: int = Field(default=7, ge=1, le=90)
    blocked_calls: Literal["excluded"] = "excluded"
    silent_calls: Literal["counted"] = "counted"
    rounding: Literal["half_up", "half_even"] = "half_up"


_NAMED = frozenset({"organisation", "organisation_en"})
"""Who publishes: the others of `[report]` are choices."""


class StaffShape(Shape):
    """One `[[staff]]`: what was counted on a day; in force until the platform's next one."""

    since: date
    platform: PlatformId
    name: Name
    total: int = Field(ge=0)
    call_takers: int = Field(ge=0)
    specialists: int | None = Field(default=None, ge=0)
    population: int | None = Field(default=None, ge=1)
    source: Annotated[str, Field(max_length=200)] = ""
    population_source: Annotated[str, Field(max_length=200)] = ""

    @model_validator(mode="after")
    def _adds_up(self) -> "StaffShape":
        if self.call_takers > self.total:
            raise ValueError(f"more people take calls ({self.call_takers}) than there are ({self.total})")
        if self.population is not None and not self.population_source:
            raise ValueError("a population needs its population_source: the figure changes with the base")
        return self


@dataclass(frozen=True, slots=True)
class Staff:
    """One count of staff, as in the plan; `since` is an ISO date."""

    since: str
    platform: str
    name: str
    total: int
    call_takers: int
    specialists: int | None
    population: int | None
    source: str
    population_source: str


@dataclass(frozen=True, slots=True)
class ReportPlan:
    """What the plan says of the report; nothing said: our defaults, no staff."""

    organisation: str | None = None
    organisation_en: str | None = None
    choices: Mapping[str, bool | int | str] = field(default_factory=dict)
    """By name; those that the plan does not give are not there."""
    staff: tuple[Staff, ...] = ()

    def all_choices(self) -> dict[str, bool | int | str]:
        """Return every choice by name, as given, else its default."""
        fields = ReportShape.model_fields.items()
        return {name: field.default for name, field in fields if name not in _NAMED} | dict(self.choices)


NOTHING_SAID = ReportPlan()


def report_plan(shape: ReportShape, staff: list[StaffShape]) -> ReportPlan:
    """Return the checked tables as plain values."""
    choices = {name: getattr(shape, name) for name in shape.model_fields_set - _NAMED}
    counts = tuple(Staff(**one.model_dump() | {"since": one.since.isoformat()}) for one in staff)
    return ReportPlan(shape.organisation, shape.organisation_en, choices, counts)

"""What a dashboard is made of, before any library: texts in two languages, panels, rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Lang(StrEnum):
    """The languages; each dashboard is written once in each."""

    ZH = "zh"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Text:
    """What a supervisor reads."""

    zh: str
    en: str

    def said(self, lang: Lang) -> str:
        """Return it in one language."""
        return self.zh if lang is Lang.ZH else self.en


class Look(StrEnum):
    """How a panel shows its queries."""

    LINES = "lines"
    """Over time."""
    AREAS = "areas"
    """Over time, stacked: parts of a whole."""
    HOURS = "hours"
    """A bar for each full hour, over time."""
    NUMBER = "number"
    """The value of now of each query, large."""
    BARS = "bars"
    """The value of now of each query, as bars side by side."""


class Unit(StrEnum):
    """What one of a value is. Counted things have no unit of Grafana's: `draw` writes the word behind the number."""

    SECONDS = "seconds"
    SHARE = "share"
    """Of 1, shown as percent."""
    CHANGE = "change"
    """A share that may be below 0."""
    YES_NO = "yes or no"
    """1 or 0."""
    BYTES = "bytes"
    CORES = "cores"
    """Seconds of CPU a second."""
    CALLS = "calls"
    CALLS_PER_MINUTE = "calls per minute"
    CALLERS = "callers"
    AGENTS = "agents"
    SPECIALISTS = "specialists"
    OFFERS = "offers"
    TIMES = "times"
    FILES = "files"
    RECORDS = "records"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Levels:
    """Where a panel turns yellow (`warn`) and red (`alarm`): from that value on, or, where `alarm < warn`, below it."""

    warn: float
    alarm: float


@dataclass(frozen=True, slots=True)
class Query:
    """One question in PromQL. `$line` and `$window` are the dashboard's variables, `$__rate_interval` is Grafana's."""

    expr: str
    legend: Text
    """Name of what it gives; `{{label}}` stands for a label's value, alone in the text where `words` translate it."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel."""

    title: Text
    says: Text
    """What it shows, how it is counted, and what to do: Grafana shows it behind the panel's i."""
    unit: Unit
    queries: tuple[Query, ...]
    look: Look = Look.LINES
    width: int = 12
    """Of 24 columns."""
    levels: Levels | None = None
    """None: no value is bad, not even a no."""
    words: Mapping[str, Text] = field(default_factory=dict)
    """Label value -> what it is called; values that are not there (codes of the plan) are shown as they are."""
    calm: Text | None = None
    """What a panel says that has no sample now; None: Grafana's own words."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one title."""

    title: Text
    panels: tuple[Panel, ...]


class Choice(StrEnum):
    """Variables of a dashboard."""

    LINE = "line"
    """Lines, several at once; all of them at first."""
    ENTERPRISE = "enterprise"
    """The same, `enterprise` at first; its name in queries is `$line` too."""
    WINDOW = "window"
    """One window of the report's figures; `today` at first."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard."""

    name: str
    """File name, and part of the uid: it stays the same for ever, since people keep its address."""
    title: Text
    says: Text
    rows: tuple[Row, ...]
    choices: tuple[Choice, ...] = ()
    span: str = "now-6h"
    """From when it shows at first."""

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels, as they are read."""
        return tuple(panel for row in self.rows for panel in row.panels)


LIBRARY = ("process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds")
"""Series of the client library itself, about the service's process; Linux only."""


def plain(zh: str, en: str, expr: str) -> Query:
    """Return a query with a name of its own."""
    return Query(expr, Text(zh, en))


def each(label: str, expr: str) -> Query:
    """Return a query whose samples are named by one label."""
    name = f"{{{{{label}}}}}"
    return Query(expr, Text(name, name))

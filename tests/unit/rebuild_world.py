"""A world for rebuilding: scripted CEL with our dialplan's own rows, a ledger in memory, a plan, a gap."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from acd.names import CallId
from acd.plan import Plan
from acd.records import Record
from callcenter.rebuild.gaps import Gap, Person
from callcenter.rebuild.tell import Account, tell
from callcenter.storage.call_fold import CallRecord, CallStory, Row
from callcenter.storage.call_settle import settle
from callcenter.witness.cel import parse_lines
from callcenter.witness.spoken import read_spoken
from config.plan import parse_plan
from tests.unit.cel_timeline import Timeline, ms, stamp

PLAN = """
default_line = "general"
platform_id = "gz"
[lines.general]
name = "群众诉求"
name_en = "General"
dids = ["12345"]
need = "general >= 1"
[lines.enterprise]
name = "一企来"
name_en = "Enterprise"
dids = ["12346"]
need = "enterprise >= 1"
[agents.1001]
name = "王"
skills = { general = 1, enterprise = 1 }
"""
PEOPLE = {
    "8101": Person("1001", "seat"),
    "8102": Person("1002", "seat"),
    "8203": Person("55", "specialist"),
}


@cache
def plan() -> Plan:
    """The plan in force."""
    return parse_plan(PLAN, "plan.toml").plan


def gap(from_s: float, to_s: float, *, has_restarted: bool = False) -> Gap:
    """A gap; `from_s` is the first instant that nobody saw, margin included."""
    return Gap("pbx", ms(from_s) + 15_000, ms(to_s), has_restarted, PEOPLE)


class Spoken(Timeline):
    """A timeline with what our dialplan says."""

    def arrives(
        self, at_s: float, name: str = "trunk", *, line: str = "general", did: str = "12345", menu: bool = False
    ) -> None:
        """A caller's channel appears (endpoint `trunk`) and says so."""
        self.begins(at_s, name, caller=name, endpoint="trunk")
        text = f"{line}*{stamp(at_s + 0.001)}*0*sip-{name}@phones*{did}"
        self.says(at_s + 0.001, name, "CcArrived", text)
        if menu:
            self.line(at_s + 0.002, "ANSWER", name, "callcenter-menu")

    def says(self, at_s: float, name: str, what: str, text: str) -> None:
        """CELGenUserEvent."""
        self.line(at_s, what, name, userdef=what, extra=text)

    def queued(self, at_s: float, name: str = "trunk", line: str = "general") -> None:
        """The greeting is over."""
        self.says(at_s, name, "CcQueued", f"{line}*{stamp(at_s)}")

    def falls_back(self, at_s: float, name: str = "trunk") -> None:
        """Queue() begins."""
        self.line(at_s, "APP_START", name, "callcenter-fallback", app="Queue")

    def offered(self, at_s: float, phone: str, offer: str, name: str = "trunk", kind: str = "endpoint") -> None:
        """A wish was taken."""
        self.says(at_s, name, "CcOffer", f"{kind}*{phone}*{offer}*3*20")

    def told(
        self, when: Gap, known: "Ledger | None" = None, living: Collection[str] = (), lines: Sequence[str] | None = None
    ) -> Account:
        """What is missing in the ledger."""
        some = self.lines if lines is None else lines
        rows = parse_lines(some)
        assert not rows.bad
        return tell(when, rows.rows, read_spoken(some), known.stories if known else {}, living, plan())


@dataclass
class Ledger:
    """The ledger's own fold, without a database."""

    stories: dict[CallId, CallStory] = field(default_factory=dict)

    def take(self, records: Iterable[Record]) -> "Ledger":
        """Apply records, each call's settled at the end."""
        touched: dict[CallId, list[CallRecord]] = {}
        for record in records:
            touched.setdefault(record.call, []).append(record)  # type: ignore[union-attr, arg-type]  # records of calls alone
        for key, some in touched.items():
            story = self.stories.setdefault(key, CallStory(key))
            for one in some:
                story.take(one)
            settle(story)
        return self

    def rows(self) -> list[Row]:
        """All calls."""
        return [story.row for _, story in sorted(self.stories.items()) if story.row is not None]

    def row(self, uniqueid: str = "pbx-1") -> Row:
        """One call."""
        found = self.stories[CallId("pbx", uniqueid)].row
        assert found is not None
        return found

    def talks(self, uniqueid: str = "pbx-1") -> list[Mapping[str, object]]:
        """A call's talks in order."""
        rows = self.stories[CallId("pbx", uniqueid)].talks.values()
        return sorted(rows, key=lambda row: int(row["opened_ms"]))

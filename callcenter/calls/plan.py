"""Who has which number: each kind of call gets lines, agents, phones and a topic of its own in one plan (pure).

So kinds can be played beside each other, and a caller's number tells which call of which kind he is.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from callcenter.calls.scenario import Outbound, Scenario
from callcenter.calls.screenplay import line_of, name_of
from callcenter.lab.site import Seat
from callcenter.witness.calls import DeviceUse

ZONE = "Asia/Shanghai"
RING_S = 5
DIAL_OUT = "9"
"""What agents dial before an outside number."""
NOBODY = "nobody"
"""The skill of an agent who never logs in: each line needs one who could."""
_DEFAULTS = {"ring_s": str(RING_S), "wrapup_s": "0", "strategy": '"most_skilled"'}
_HEAD = f"""\
default_line = "general"
zone = "{ZONE}"
specialist_ring_s = {RING_S}
[lines.general]
name = "群众诉求"
name_en = "General"
need = "{NOBODY} >= 1"
[not_ready_reasons]
1 = "break"
"""


@dataclass(frozen=True)
class Place:
    """One kind's numbers. `index` is its place among the kinds of a site, from 1 to 99."""

    index: int
    scenario: Scenario

    @property
    def kind(self) -> str:
        """The kind of call."""
        return self.scenario.kind

    @property
    def topic(self) -> str:
        """Topic of its specialists."""
        return f"{self.index:02d}"

    @property
    def outside(self) -> str:
        """Outside number that its plan may name."""
        return f"02584{self.index:02d}0000"

    @cached_property
    def seats(self) -> dict[str, str]:
        """Name -> line's name."""
        return {name_of(seat): line_of(seat) for seat in self.scenario.seats}

    @cached_property
    def phones(self) -> dict[str, str]:
        """Name of a seat or specialist -> number of his phone."""
        people = [*self.seats, *self.scenario.specialists]
        return {name: f"1{self.index:02d}{place}" for place, name in enumerate(people)}

    @cached_property
    def agents(self) -> dict[str, str]:
        """Name of a seat -> his agent number."""
        return {name: f"8{self.phones[name][1:]}" for name in self.seats}

    @cached_property
    def names(self) -> dict[str, str]:
        """Whatever a witness may call somebody -> his name in the cast."""
        people = {number: name for book in (self.phones, self.agents) for name, number in book.items()}
        return people | {f"{self.kind}-{name}": name for name in self.scenario.lines} | {self.kind: ""}

    def line(self, name: str) -> str:
        """Code of a line."""
        return f"{self.kind}-{name}" if name else self.kind

    def did(self, name: str) -> str:
        """Dialled number of a line."""
        return f"6{self.index:02d}{['', *self.scenario.lines].index(name)}"

    def caller(self, name: str, turn: int) -> str:
        """A caller's own number in one turn (from 0 to 999)."""
        return f"{self.callers}{turn:03d}{self.scenario.callers.index(name):03d}"

    @property
    def callers(self) -> str:
        """How the numbers of its callers begin."""
        return f"138{self.index:02d}"

    def dialled(self, turn: int) -> str:
        """The number that a seat dials out to in one turn."""
        return f"139{self.index:02d}{turn:03d}000"

    def devices(self) -> list[DeviceUse]:
        """Who sits where, for the second witness."""
        seats = [DeviceUse(self.phones[name], agent) for name, agent in self.agents.items()]
        return seats + [DeviceUse(self.phones[n], self.phones[n], "specialist") for n in self.scenario.specialists]

    def company(self) -> list[Seat]:
        """Return its agents, each with a PIN made now; who comes first in the cast is the most skilled of his line."""
        dials = {name for name, expected in self.scenario.calls.items() if isinstance(expected, Outbound)}
        count = len(self.agents)
        return [
            Seat(
                agent,
                f"{self.kind} {name}",
                {self._skill(self.seats[name]): count - place},
                outbound=self.kind if name in dials else "",
            )
            for place, (name, agent) in enumerate(self.agents.items())
        ]

    def toml(self, today: datetime) -> str:
        """Return its lines, topic and specialists as a plan has them."""
        text = self._line("", self.scenario.line)
        for name, keys in self.scenario.lines.items():
            text += self._line(name, keys)
        for name in self.scenario.specialists:
            number = self.phones[name]
            text += f'[[specialists]]\nnumber = "{number}"\nname = "{self.kind} {name}"\ntopics = ["{self.topic}"]\n'
        if self.scenario.plan:
            text += f"{self.scenario.plan.strip()}\n"
        another_day = (today - timedelta(days=2)).strftime("%a")  # a run may pass midnight
        words = {"outside": self.outside, "closed": f"{another_day} 00:00-24:00", "callers": self.callers}
        words |= {name: self.line(name) for name in self.scenario.lines}
        return re.sub(r"<(\w+)>", lambda found: words[found[1]], text)

    def _skill(self, line: str) -> str:
        return f"s{self.index:02d}_{line}" if line else f"s{self.index:02d}"

    def _line(self, name: str, keys: str) -> str:
        given = {found[1] for found in re.finditer(r"^\s*(\w+)\s*=", keys, re.MULTILINE)}
        rest = "".join(f"{key} = {value}\n" for key, value in _DEFAULTS.items() if key not in given)
        skill = self._skill(name) if name in self.seats.values() else NOBODY
        title = self.kind.replace("_", " ")
        return (
            f'[lines.{self.line(name)}]\nname = "{title}"\nname_en = "{title}"\ndids = ["{self.did(name)}"]\n'
            f'need = "{skill} >= 1"\n{rest}{keys.strip()}\n'
        )


def places_of(scenarios: Sequence[Scenario]) -> list[Place]:
    """Give each kind its place."""
    return [Place(index, scenario) for index, scenario in enumerate(scenarios, 1)]


def absent() -> Seat:
    """Return the agent who never logs in."""
    return Seat("8000", "nobody", {NOBODY: 1})


def plan_of(places: Sequence[Place]) -> str:
    """Return the plan without its agents (TOML)."""
    now = datetime.now(ZoneInfo(ZONE))
    topics = "[topics]\n" + "".join(f'{place.topic} = "{place.kind}"\n' for place in places)
    return _HEAD + topics + "".join(place.toml(now) for place in places)

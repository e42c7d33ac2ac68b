"""A day with a gap: what CEL has of it, and what a service told of it before and after."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from acd.names import CallId, EndedBy, Outcome
from acd.records import CallClosed, CallOpened, GapTold, PresenceChanged, Record
from agents.presence import Presence
from callcenter.storage.live_state import SqliteLiveState
from callcenter.storage.outbox import Outbox
from callcenter.storage.state_dir import StateDir
from tests.unit.cel_timeline import ms
from tests.unit.rebuild_world import Spoken

FROM_S, TO_S = 20.0, 100.0
GAP = GapTold("pbx", ms(FROM_S), ms(TO_S))


def opened(uniqueid: str, at_s: float) -> CallOpened:
    call = CallId("pbx", uniqueid)
    return CallOpened(call, ms(at_s + 0.001), "general", "12345", "138", "", f"sip-{uniqueid}", False, "gz")


def closed(uniqueid: str, at_s: float, by: EndedBy, outcome: Outcome | None) -> CallClosed:
    return CallClosed(CallId("pbx", uniqueid), ms(at_s), by, outcome, "")


@dataclass
class Day:
    """What CEL has of a day with a gap of 20 s to 100 s, and what a service has told of it."""

    cel: Spoken = field(default_factory=Spoken)
    records: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Seen live: `pbx-1` is over before the gap, `pbx-2` ends in it (closed as unknown at its end), `pbx-9` comes after."""
        cel = self.cel
        self.records.append(PresenceChanged("1001", ms(-50), Presence.READY, "", "8101", ms(-50), None, 0, True))
        for name, at_s in (("before", -9.0), ("across", 15.0)):
            self.arrives(at_s, name)
            self.records.append(opened(cel._channels[name][1], at_s))
        self.over(2, "before")
        self.over(60, "across")
        self.records += [closed("pbx-1", 2, EndedBy.CALLER, Outcome.ABANDONED_QUEUE), GAP]
        self.records.append(closed("pbx-2", TO_S, EndedBy.UNKNOWN, None))
        self.arrives(30, "gives up")
        cel.falls_back(30.1, "gives up")
        cel.line(39.9, "APP_END", "gives up", "callcenter-fallback", app="Queue")
        self.over(40, "gives up")
        cel.arrives(50, "talks")
        cel.falls_back(50.1, "talks")
        cel.begins(51, "8101", caller="talks")
        for one in ("8101", "talks"):
            cel.line(54.9, "ANSWER", one, "callcenter-fallback")
        cel.talks(55, 70, "8101", caller="talks")
        cel.line(70.02, "APP_END", "talks", "callcenter-fallback", app="Queue")
        self.over(70.05, "8101", is_caller=False)
        self.over(70.1, "talks", by="dialplan/builtin")

    def arrives(self, at_s: float, name: str) -> None:
        """A caller, who is answered to hear the music."""
        self.cel.arrives(at_s, name)
        self.cel.line(at_s + 0.05, "ANSWER", name, "callcenter-hold")

    def over(self, at_s: float, name: str, by: str = "", *, is_caller: bool = True) -> None:
        """A channel is gone; `by`: empty: by itself."""
        self.cel.ends(at_s, name, by=by or name)
        self.cel.line(at_s, "CHAN_END", name)
        if is_caller:
            self.cel.line(at_s, "LINKEDID_END", name)

    def goes_on(self) -> "Day":
        """After the gap CEL has a further call, which was seen live."""
        self.arrives(120, "after")
        self.over(130, "after")
        uniqueid = self.cel._channels["after"][1]
        self.records += [opened(uniqueid, 120), closed(uniqueid, 130, EndedBy.CALLER, Outcome.ABANDONED_QUEUE)]
        return self

    def lines(self) -> list[str]:
        return sorted(self.cel.lines, key=lambda line: line.split('"')[3])


def away(folder: Path, watched_s: float, left: Sequence[Record] = ()) -> StateDir:
    """The state folder of a service that watched last at this second; `left` waits in its outbox."""
    state = StateDir(folder)
    live = SqliteLiveState(state.live_state)
    live.put("watched:pbx", str(ms(watched_s)))
    live.close()
    outbox = Outbox(state.outbox)
    outbox.append(left)
    outbox.close()
    return state


def before_the_gap(day: Day) -> list[Record]:
    """What a service had told when it died at 20 s: `across` is open."""
    return [one for one in day.records if not isinstance(one, GapTold) and one.at_ms < ms(FROM_S)]

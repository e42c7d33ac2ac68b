"""Calls that happen, told to both witnesses: CEL's lines, and the ledger's records."""

from collections.abc import Iterable
from pathlib import Path

from acd.names import CallId, EndedBy, Outcome, Via
from acd.records import CallBlocked, CallClosed, CallOpened, PresenceChanged, Record, TalkClosed, TalkOpened
from agents.presence import Presence
from tests.unit.cel_timeline import Timeline, ms

DAY_S = 86_400.0


class Office:
    """Calls that happen, told to both witnesses: CEL's lines, the ledger's records."""

    def __init__(self) -> None:
        self.cel = Timeline()
        self.records: list[Record] = []
        self.present("1001", "8101", -9)
        self.present("1002", "8102", -9)
        self._calls = 0

    def present(self, agent: str, device: str | None, at_s: float) -> None:
        """An agent logs in at a phone, or out."""
        state = Presence.READY if device else Presence.LOGGED_OUT
        self.records.append(PresenceChanged(agent, ms(at_s), state, "", device, ms(at_s), None, 0, True))

    def arrives(self, at_s: float, line: str = "general") -> str:
        """A caller; returns his Uniqueid."""
        self._calls += 1
        name = f"c{self._calls}"
        self.cel.begins(at_s, name, caller=name, endpoint="trunk")
        self.cel.lines[-1] = self.cel.lines[-1].replace('"exten",""', '"exten","callcenter-inbound"')
        uniqueid = self.uniqueid(name)
        self.records.append(
            CallOpened(self.id(uniqueid), ms(at_s), line, "12345", "138", "", f"{uniqueid}@sip", False, "gz")
        )
        return name

    def answered(self, name: str, from_s: float, to_s: float, phone: str = "8101", agent: str = "1001") -> None:
        """He talks with an agent, who hangs up."""
        leg = f"{phone}-{name}"
        self.cel.begins(from_s - 1, leg, caller=name, endpoint=phone)
        self.cel.lines[-1] = self.cel.lines[-1].replace('"exten",""', '"exten","callcenter-phones"')
        for one in (leg, name):
            self.cel.line(from_s - 0.01, "ANSWER", one, "callcenter-connect")
        self.cel.talks(from_s, to_s, leg, bridge=f"bridge-{leg}", caller=name)
        self.over(to_s + 0.001, leg, by=leg)
        self.over(to_s + 0.002, name, by=leg, last=True)
        self._told(name, agent, phone, from_s, to_s)

    def gives_up(self, name: str, at_s: float) -> None:
        """He hangs up in the queue, where he was answered to hear its music."""
        self.cel.line(at_s - 2, "ANSWER", name, "callcenter-hold")
        self.over(at_s, name, by=name, last=True)
        call = self.id(self.uniqueid(name))
        self.records.append(CallClosed(call, ms(at_s), EndedBy.CALLER, Outcome.ABANDONED_QUEUE, ""))

    def block(self, name: str, at_s: float) -> None:
        """His number is on the list, for the ledger."""
        self.records.append(CallBlocked(self.id(self.uniqueid(name)), ms(at_s), "138", "harassment"))

    def turned_away(self, name: str, at_s: float, by: str) -> None:
        """His number is on the list: `the dialplan` refuses him, or he hangs up `himself`."""
        self.block(name, at_s - 3)
        self.cel.line(at_s - 2, "ANSWER", name, "callcenter-hold")
        is_refused = by == "the dialplan"
        self.over(at_s, name, by="dialplan/builtin" if is_refused else name, last=True)
        ended_by = EndedBy.SYSTEM if is_refused else EndedBy.CALLER
        self.records.append(CallClosed(self.id(self.uniqueid(name)), ms(at_s), ended_by, None, "blocked"))

    def over(self, at_s: float, name: str, by: str, last: bool = False) -> None:
        """A channel is gone, in CEL."""
        self.cel.ends(at_s, name, by=by)
        self.cel.line(at_s, "CHAN_END", name)
        if last:
            self.cel.line(at_s, "LINKEDID_END", name)

    def _told(self, name: str, agent: str, phone: str, from_s: float, to_s: float) -> None:
        call = self.id(self.uniqueid(name))
        offer = f"1-{name}"
        self.records += [
            TalkOpened(call, offer, ms(from_s), agent, "seat", phone, Via.ENGINE),
            TalkClosed(call, offer, ms(to_s), 0),
            CallClosed(call, ms(to_s + 0.002), EndedBy.AGENT, Outcome.AGENT_ANSWERED, ""),
        ]

    def uniqueid(self, name: str) -> str:
        """Of a channel."""
        return self.cel._channels[name][1]

    @staticmethod
    def id(uniqueid: str) -> CallId:
        return CallId("pbx", uniqueid)


def day() -> Office:
    """Three calls: answered over midnight, given up, answered on the next day."""
    office = Office()
    office.answered(office.arrives(100), 110, DAY_S + 50)
    office.gives_up(office.arrives(200), 230)
    office.answered(office.arrives(DAY_S + 100), DAY_S + 110, DAY_S + 150, "8102", "1002")
    return office


def written(folder: Path, lines: Iterable[str], name: str = "callcenter.csv") -> Path:
    path = folder / name
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def sorted_lines(office: Office) -> list[str]:
    return sorted(office.cel.lines, key=lambda line: line.split('"')[3])

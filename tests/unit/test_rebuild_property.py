"""Any evening at the PBX: what the ledger is told of it from CEL is what the witness says, wherever the gap lies."""

from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from acd.records import CallRebuilt, Record, TalkOpened
from callcenter.rebuild.gaps import SAME_MS
from callcenter.witness.calls import CelCall
from callcenter.witness.compare import LedgerCall, compare
from tests.unit.cel_timeline import ms
from tests.unit.rebuild_world import Ledger, Spoken, gap

END_S = 200.0


@dataclass(frozen=True)
class Way:
    """How one call goes; durations in tenths of a second."""

    arrives: int
    menu: int
    """0: the line has no greeting."""
    leaves_menu: bool
    waits: int
    rings_in_vain: int
    via_queue: bool
    end: str
    """`queue`, `ringing`, `caller` or `agent` (after a talk)."""
    rings: int
    talks: int
    talks_again: int
    """0: no second talk, with a specialist."""


ways = st.builds(
    Way,
    arrives=st.integers(0, 900),
    menu=st.integers(0, 30),
    leaves_menu=st.booleans(),
    waits=st.integers(1, 50),
    rings_in_vain=st.integers(0, 2),
    via_queue=st.booleans(),
    end=st.sampled_from(("queue", "ringing", "caller", "agent")),
    rings=st.integers(1, 30),
    talks=st.integers(1, 100),
    talks_again=st.integers(0, 60),
)


class Evening:
    """Lines of CEL for some calls, each with phones of its own."""

    def __init__(self) -> None:
        self.cel = Spoken()
        self._offers = 0

    def call(self, number: int, way: Way) -> None:
        name, at = f"c{number}", way.arrives / 10 + number / 1000
        self.cel.arrives(at, name, menu=way.menu > 0)
        if way.menu:
            at += way.menu / 10
            if way.leaves_menu:
                self.cel.ends(at, name, by=name, context="callcenter-menu")
                return
            self.cel.queued(at, name)
        at += way.waits / 10
        if way.via_queue:
            self.cel.falls_back(at, name)
        for _ in range(way.rings_in_vain):
            leg = self._dials(at, name, way.via_queue, "8101")
            at += way.rings / 10
            self.cel.ends(at, leg)
            at += 0.2
        self._ends(at, name, way)

    def _ends(self, at: float, name: str, way: Way) -> None:
        if way.end == "queue":
            self.cel.ends(at + 0.2, name, by=name)
            return
        leg = self._dials(at, name, way.via_queue, "8102")
        at += way.rings / 10
        if way.end == "ringing":
            self.cel.ends(at - 0.001, leg, by=name)
            self.cel.ends(at, name, by=name, status="CANCEL", context="callcenter-connect")
            return
        until = at + way.talks / 10
        self.cel.talks(at, until, leg, bridge=leg, caller=name)
        self.cel.ends(until + 0.0003, leg, by=leg)
        if way.talks_again:
            at = until + 0.5
            leg = self._dials(at, name, False, "8203")
            at, until = at + 0.3, at + 0.3 + way.talks_again / 10
            self.cel.talks(at, until, leg, bridge=leg, caller=name)
        source = name if way.end == "caller" else "dialplan/builtin"
        self.cel.ends(until + 0.001, name, by=source, status="ANSWER", context="callcenter-connect")

    def _dials(self, at: float, name: str, via_queue: bool, phone: str) -> str:
        self._offers += 1
        leg = f"leg{self._offers}"
        if not via_queue:
            self.cel.offered(at - 0.002, phone, f"3-{self._offers}", name)
        elif phone == "8203":
            raise AssertionError("the queue has no specialists")
        self.cel.begins(at, leg, caller=name, endpoint=phone)
        return leg

    def witness(self) -> tuple[CelCall, ...]:
        return self.cel.calls()

    def until(self, at_s: float) -> list[str]:
        """The lines that are written by then."""
        return [line for line in self.cel.lines if _instant_ms(line) <= ms(at_s)]


def _instant_ms(line: str) -> int:
    return int(line.split('","')[1].replace(".", "")) // 1000


def evening(drawn: list[Way]) -> Evening:
    made = Evening()
    for number, way in enumerate(drawn):
        made.call(number, way)
    return made


def seen_live(records: list[Record], from_s: float, to_s: float) -> list[Record]:
    """What a service would have told that watched in (from, to]."""
    told = [one for one in records if not isinstance(one, CallRebuilt)]
    return [one for one in told if ms(from_s) < one.at_ms <= ms(to_s)]


def differences(a: Mapping[str, object], b: Mapping[str, object]) -> dict[str, object]:
    """What differs in two rows; instants that two witnesses may tell differently are the same."""
    return {
        name: (value, b[name])
        for name, value in a.items()
        if name != "rebuilt_ms" and value != b[name] and not (name.endswith("_ms") and _is_near(value, b[name]))
    }


def _is_near(a: object, b: object) -> bool:
    return type(a) is int and type(b) is int and abs(a - b) <= 2 * SAME_MS


@settings(max_examples=150, deadline=None)
@given(st.lists(ways, min_size=1, max_size=4))
def test_told_to_an_empty_ledger_calls_are_as_the_witness_says(drawn: list[Way]) -> None:
    made = evening(drawn)
    account = made.cel.told(gap(-1, END_S))
    ledger = Ledger().take(account.records)
    compared = compare([LedgerCall.of(row) for row in ledger.rows()], made.witness(), limit_ms=5)
    assert not compared.mismatches, [str(one) for one in compared.mismatches]
    assert compared.compared == len(drawn)
    assert [row["talk_ms"] for row in ledger.rows()] == [call.talk_ms for call in _by_key(made.witness())]
    assert not account.missing
    assert not made.cel.told(gap(-1, END_S), ledger).records


def _by_key(calls: tuple[CelCall, ...]) -> list[CelCall]:
    return sorted(calls, key=lambda call: call.call)


@settings(max_examples=150, deadline=None)
@given(st.lists(ways, min_size=1, max_size=3), st.integers(0, 50), st.integers(0, 50), st.integers(0, 999))
def test_wherever_the_gap_lies_the_ledger_ends_up_as_if_somebody_had_watched(
    drawn: list[Way], one: int, other: int, moment_ms: int
) -> None:
    made = evening(drawn)
    everything = made.cel.told(gap(-1, END_S)).records
    instants = sorted({(record.at_ms - ms(0)) / 1000 for record in everything if not isinstance(record, CallRebuilt)})
    killed_s, back_s = sorted(instants[n % len(instants)] + moment_ms / 1000 for n in (one, other))
    whole = Ledger().take(everything)
    living = [call.call.uniqueid for call in made.witness() if call.arrived_ms <= ms(back_s) < (call.ended_ms or 0)]

    ledger = Ledger().take(seen_live(everything, -1, killed_s))
    ledger.take(_snapshot(everything, living, back_s))
    account = made.cel.told(gap(killed_s, back_s), ledger, living, made.until(back_s + 0.5))
    ledger.take(account.records)
    again = made.cel.told(gap(killed_s, back_s), ledger, living, made.until(back_s + 0.5))
    assert not again.records
    ledger.take(seen_live(everything, back_s, END_S))
    assert [differences(a, b) for a, b in zip(ledger.rows(), whole.rows(), strict=True)] == [{}] * len(drawn)
    for key in whole.stories:
        talks = zip(ledger.talks(key.uniqueid), whole.talks(key.uniqueid), strict=True)
        assert not [found for a, b in talks if (found := differences(a, b))]


def _snapshot(everything: list[Record], living: list[str], back_s: float) -> list[Record]:
    """What a snapshot tells of the calls that live: all but talks as it was, talks that go on from now on."""
    told: list[Record] = []
    of_living = [one for one in everything if not isinstance(one, CallRebuilt) and one.call.uniqueid in living]  # type: ignore[union-attr]  # records of calls alone
    for one in of_living:
        if one.at_ms > ms(back_s) or type(one).__name__ in ("TalkClosed", "CallClosed"):
            continue
        if not isinstance(one, TalkOpened):
            told.append(one)
            continue
        ends = [
            other.at_ms
            for other in of_living
            if type(other).__name__ == "TalkClosed" and getattr(other, "offer", "") == one.offer
        ]
        if ends and ends[0] > ms(back_s):
            told.append(TalkOpened(one.call, one.offer, ms(back_s), one.agent, one.kind, one.device, one.via))
    return told

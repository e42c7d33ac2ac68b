"""The live shell of the engine: what it does with a step, in which order, and what it survives."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from acd import commands as c
from acd import events as e
from acd.errors import UnknownStrategy
from acd.names import CallId, EndedBy
from acd.plan import Line, Plan
from acd.records import Noted, PresenceChanged, Record, TalkOpened
from agents.presence import DeviceState, Presence
from agents.skills import parse_need
from callcenter.asterisk.told import FallbackEntered, FeatureUsed, WishFenced
from callcenter.clock import PbxClock
from callcenter.driver import Driver
from tests.scenarios.world import PLAN, T0, call_id

MS = T0 * 1000
CALL = call_id("c1")


@dataclass
class Told:
    """Everything that left the driver, in one order; every port in one fake."""

    log: list[object] = field(default_factory=list)
    on_execute: Callable[[c.Command], None] = lambda command: None
    fails: set[str] = field(default_factory=set)
    """Ports that raise: `append`, `execute`, `put_agent`, `observe`, `keep_epoch`, `snapshot_done`."""

    def _try(self, port: str) -> None:
        if port in self.fails:
            raise OSError(f"{port} fails")

    def append(self, records: Sequence[Record]) -> None:
        self._try("append")
        self.log.extend(records)

    def put_agent(self, record: PresenceChanged) -> None:
        self._try("put_agent")
        self.log.append(("kept", record.agent, record.presence))

    def execute(self, command: c.Command) -> None:
        self.log.append(command)
        self._try("execute")
        self.on_execute(command)

    def mark_answered(self, call: CallId, at_ms: int) -> None:
        self.log.append(("answered", call, at_ms))

    def observe(self, records: Sequence[Record]) -> None:
        self._try("observe")
        self.log.append(("counted", len(records)))

    def of(self, kind: type) -> list[object]:
        return [one for one in self.log if isinstance(one, kind)]


class Floor:
    """A driver over fakes, with a clock hand that the test moves."""

    def __init__(self, plan: Plan = PLAN, restored: Iterable[e.AgentRestored] = ()) -> None:
        self.now = float(T0)
        self.told = Told()
        self.features: list[FeatureUsed] = []
        self.stopped: list[Exception] = []
        self.wishes: list[float] = []
        self.driver = Driver(
            plan,
            PbxClock(lambda: self.now, lambda: self.now),
            self.told,
            self.told,
            restored=lambda: list(restored),
            observers=[self.told.observe],
            features=self.features.append,
            stop=self.stopped.append,
            wish_taken=self.wishes.append,
            keep_epoch=lambda epoch: self.told._try("keep_epoch"),
            snapshot_done=lambda pbx, at_ms: self.told._try("snapshot_done"),
        )
        self.driver.attach(self.told)

    def up(self) -> "Floor":
        self.driver.claimed("pbx1", 9)
        self.driver.told(e.SnapshotDone("pbx1", MS))
        return self

    def seat(self, agent: str = "1001", device: str = "d1") -> "Floor":
        self.driver.told(e.DeviceChanged(device, DeviceState.IDLE, MS))
        self.driver.told(e.AgentLoggedIn(agent, device, MS))
        return self

    def arrive(self, number: str = "13800000000", call: CallId = CALL) -> None:
        self.driver.told(e.CallArrived(call, MS, "12345", "general", number))


async def test_decision_made_records_are_on_disk_before_any_command_goes() -> None:
    floor = Floor().up().seat()
    floor.told.log.clear()
    floor.arrive()
    kinds = [type(one).__name__ for one in floor.told.log]
    assert "OfferCall" in kinds
    assert kinds.index("CallOpened") < kinds.index("OfferMade") < kinds.index("OfferCall")
    assert kinds.index("OfferCall") < kinds.index("tuple"), "presence and counters come after the command"


async def test_fact_told_from_within_a_command_waits_until_the_step_is_over() -> None:
    floor = Floor().up().seat()

    def answer_at_once(command: c.Command) -> None:
        if isinstance(command, c.OfferCall):
            floor.driver.told(e.OfferConnecting(command.call, command.offer, MS))
            floor.told.log.append("told")

    floor.told.on_execute = answer_at_once
    floor.arrive()
    assert "told" in floor.told.log
    assert floor.driver.engine is not None
    (offer,) = floor.driver.engine.calls[CALL].offers.values()
    assert offer.has_connected
    assert len(floor.wishes) == 1


async def test_deadline_comes_timer_follows_it() -> None:
    floor = Floor().up().seat()
    floor.arrive()
    assert floor.driver.engine is not None
    first = floor.driver.engine.next_deadline()
    assert first is not None
    loop = asyncio.get_running_loop()
    timer = floor.driver._timer
    assert timer is not None
    assert timer.when() - loop.time() == pytest.approx(first - T0, abs=0.2)
    floor.driver.told(e.CallerGone(CALL, MS, EndedBy.CALLER))
    assert floor.driver._timer_at == floor.driver.engine.next_deadline() != first
    floor.driver.close()
    assert floor.driver._timer is None


async def test_deadline_passed_the_engine_acts_by_itself() -> None:
    floor = Floor().up().seat()
    floor.arrive()
    assert floor.driver.engine is not None
    floor.now += 60.0
    floor.told.log.clear()
    floor.driver._advance()
    assert floor.told.log, "a wish without effect is looked after"
    deadline = floor.driver.engine.next_deadline()
    assert deadline is None or deadline > floor.now


async def test_lead_lost_nothing_is_decided_and_no_timer_is_left() -> None:
    floor = Floor().up().seat()
    floor.driver.must_stop(RuntimeError("another"))
    floor.told.log.clear()
    floor.arrive()
    assert (floor.told.log, floor.driver.engine, floor.driver._timer) == ([], None, None)
    assert [str(why) for why in floor.stopped] == ["another"]


async def test_fact_before_any_lead_is_no_error_and_a_feature_code_gets_no_reply() -> None:
    floor = Floor()
    floor.arrive()
    floor.driver.told(FeatureUsed("pbx1", "p.1", MS, "ready", "d1"))
    floor.driver.told(WishFenced("pbx1", MS, 8))
    assert (floor.told.log, floor.features) == ([], [])
    floor.up()
    floor.driver.told(FeatureUsed("pbx1", "p.1", MS, "ready", "d1"))
    assert len(floor.features) == 1


async def test_fenced_wish_of_a_dead_leader_does_not_end_us() -> None:
    floor = Floor().up()
    floor.driver.told(WishFenced("pbx1", MS, 8))
    assert floor.driver.engine is not None
    assert floor.stopped == []


async def test_restart_agents_of_the_store_are_there_before_the_snapshot() -> None:
    known = e.AgentRestored("1001", "d1", Presence.READY, "", MS - 5000, MS - 5000, None, 0, MS)
    floor = Floor(restored=[known]).up()
    assert floor.driver.engine is not None
    agent = floor.driver.engine.agent_at("d1")
    assert agent is not None
    assert agent.number == "1001"
    assert floor.told.of(c.MirrorAgent), "the fallback queues are shown him"


@pytest.mark.parametrize("port", ["append", "execute", "put_agent", "observe"])
async def test_port_fails_the_step_goes_on_and_the_next_fact_is_handled(port: str) -> None:
    floor = Floor().up()
    floor.told.fails = {port}
    floor.seat()
    floor.arrive()
    assert floor.driver.errors > 0
    assert any(isinstance(one, c.OfferCall) for one in floor.told.log)
    floor.told.fails = set()
    floor.told.log.clear()
    floor.driver.told(e.CallerGone(CALL, MS + 1, EndedBy.CALLER))
    assert any(type(one).__name__ == "CallClosed" for one in floor.told.log)
    assert not floor.driver._busy


async def test_disk_is_full_when_we_begin_to_lead_we_lead_all_the_same() -> None:
    floor = Floor()
    floor.told.fails = {"keep_epoch", "snapshot_done"}
    floor.up().seat()
    assert floor.driver.errors == 2
    assert ("kept", "1001", Presence.READY) in floor.told.log


async def test_engine_fails_at_one_event_the_next_ones_are_handled_and_the_timer_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    floor = Floor().up().seat()
    assert floor.driver.engine is not None
    handle = floor.driver.engine.handle

    def fail_once(event: e.Event, now: float) -> object:
        monkeypatch.setattr(floor.driver.engine, "handle", handle)
        raise AssertionError("a fault of ours")

    monkeypatch.setattr(floor.driver.engine, "handle", fail_once)
    floor.driver.told(e.AgentReady("1001", MS))
    floor.arrive()
    assert floor.driver.errors == 1
    assert floor.told.of(c.OfferCall)
    assert floor.driver._timer is not None


async def test_clock_put_back_engine_time_does_not_run_backwards() -> None:
    floor = Floor().up().seat()
    floor.now -= 30.0
    floor.arrive()
    floor.driver.told(e.ClockStepped(-30.0, MS))
    assert floor.driver.errors == 0
    assert any(isinstance(one, Noted) and one.what == "clock_stepped" for one in floor.told.log)


def talking(floor: Floor) -> None:
    floor.arrive()
    (command,) = floor.told.of(c.OfferCall)
    assert isinstance(command, c.OfferCall)
    floor.driver.told(e.OfferConnecting(CALL, command.offer, MS))
    floor.driver.told(e.OfferAnswered(CALL, command.offer, MS + 2000))


async def test_call_is_answered_its_channel_is_marked_once() -> None:
    floor = Floor().up().seat()
    talking(floor)
    floor.driver.told(e.PartyJoined(CALL, "d9", MS + 3000))
    assert len(floor.told.of(TalkOpened)) == 2
    assert [one for one in floor.told.of(tuple) if one[0] == "answered"] == [("answered", CALL, MS + 2000)]  # type: ignore[index]  # what was told is tuples of several lengths


async def test_answered_call_found_after_a_restart_keeps_its_first_mark() -> None:
    floor = Floor()
    floor.driver.claimed("pbx1", 9)
    found = e.CallFound(
        CALL, MS, "talk", MS - 9000, MS - 9000, MS - 9000, "general", "12345", first_answered_ms=MS - 5000, number="d1"
    )
    floor.driver.told(replace(found, answered_ms=MS - 5000))
    floor.driver.told(e.SnapshotDone("pbx1", MS))
    assert floor.told.of(TalkOpened)
    assert not [one for one in floor.told.of(tuple) if one[0] == "answered"]  # type: ignore[index]  # what was told is tuples of several lengths


async def test_caller_falls_back_while_we_live_it_is_on_record_counted_and_looked_at() -> None:
    floor = Floor().up()
    floor.arrive()
    floor.told.log.clear()
    floor.driver.told(FallbackEntered(CALL, MS + 5, is_in=True))
    floor.driver.told(FallbackEntered(CALL, MS + 9, is_in=False))
    assert floor.told.log == [Noted(MS + 5, "fallback_entered", "", CALL), ("counted", 1), c.ProbeCall(CALL)]


def labelled(name: str, number: str) -> str:
    line = Line("general", name, "", ("12345",), parse_need("general"))
    floor = Floor(replace(PLAN, lines={**PLAN.lines, "general": line})).up()
    floor.arrive(number)
    return floor.driver.label("general", CALL)


async def test_label_of_hostile_caller_and_line_holds_nothing_that_ends_a_line_or_is_dialplan() -> None:
    assert labelled("群众诉求", "138${SHELL(x)}\r\nAction: x,'\"|\0²") == "群众诉求 138"
    assert labelled("a\r\nb;c${d}", "") == "abcd"
    assert labelled("x", "9" * 4000) == "x " + "9" * 20


async def test_label_of_a_long_chinese_line_fits_with_the_number_whole() -> None:
    label = labelled("政务服务便民热线企业诉求" * 9, "+8613800000000")
    assert len(label.encode()) <= 79
    assert label.endswith(" +8613800000000")
    assert label.startswith("政务服务便民热线企业")


async def test_label_of_an_unknown_line_and_call_is_the_code() -> None:
    assert Floor().driver.label("general", CALL) == "general"
    assert Floor().driver.label("gone", CALL) == "gone"


async def test_plan_without_sense_is_refused_before_anything_changes() -> None:
    floor = Floor().up()
    bad = replace(PLAN, lines={"general": replace(PLAN.lines["general"], strategy="no such")})
    with pytest.raises(UnknownStrategy):
        floor.driver.change_plan(bad)
    assert floor.driver.plan is PLAN
    floor.driver.change_plan(replace(PLAN, version="2"))
    assert floor.driver.engine is not None
    assert floor.driver.engine.plan.version == "2"


async def test_mirror_goes_to_every_pbx_and_a_call_to_its_own() -> None:
    floor = Floor().up()
    second = Told()
    floor.driver.attach(second)
    floor.driver.claimed("pbx2", 10)
    floor.driver.told(e.SnapshotDone("pbx2", MS))
    floor.seat()
    assert floor.told.of(c.MirrorAgent)
    assert second.of(c.MirrorAgent) == floor.told.of(c.MirrorAgent)
    floor.arrive(call=CallId("pbx2", "x.1"))
    assert second.of(c.OfferCall)
    assert not floor.told.of(c.OfferCall)

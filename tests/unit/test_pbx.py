"""One PBX over real sockets: a scripted manager port on loopback, and what the owner is told of it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest

from acd import events as e
from acd.names import CallId, EndedBy
from callcenter.asterisk import leader
from callcenter.asterisk import pbx as pbx_module
from callcenter.asterisk.errors import AmiRefused
from callcenter.asterisk.leader import HeldByAnother
from callcenter.asterisk.pbx import AsteriskPbx
from callcenter.asterisk.put_back import ClockPutBack
from callcenter.asterisk.settings import AmiSettings
from callcenter.asterisk.told import Told
from callcenter.clock import PbxClock
from tests.unit.scripted_port import CALLER, Port

CALL = CallId("pbx1", CALLER)


class Owner:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.log: list[Told | tuple[str, object]] = []
        self.changed = asyncio.Event()

    def _add(self, one: Told | tuple[str, object]) -> None:
        self.log.append(one)
        self.changed.set()

    def told(self, fact: Told) -> None:
        self._add(fact)

    def claimed(self, pbx: str, epoch: int) -> None:
        self._add(("claimed", pbx))

    def must_stop(self, why: Exception) -> None:
        self._add(("lost", why))

    def plan_globals(self) -> Mapping[str, str]:
        return {"CC_DEFAULT_LINE": "general", "CC_DID_12345": "general"}

    def line_of(self, call: CallId) -> str | None:
        return "general"

    def label(self, line: str, call: CallId) -> str:
        return line

    def count(self, kind: type) -> int:
        return sum(isinstance(one, kind) for one in self.log)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20.0):
            while not condition():
                self.changed.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.02):
                        await self.changed.wait()


def make(port: Port, owner: Owner, name: str = "me", heir: "Heir | None" = None) -> AsteriskPbx:
    settings = AmiSettings("127.0.0.1", port.port, "cc", "secret", backoff_first_s=0.02, ping_interval_s=0.05)
    return AsteriskPbx(settings, settings, owner, PbxClock(time.monotonic, time.time), name, [], heir)


@contextlib.asynccontextmanager
async def running(port: Port, owner: Owner) -> AsyncIterator[AsteriskPbx]:
    pbx = make(port, owner)
    task = asyncio.create_task(pbx.run())
    try:
        await owner.until(lambda: pbx.is_synced or task.done())
        yield pbx
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pbx_module, "BEAT_S", 0.05)


def names(owner: Owner) -> list[str]:
    return [one[0] if isinstance(one, tuple) else type(one).__name__ for one in owner.log]


async def test_connected_lead_then_phones_then_callers_then_the_snapshots_end() -> None:
    owner = Owner()
    async with Port() as port:
        port.caller()
        async with running(port, owner) as pbx:
            assert names(owner)[:4] == ["claimed", "DeviceChanged", "CallFound", "SnapshotDone"]
            assert pbx.name == "pbx1"
            assert (port.globals["CC_DEFAULT_LINE"], port.globals["CC_DID_12345"]) == ("general", "general")
            assert port.globals["CC_BEAT"].startswith("me*")


async def test_events_of_the_time_of_the_snapshot_come_after_it_and_older_ones_never() -> None:
    owner = Owner()

    def meanwhile(port: Port) -> None:
        port.event("CcArrived", 30.0, Uniqueid="p-old.1", Line="general")
        port.event("CcArrived", -0.2, Uniqueid="p-new.1", Line="general")
        port.event("DeviceStateChange", 30.0, Device="PJSIP/d1", State="UNAVAILABLE")

    async with Port() as port:
        port.before["Status"] = meanwhile
        async with running(port, owner):
            await owner.until(lambda: owner.count(e.CallArrived) == 1)
            port.event("CcArrived", Uniqueid="p-later.1", Line="general")
            await owner.until(lambda: owner.count(e.CallArrived) == 2)
    told = [one.call.uniqueid for one in owner.log if isinstance(one, e.CallArrived)]
    assert told == ["p-new.1", "p-later.1"]
    assert names(owner).index("SnapshotDone") < names(owner).index("CallArrived")
    assert names(owner).count("DeviceChanged") == 2, "the state that came while the list was read is not lost"


@pytest.mark.parametrize("which", ["events", "acting"])
async def test_session_is_lost_it_is_told_once_and_a_new_snapshot_follows(which: str) -> None:
    owner = Owner()
    async with Port() as port:
        port.caller()
        async with running(port, owner) as pbx:
            epoch = pbx.leadership.epoch
            port.globals.clear()
            getattr(port, which).cut()
            await owner.until(lambda: owner.count(e.SnapshotDone) == 2)
            assert owner.count(e.LinkLost) == 1
            assert names(owner).count("claimed") == 1
            assert pbx.leadership.epoch == epoch
            assert port.globals["CC_DEFAULT_LINE"] == "general", "a restarted Asterisk has no globals"
            port.event("Hangup", Uniqueid=CALLER)
            await owner.until(lambda: owner.count(e.CallerGone) == 1)


async def test_events_session_is_lost_while_the_snapshot_is_read_it_is_read_again() -> None:
    owner = Owner()
    async with Port() as port:
        port.caller()
        port.before["DeviceStateList"] = lambda at: at.events.cut()
        async with running(port, owner) as pbx:
            assert len(port.asked("Status")) >= 2
            assert owner.count(e.SnapshotDone) == 1, "the one with a gap was told to nobody"
            assert pbx.events.is_up
            port.event("Hangup", Uniqueid=CALLER)
            await owner.until(lambda: owner.count(e.CallerGone) == 1)


async def test_session_for_actions_is_lost_within_the_claim_we_claim_again_and_the_owner_is_told() -> None:
    owner = Owner()
    async with Port() as port:
        port.caller()
        port.before["Setvar"] = lambda at: at.acting.cut()
        async with running(port, owner) as pbx:
            assert names(owner)[:4] == ["claimed", "DeviceChanged", "CallFound", "SnapshotDone"]
            assert port.globals["CC_BEAT"].startswith(f"me*{pbx.leadership.epoch}*")


async def test_log_in_is_refused_run_ends_with_it() -> None:
    async with Port() as port:
        port.is_welcome = False
        with pytest.raises(AmiRefused, match="cc"):
            await make(port, Owner()).run()


async def test_another_leads_run_ends_with_its_name() -> None:
    async with Port() as port:

        def moves(at: Port) -> None:
            at.globals["CC_BEAT"] = f"other*5*{len(at.actions)}*{int(at.now())}"
            at.before["Getvar"] = moves

        moves(port)
        with pytest.raises(HeldByAnother, match="other"):
            await make(port, Owner()).run()
        assert not [one for one in port.asked("Setvar") if one["Variable"].startswith("CC_")]


async def test_heartbeat_is_written_by_itself_with_the_pbxs_own_second() -> None:
    owner = Owner()
    async with Port() as port:
        port.shift_s = 5000.0
        async with running(port, owner):
            await owner.until(lambda: int(port.globals["CC_BEAT"].split("*")[2]) >= 4)
            await owner.until(lambda: abs(int(port.globals["CC_BEAT"].split("*")[3]) - port.now()) < 3)


async def test_clock_of_the_pbx_is_put_back_beat_follows_it_and_the_step_is_told() -> None:
    owner = Owner()
    async with Port() as port:
        async with running(port, owner) as pbx:
            before = pbx.clock.now()
            port.shift_s = -900.0
            await owner.until(lambda: owner.count(e.ClockStepped) == 1)
            await owner.until(lambda: abs(int(port.globals["CC_BEAT"].split("*")[3]) - port.now()) < 3)
            assert pbx.clock.now() >= before, "the engine's clock never runs backwards"


async def test_epoch_is_revoked_the_owner_is_told_who_leads_now() -> None:
    owner = Owner()
    async with Port() as port:
        async with running(port, owner) as pbx:
            port.globals[f"CC_REVOKED_{pbx.leadership.epoch}"] = "1"
            port.globals["CC_BEAT"] = f"new*{pbx.leadership.epoch + 9}*1*{int(port.now())}"
            await owner.until(lambda: "lost" in names(owner))
            (why,) = [one[1] for one in owner.log if isinstance(one, tuple) and one[0] == "lost"]
            assert isinstance(why, HeldByAnother)
            assert why.holder == "new"


async def test_pbx_without_a_system_name_gets_one_and_keeps_it() -> None:
    owner = Owner()
    async with Port() as port:
        port.system_name = ""
        async with running(port, owner) as pbx:
            assert pbx.name == "asterisk"
            port.system_name = "renamed"
            port.acting.cut()
            await owner.until(lambda: owner.count(e.SnapshotDone) == 2)
            assert (pbx.name, pbx.translator.pbx) == ("asterisk", "asterisk")


async def test_probe_is_answered_by_where_the_caller_is_or_that_he_is_gone() -> None:
    owner = Owner()
    async with Port() as port:
        port.caller()
        async with running(port, owner) as pbx:
            pbx._probe(CALL)
            await owner.until(lambda: owner.count(e.CallFound) == 2)
            port.refused = {"Status"}
            pbx._probe(CALL)
            await owner.until(lambda: len(port.asked("Status")) == 3)
            await asyncio.sleep(0.02)
            assert owner.count(e.CallerGone) == 0, "a refusal for another reason says nothing of the caller"
            port.refused = set()
            port.channels.clear()
            pbx._probe(CALL)
            await owner.until(lambda: owner.count(e.CallerGone) == 1)
            assert pbx.translator.tracks.calls == {}
    (gone,) = [one for one in owner.log if isinstance(one, e.CallerGone)]
    assert (gone.call, gone.by) == (CALL, EndedBy.UNKNOWN)


async def test_snapshot_is_refused_it_is_tried_again_and_nothing_is_told_before() -> None:
    owner = Owner()
    async with Port() as port:
        port.refused = {"Status"}
        pbx = make(port, owner)
        task = asyncio.create_task(pbx.run())
        await owner.until(lambda: len(port.asked("Status")) == 1)
        port.refused = set()
        await owner.until(lambda: pbx.is_synced)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert owner.count(e.SnapshotDone) == 1


async def test_service_ends_both_sessions_are_closed() -> None:
    owner = Owner()
    async with Port() as port:
        async with running(port, owner) as pbx:
            pass
        await owner.until(lambda: all(one.writer.is_closing() for one in port.sessions))
        assert (pbx.actions.is_over, pbx.events.is_over) == (True, True)


@pytest.mark.parametrize(("by_s", "ends"), [(-3600.0, True), (-3.0, False), (3600.0, False)])
async def test_clock_is_put_back_by_more_than_can_be_waited_out_the_owner_must_stop(by_s: float, ends: bool) -> None:
    owner = Owner()
    async with Port() as port, running(port, owner):
        port.shift_s = by_s
        await owner.until(lambda: owner.count(e.ClockStepped) == 1)
        why = [one[1] for one in owner.log if isinstance(one, tuple) and one[0] == "lost"]
    assert [isinstance(one, ClockPutBack) and "3600 s" in str(one) for one in why] == [True] * ends


class Heir:
    """Keeps what it is asked, in the owner's log; `meanwhile` happens while it takes over."""

    def __init__(self, owner: Owner, meanwhile: Callable[[], Awaitable[None]] | None = None) -> None:
        self.owner = owner
        self.meanwhile = meanwhile

    async def last_epoch(self, pbx: str) -> int:
        return 0

    def has_resigned(self, epoch: int) -> bool:
        return False

    async def take_over(self, pbx: str, epoch: int) -> None:
        self.owner._add(("took over", pbx))
        if self.meanwhile is not None:
            await self.meanwhile()


@contextlib.asynccontextmanager
async def standing_by(
    port: Port, owner: Owner, monkeypatch: pytest.MonkeyPatch, heir: Heir | None = None
) -> AsyncIterator[tuple[AsteriskPbx, asyncio.Event]]:
    """A PBX object that stands by for another, whose heart beats until the event is set."""
    monkeypatch.setattr(leader, "LOOK_S", 0.02)
    monkeypatch.setattr(leader, "PAIR_STALE_S", 0.4)
    monkeypatch.setattr(leader, "SLOW_S", 0.2)  # of a machine that stalls just then
    dies = asyncio.Event()

    async def lead() -> None:
        counter = 0
        while not dies.is_set():
            counter += 1
            port.globals["CC_BEAT"] = f"other*{int(port.now()) - 50}*{counter}*{int(port.now())}"
            await asyncio.sleep(0.02)

    leads = asyncio.create_task(lead())
    pbx = make(port, owner, heir=heir or Heir(owner))
    task = asyncio.create_task(pbx.run())
    try:
        await owner.until(lambda: pbx.stands_by_for is not None or task.done())
        yield pbx, dies
    finally:
        leads.cancel()
        task.cancel()
        await asyncio.gather(leads, task, return_exceptions=True)


async def test_another_leads_we_stand_by_keep_no_event_and_write_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = Owner()
    async with Port() as port:
        port.caller()
        async with standing_by(port, owner, monkeypatch) as (pbx, _):
            for _ in range(200):
                port.event("CcArrived", Uniqueid="p-9.1", Line="general")
            await pbx.push_globals({"CC_DEFAULT_LINE": "other"})
            await asyncio.sleep(1.0)
            assert pbx.stands_by_for is not None and pbx.stands_by_for.instance == "other"
            assert (owner.log, pbx._buffer, pbx.is_synced) == ([], [], False)
            assert not [one for one in port.asked("Setvar") if one["Variable"].startswith("CC_")]
            assert "standing by" in repr(pbx)


async def test_leader_is_gone_the_heir_takes_over_before_the_owner_is_told_then_as_at_any_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner = Owner()
    async with Port() as port:
        port.caller()
        async with standing_by(port, owner, monkeypatch) as (pbx, dies):
            port.event("CcArrived", Uniqueid="p-9.1", Line="general")
            dies.set()
            await owner.until(lambda: pbx.is_synced)
            assert names(owner)[:5] == ["took over", "claimed", "DeviceChanged", "CallFound", "SnapshotDone"]
            assert owner.count(e.CallArrived) == 0
            assert port.globals["CC_BEAT"].startswith("me*") and pbx.stands_by_for is None
            port.event("CcArrived", Uniqueid="p-10.1", Line="general")
            await owner.until(lambda: owner.count(e.CallArrived) == 1)


async def test_session_for_events_is_lost_during_the_take_over_the_snapshot_waits_for_it_and_we_were_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner = Owner()
    async with Port() as port:

        async def cut() -> None:
            losses = pbx._losses
            port.events.cut()
            await owner.until(lambda: pbx._losses > losses)

        async with standing_by(port, owner, monkeypatch, Heir(owner, cut)) as (pbx, dies):
            dies.set()
            await owner.until(lambda: pbx.is_synced)
            assert pbx.events.is_up
            assert names(owner).count("claimed") == names(owner).count("SnapshotDone") == 1


async def test_link_is_lost_within_the_take_over_the_owner_is_told_and_events_come_once_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner = Owner()
    async with Port() as port:
        async with standing_by(port, owner, monkeypatch) as (pbx, dies):
            port.before["Setvar"] = lambda at: at.acting.cut()
            dies.set()
            await owner.until(lambda: pbx.is_synced)
            assert names(owner)[:2] == ["took over", "claimed"] and pbx.stands_by_for is None
            port.event("CcArrived", Uniqueid="p-10.1", Line="general")
            await owner.until(lambda: owner.count(e.CallArrived) == 1)


async def test_link_is_lost_while_standing_by_we_stand_by_again(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = Owner()
    async with Port() as port:
        async with standing_by(port, owner, monkeypatch) as (pbx, _):
            sessions = len(port.sessions)
            port.acting.cut()
            port.events.cut()
            await owner.until(lambda: len(port.sessions) >= sessions + 2 and pbx.actions.is_up and pbx.events.is_up)
            await asyncio.sleep(0.6)
            assert pbx.stands_by_for is not None and owner.log == []

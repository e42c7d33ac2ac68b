"""Joins the adapters: the only place that knows which implementation stands behind each port.

`Service` is `callcenter serve`: plan loaded, state folder locked, ledger brought up, outbox and projector, live state, the
engine's driver, the PBX, HTTP. It ends by a signal (0), when another instance holds the PBX (4), or with what is wrong (2).
"""

import asyncio
import gc
import logging
import re
import signal
import socket
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from acd import events as e
from acd.engine import Engine
from acd.plan import Plan
from acd.records import PresenceChanged
from agents.login import LoginGuard
from agents.presence import Presence
from callcenter import __version__
from callcenter.asterisk.errors import AmiError
from callcenter.asterisk.pbx import AsteriskPbx, make_clock
from callcenter.asterisk.settings import AmiSettings
from callcenter.driver import Driver
from callcenter.features import Features
from callcenter.floor_status import floor_status
from callcenter.http.app import create_app
from callcenter.http.server import serving
from callcenter.http.tokens import TokenStore, write_local_token
from callcenter.open_hours import OpenHours
from callcenter.storage.database import open_engine
from callcenter.storage.errors import LedgerAway, StorageError
from callcenter.storage.ledger import Ledger
from callcenter.storage.live_state import SqliteLiveState
from callcenter.storage.migrate import make_ready
from callcenter.storage.outbox import Outbox
from callcenter.storage.projector import Projector
from callcenter.storage.state_dir import StateDir
from callcenter.storage.upkeep import keep_on_disk
from callcenter.unwatched import close_unwatched
from config.plan import load_plan
from config.plan_diff import plan_diff
from config.settings import AmiLogin, Settings
from metrics.exporter import Exporter, Floor, Frozen

log = logging.getLogger(__name__)

EPOCH = "epoch"
PROJECTOR = "projector"
BATCH_S = 2.0
"""How long the projector may take at the end for the batch under way."""
DRAIN_S = 5.0
"""How long the end may take for the rest of the outbox."""


class Service:
    """The whole service; `run` is its life."""

    def __init__(self, settings: Settings) -> None:
        """Load and open everything that needs no network. Raises ConfigError, StorageError, AcdError (a plan without sense)."""
        self.settings = settings
        actions, events = _ami(settings, settings.ami_login), _ami(settings, settings.ami_events_login)
        self._plan = load_plan(settings.plan)
        Engine(self._plan, 0)
        self.state = StateDir(settings.state_dir)
        name = re.sub(r"[^A-Za-z0-9.-]", "-", settings.instance or socket.gethostname())[:40]
        self.instance = f"{name}-{self.state.instance}"
        self.state.lock(self.instance)
        self.live = SqliteLiveState(self.state.live_state)
        self.outbox = Outbox(self.state.outbox)
        self.database = open_engine(settings.database)
        self.ledger = Ledger(self.database)
        self.projector = Projector(self.state.outbox, self.ledger)
        self.exporter = Exporter(self._floor, __version__)
        self.clock = make_clock()
        self._stopping = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()
        self._why: Exception | None = None
        """Why the service stops, when not by a signal."""
        self._hours = OpenHours(self.clock.now)
        self.driver = Driver(
            self._hours.apply(self._plan),
            self.clock,
            self.outbox,
            self.live,
            restored=self._restored,
            observers=[self.exporter.observe],
            features=self._feature,
            stop=self._stop,
            took=self.exporter.decided,
            wish_taken=self.exporter.wish_taken,
            snapshot_done=self._in_step,
            keep_epoch=lambda epoch: self.live.put(EPOCH, str(epoch)),
        )
        self.pbx = AsteriskPbx(
            actions,
            events,
            self.driver,
            self.clock,
            self.instance,
            epochs=[int(self.live.get(EPOCH) or 0)],
        )
        self.driver.attach(self.pbx)
        self._features = Features(
            plan=self.plan,
            guard=LoginGuard(),
            agent_at=self._agent_at,
            tell=self.driver.tell,
            reply=self.pbx.switch.reply,
            now=self.clock.now,
            kept=self.live,
        )

    async def run(self) -> None:
        """Serve until a signal; raises what ended it (AmiRefused, HeldByAnother, SchemaOutdated, ...)."""
        self._on_signals()
        tasks: list[asyncio.Task[Any]] = []
        try:
            await self._ready_ledger()
            tokens = TokenStore(self.state.folder)
            write_local_token(self.state.folder)
            async with serving(create_app(self, tokens.is_valid), self.settings.http_host, self.settings.http_port):
                await self._serve(tasks)
        finally:
            await self._end(tasks)
        if self._why is not None:
            raise self._why

    async def _ready_ledger(self) -> None:
        try:
            await make_ready(self.database)
        except LedgerAway as error:
            where = self.settings.database_label
            raise StorageError(f"the ledger {where} cannot be opened: {error} (CALLCENTER_DATABASE_URL)") from error

    async def _serve(self, tasks: list[asyncio.Task[Any]]) -> None:
        """Start all that goes on by itself (into `tasks`) and wait for the end of the PBX's part, or for `_stopping`."""
        pbx = asyncio.create_task(self.pbx.run(), name="pbx")
        stop = asyncio.create_task(self._stopping.wait(), name="stop")
        tasks += [pbx, stop]
        for name, work in (
            (PROJECTOR, self.projector.run()),
            ("upkeep", keep_on_disk(self.outbox, self.live)),
            ("hours", self._follow_hours()),
        ):
            tasks.append(asyncio.create_task(work, name=name))
            tasks[-1].add_done_callback(_told_if_it_failed)
        gc.collect()
        gc.freeze()  # what start-up made lives for ever: a full collection of it would stall the loop
        await asyncio.wait([pbx, stop], return_when=asyncio.FIRST_COMPLETED)
        if pbx.done():
            pbx.result()

    async def _end(self, tasks: list[asyncio.Task[Any]]) -> None:
        self.projector.stop()
        tasks += self._background
        projector = [task for task in tasks if task.get_name() == PROJECTOR]
        for task in tasks:
            if task not in projector:
                task.cancel()
        await asyncio.gather(*(task for task in tasks if task not in projector), return_exceptions=True)
        self.driver.close()
        if projector:
            await asyncio.wait(projector, timeout=BATCH_S)
            projector[0].cancel()
            await asyncio.gather(*projector, return_exceptions=True)
        if not await self.projector.drain(DRAIN_S):
            log.warning("the ledger could not take the last records (%s): they wait in the outbox", self.projector.away)
        self.outbox.close()
        self.live.close()
        await self.database.dispose()
        self.state.release()

    # --- what HTTP asks (ServicePort)

    def status(self) -> dict[str, Any]:
        """Return who leads, links and counts, as JSON-ready values."""
        engine = self.driver.engine
        return {
            "instance": self.instance,
            "leader": self.pbx.leadership.is_ours,
            "epoch": self.pbx.leadership.epoch,
            "pbx": self.pbx.name,
            "synced": self.pbx.is_synced,
            "links": {"actions": self.pbx.actions.is_up, "events": self.pbx.events.is_up},
            "event_lag_s": round(self.pbx.event_lag_s, 4),
            "plan": self._plan.version,
            "outbox_bytes": self.projector.depth_bytes(),
            "ledger_away": self.projector.away,
            "refused_actions": self.pbx.switch.refused,
            "engine": engine.snapshot() if engine is not None else None,
            **floor_status(self._plan, engine, self.clock.now()),
        }

    def plan(self) -> Plan:
        """Return the plan in force."""
        return self._plan

    def freeze(self) -> Frozen:
        """Return the metrics of this instant."""
        return self.exporter.freeze()

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """Return whether calls are distributed now, and each part's word on it."""
        parts = {
            "leader": self.pbx.leadership.is_ours,
            "ami_actions": self.pbx.actions.is_up,
            "ami_events": self.pbx.events.is_up,
            "snapshot": self.pbx.is_synced,
            "outbox": not self.outbox.dropped.total(),
        }
        return all(parts.values()), {**parts, "ledger": self.projector.away or "ok"}

    async def reload_plan(self) -> list[str]:
        """Read the plan's file again and put it in force; return the changes in words. Raises PlanError, nothing changed."""
        fresh = await asyncio.to_thread(load_plan, self.settings.plan)
        changes = plan_diff(self._plan, fresh)
        if changes:
            old = set(self.driver.plan_globals())
            self.driver.change_plan(self._hours.apply(fresh))
            self._plan = fresh
            values = dict.fromkeys(old - set(self.driver.plan_globals()), "") | dict(self.driver.plan_globals())
            try:
                await self.pbx.push_globals(values)
            except AmiError as error:
                log.warning("the plan's globals are not on the PBX before the next connect: %s", error)
            log.info("plan %s in force: %s", fresh.version, "; ".join(changes))
        return changes

    # --- inside

    def _stop(self, why: Exception) -> None:
        self._why = why
        self._stopping.set()

    async def _follow_hours(self) -> None:
        """Let specialists come and go with their hours: a plan without those who are closed, changed only when the set does."""
        while True:
            await asyncio.sleep(self._hours.until_next_minute_s())
            if self._hours.has_changed(self._plan):
                self.driver.change_plan(self._hours.apply(self._plan))

    def _on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: loop.create_task(self._reload_by_signal()))

    async def _reload_by_signal(self) -> None:
        try:
            await self.reload_plan()
        except Exception as error:
            log.error("plan not reloaded, the old one stays in force: %s", error)

    def _feature(self, used: Any) -> None:
        self._features.used(used)

    def _in_step(self, pbx: str, at_ms: int) -> None:
        """After a snapshot: calls of the ledger that have no channel any more ended while nobody watched."""
        engine = self.driver.engine
        if engine is not None:
            living = {call.uniqueid for call in engine.calls} | set(self.pbx.translator.tracks.calls)
            task = asyncio.create_task(close_unwatched(pbx, living, at_ms, self.projector, self.outbox))
            self._background.add(task)
            task.add_done_callback(self._background.discard)

    def _agent_at(self, device: str) -> str | None:
        agent = self.driver.engine.agent_at(device) if self.driver.engine is not None else None
        return agent.number if agent is not None else None

    def _floor(self) -> Floor:
        engine, pbx = self.driver.engine, self.pbx
        seen = Floor(
            waiting=dict.fromkeys(self._plan.lines, 0),
            oldest_wait_s=dict.fromkeys(self._plan.lines, 0.0),
            links={(pbx.name, "actions"): pbx.actions.is_up, (pbx.name, "events"): pbx.events.is_up},
            event_lag_s={pbx.name: pbx.event_lag_s},
            outbox_records=self.projector.records_behind(self.outbox.written),
            is_database_up=self.projector.away is None,
            is_leader=pbx.leadership.is_ours,
            epoch=pbx.leadership.epoch,
            plan=self._plan.version,
        )
        if engine is None:
            return seen
        return replace(
            seen,
            waiting=engine.waiting_by_line(),
            oldest_wait_s=engine.oldest_wait_by_line(self.clock.now()),
            agents={Presence(name): count for name, count in engine.agents_by_presence().items()},
        )

    def _restored(self) -> Iterable[e.AgentRestored]:
        now_ms = int(self.clock.now() * 1000)
        return [_restored(record, now_ms) for record in self.live.agents()]


def _told_if_it_failed(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("%s ended: the service goes on without it", task.get_name(), exc_info=error)


def _ami(settings: Settings, login: AmiLogin) -> AmiSettings:
    return AmiSettings(
        host=settings.ami_host,
        port=settings.ami_port,
        username=login.username,
        secret=login.secret.get_secret_value(),
        tls=settings.ami_tls,
        tls_ca_file=settings.ami_tls_ca,
    )


def _restored(record: PresenceChanged, now_ms: int) -> e.AgentRestored:
    return e.AgentRestored(
        agent=record.agent,
        device=record.device,
        presence=record.presence,
        reason=record.reason,
        since_ms=record.at_ms,
        ready_ms=record.ready_ms,
        until_ms=record.until_ms,
        misses=record.misses,
        at_ms=now_ms,
        wants=record.wants,
    )

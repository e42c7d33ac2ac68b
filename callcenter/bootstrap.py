"""Joins the adapters: the only place that knows which implementation stands behind each port.

`Service` is `callcenter serve`: plan loaded, state folder locked, ledger brought up, outbox and projector, live state, the
engine's driver, the PBX, HTTP. It ends by a signal (0), when another instance holds the PBX (4), or with what is wrong (2).
One of a pair (CALLCENTER_REDIS_URL) stands by instead while the other one leads, and shares what agents do while it leads.
"""

import asyncio
import gc
import logging
import re
import signal
import socket
from collections.abc import Iterable, Sequence
from typing import Any

from acd import events as e
from acd.engine import Engine
from acd.plan import Plan
from acd.records import Record
from agents.login import LoginGuard
from agents.roster import Agent
from callcenter import __version__
from callcenter.asterisk.errors import AmiError
from callcenter.asterisk.pbx import AsteriskPbx, make_clock
from callcenter.asterisk.settings import AmiSettings
from callcenter.asterisk.told import DialAsked
from callcenter.background import told_if_it_failed
from callcenter.board.live import LiveBoard
from callcenter.board.view import Trust
from callcenter.condition import connection_status, readiness
from callcenter.dialouts import DialOuts
from callcenter.driver import Driver
from callcenter.features import Features
from callcenter.floor_status import floor_status
from callcenter.gauges import Gauges
from callcenter.hand import Hand
from callcenter.http.app import create_app
from callcenter.http.board import FILES, at_the_door, follow_tokens
from callcenter.http.gate import room_here
from callcenter.http.server import serving
from callcenter.http.tokens import TokenStore, write_local_token
from callcenter.open_hours import OpenHours
from callcenter.pair import Pair
from callcenter.rebuild.beside import notice
from callcenter.rebuild.gaps import Gaps, people_of
from callcenter.rebuild.look_back import LookBack
from callcenter.recent_report import RecentReport
from callcenter.recordings import RecordingKeeper
from callcenter.report.question import choices_of
from callcenter.storage.database import open_engine
from callcenter.storage.errors import LedgerAway, StorageError
from callcenter.storage.followers import follow
from callcenter.storage.ledger import Ledger
from callcenter.storage.live_state import SqliteLiveState
from callcenter.storage.migrate import make_ready
from callcenter.storage.outbox import Outbox
from callcenter.storage.rollup import REBUILD_S, write_statements
from callcenter.storage.rollup_upkeep import RollupKeeper
from callcenter.storage.state_dir import StateDir
from callcenter.storage.upkeep import keep_on_disk
from callcenter.succession import EPOCH
from callcenter.survived import survived
from config.plan import PlanFile, read_plan
from config.plan_diff import plan_diff
from config.settings import Settings
from metrics.choices import Choices
from metrics.dictionary import build
from metrics.exporter import Exporter, Frozen
from metrics.floor import Floor

log = logging.getLogger(__name__)

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
        actions, events = (AmiSettings.of(settings, one) for one in (settings.ami_login, settings.ami_events_login))
        self._plan_file = read_plan(settings.plan)
        self._dictionary = build(choices_of(self._plan_file, None))
        Engine(self.plan(), 0)
        self.state = StateDir(settings.state_dir)
        name = re.sub(r"[^A-Za-z0-9.-]", "-", settings.instance or socket.gethostname())[:40]
        self.instance = f"{name}-{self.state.instance}"
        self.state.lock(self.instance)
        self._pair = Pair(SqliteLiveState(self.state.live_state), settings.redis, self.instance)
        self.live = self._pair.live
        self.outbox = Outbox(self.state.outbox)
        self.database = open_engine(settings.database)
        self.ledger = Ledger(self.database)
        self._patient = open_engine(settings.database, command_s=REBUILD_S)
        """The ledger's database for work that may take long."""
        self._rollups = RollupKeeper(self._patient)
        self.clock, self._room = make_clock(), room_here()
        self.board, self.recent = self._board(), self._recent_report()
        self.exporter = Exporter(self._floor, __version__, self._dictionary, self.recent.frozen)
        self.exporter.staff(self.plan())
        self.projector = follow(self.ledger, self.state.outbox, (self.board, self.recent), leads=self._leads)
        self._stopping = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()
        self._why: Exception | None = None
        """Why the service stops, when not by a signal."""
        self._hours = OpenHours(self.clock.now)
        self._keeper = RecordingKeeper(settings.recordings, lambda found: self.driver.record(found), self._now_ms)
        self.driver = Driver(
            self._hours.apply(self.plan()),
            self.clock,
            self.outbox,
            self.live,
            restored=self._restored,
            observers=[self.exporter.observe, self._keeper.observe, self._learn, self.board.observe],
            features=self._feature,
            dial_asked=self._dial_asked,
            stop=self._stop,
            took=self.exporter.decided,
            wish_taken=self.exporter.wish_taken,
            snapshot_done=self._in_step,
            keep_epoch=lambda epoch: self.live.put(EPOCH, str(epoch)),
        )
        led = [int(self.live.get(EPOCH) or 0)]
        self.pbx = AsteriskPbx(actions, events, self.driver, self.clock, self.instance, led, self._pair.heir)
        self.driver.attach(self.pbx)
        self._gaps = Gaps(self.live)
        self._look_back = self._looking_back()
        self._features, self._dialouts = self._answers_to_phones()
        self.hand = Hand(self.plan, lambda: self.driver.engine, self.driver.order, self.clock.now, self.live)

    def _board(self) -> LiveBoard:
        return LiveBoard(
            plan=self.plan,
            engine=lambda: self.driver.engine,
            now=self.clock.now,
            trust=lambda is_current: Trust(
                is_pbx_up=self.pbx.actions.is_up and self.pbx.events.is_up and self.pbx.is_synced,
                is_leader=self._leads(),
                is_ledger_up=is_current and self.projector.away is None and not self._stands_by(),
                build=FILES.build,
                is_standing_by=self._stands_by(),
            ),
            ledger=self.database,
            dictionary=lambda: self._dictionary,
            most=self._room.boards,
        )

    def _recent_report(self) -> RecentReport:
        return RecentReport(
            ledger=self.database,
            now=self.clock.now,
            zone=lambda: self.plan().zone,
            lines=lambda: self.plan().lines,
            stands_by=self._stands_by,
            dictionary=lambda: self._dictionary,
        )

    def _answers_to_phones(self) -> tuple[Features, DialOuts]:
        features = Features(
            plan=self.plan,
            guard=LoginGuard(),
            agent_at=self._agent_at,
            tell=self.driver.tell,
            reply=self.pbx.switch.reply,
            now=self.clock.now,
            kept=self.live,
        )
        dialouts = DialOuts(
            plan=self.plan,
            agent_at=self._who_is_at,
            reply=self.pbx.switch.reply,
            record=self.driver.record,
            kept=self.live,
        )
        return features, dialouts

    def _looking_back(self) -> LookBack:
        cel = self.settings.cel
        return LookBack(
            self._gaps,
            self.projector,
            end=lambda: self.outbox.end,
            record=self.driver.record,
            cel=cel.get_secret_value() if cel is not None else None,
            plan=self.plan,
            answered=self.pbx.mark_answered,
        )

    async def run(self) -> None:
        """Serve until a signal; raises what ended it (AmiRefused, HeldByAnother, SchemaOutdated, ...)."""
        self._on_signals()
        tasks: list[asyncio.Task[Any]] = []
        try:
            await self._ready_ledger()
            tokens = TokenStore(self.state.folder)
            write_local_token(self.state.folder)
            app = create_app(self, tokens.owner_of, board_without_token=self.settings.board_without_token)
            at = (self.settings.http_host, self.settings.http_port)
            async with serving(app, *at, places=self._room.places, refuses=at_the_door(self.board)):
                try:
                    await self._serve(tasks, tokens)
                finally:
                    self.board.close()
        finally:
            await self._end(tasks)
        if self._why is not None:
            raise self._why

    async def _ready_ledger(self) -> None:
        write_statements(self.database.dialect.name)  # now: later they would hold up the routing
        self.board.write_statements()
        try:
            await make_ready(self.database)
            await self.recent.write_statements()
        except LedgerAway as error:
            where = self.settings.database_label
            raise StorageError(f"the ledger {where} cannot be opened: {error} (CALLCENTER_DATABASE_URL)") from error

    async def _serve(self, tasks: list[asyncio.Task[Any]], tokens: TokenStore) -> None:
        """Start all that goes on by itself (into `tasks`) and wait for the end of the PBX's part, or for `_stopping`."""
        pbx = asyncio.create_task(self.pbx.run(), name="pbx")
        stop = asyncio.create_task(self._stopping.wait(), name="stop")
        tasks += [pbx, stop]
        for name, work in (
            (PROJECTOR, self.projector.run()),
            ("upkeep", keep_on_disk(self.outbox, self._pair.own)),
            ("hours", self._hours.follow(self.plan, self.driver.change_plan)),
            ("watched", self._gaps.follow(lambda: self.pbx.name, self._watches, self._now_ms)),
            ("recordings", self._keeper.run()),
            ("board", self.board.run()),
            ("tokens", follow_tokens(tokens, self.board.fanout)),
            ("roll-ups", self._rollups.run()),
            *self._pair.works(self._stands_by_at),
            ("told beside", notice(self._look_back, (self.board, self.recent), self._stands_by)),
        ):
            tasks.append(asyncio.create_task(work, name=name))
            tasks[-1].add_done_callback(told_if_it_failed)
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
        await self._pair.share()
        await self._rollups.stop(BATCH_S)
        if projector:
            await asyncio.wait(projector, timeout=BATCH_S)
            projector[0].cancel()
            await asyncio.gather(*projector, return_exceptions=True)
        if not await self.projector.drain(DRAIN_S):
            log.warning("the ledger could not take the last records (%s): they wait in the outbox", self.projector.away)
        self.outbox.close()
        await self._pair.end()
        await self.database.dispose()
        await self._patient.dispose()
        self.state.release()

    # --- what HTTP asks (ServicePort)

    def status(self) -> dict[str, Any]:
        """Return who leads, links and counts, as JSON-ready values."""
        engine = self.driver.engine
        return {
            "instance": self.instance,
            **connection_status(self.pbx, self._pair.state()),
            "plan": self.plan().version,
            "outbox_bytes": self.projector.depth_bytes(),
            "ledger_away": self.projector.away,
            "line_orders": self.hand.lines(),
            "engine": engine.snapshot() if engine is not None else None,
            **floor_status(self.plan(), engine, self.clock.now()),
        }

    def plan(self) -> Plan:
        """Return the plan in force."""
        return self._plan_file.plan

    def plan_changes(self, new: PlanFile) -> list[str]:
        """Return in words what this plan would change."""
        return plan_diff(self._plan_file, new)

    def freeze(self) -> Frozen:
        """Return the metrics of this instant."""
        return self.exporter.freeze()

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """Return whether calls are distributed now, and each part's word on it."""
        return readiness(self.pbx, self.outbox, self.projector, self._pair.state())

    async def reload_plan(self) -> list[str]:
        """Read the plan's file again and put it in force; return the changes in words. Raises PlanError, nothing changed."""
        fresh = await asyncio.to_thread(read_plan, self.settings.plan)
        changes = self.plan_changes(fresh)
        if changes:
            old = set(self.driver.plan_globals())
            self.driver.change_plan(self._hours.apply(fresh.plan))
            self._plan_file = fresh
            self.exporter.staff(fresh.plan)
            self._define(choices_of(fresh, None))
            values = dict.fromkeys(old - set(self.driver.plan_globals()), "") | dict(self.driver.plan_globals())
            try:
                await self.pbx.push_globals(values)
            except AmiError as error:
                log.warning("the plan's globals are not on the PBX before the next connect: %s", error)
            log.info("plan %s in force: %s", fresh.plan.version, "; ".join(changes))
        return changes

    # --- inside

    def _define(self, choices: Choices) -> None:
        """Let figures go by these choices from now on; the same ones again begin nothing anew."""
        if choices != self._dictionary.choices:
            self._dictionary = build(choices)
            self.exporter.define(self._dictionary)

    def _stop(self, why: Exception) -> None:
        self._why = why
        self._stopping.set()

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

    def _dial_asked(self, asked: DialAsked) -> None:
        self._dialouts.asked(asked)

    def _learn(self, records: Sequence[Record]) -> None:
        self._dialouts.observe(records)

    def _in_step(self, pbx: str, at_ms: int) -> None:
        """After a snapshot: what happened while nobody watched is looked up, off the routing path."""
        engine = self.driver.engine
        if engine is not None:
            living = {call.uniqueid for call in engine.calls} | set(self.pbx.translator.tracks.calls)
            gap = self._gaps.open(pbx, at_ms, self.pbx.startup, people_of(self.plan(), engine))
            settle = self._keeper.settle(pbx, living, self.projector, self.outbox.end)
            for name, work in (("look back", self._look_back.run(gap, living)), ("recordings left over", settle)):
                task = asyncio.create_task(work, name=name)
                self._background.add(task)
                task.add_done_callback(self._background.discard)
                task.add_done_callback(told_if_it_failed)

    def _leads(self) -> bool:
        return self.pbx.leadership.is_ours

    def _stands_by(self) -> bool:
        return self.pbx.stands_by_for is not None

    def _stands_by_at(self) -> str | None:
        return self.pbx.name if self._stands_by() else None

    def _watches(self) -> bool:
        return self.pbx.is_synced and self.driver.engine is not None

    def _now_ms(self) -> int:
        return int(self.clock.now() * 1000)

    def _who_is_at(self, device: str) -> Agent | None:
        return self.driver.engine.agent_at(device) if self.driver.engine is not None else None

    def _agent_at(self, device: str) -> str | None:
        return agent.number if (agent := self._who_is_at(device)) is not None else None

    def _floor(self) -> Floor:
        now, shared = self.clock.now, self._pair.state()
        return Gauges(self.plan, self.driver.engine, self.pbx, self._look_back, self.outbox, now, shared).floor()

    def _restored(self) -> Iterable[e.Event]:
        """We lead from now on: what the live state has is read, which may be another's who led before."""
        self._features, self._dialouts = self._answers_to_phones()
        self._gaps.reread()
        return survived(self.hand, self.live, int(self.clock.now() * 1000))

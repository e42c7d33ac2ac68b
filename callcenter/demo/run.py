"""One run of the demo: set-up, the stream of calls with a live screen, the end, and what the witnesses say.

Theory of operation: the service runs as a process of its own, as in production; this process plays the people and
looks at the service over HTTP. After the stream (DEMO_SECONDS from the first call, or Ctrl-C) nobody calls any more and
the calls have `grace_s` to end; whoever still calls then hangs up himself. Ctrl-C again ends the grace at once. Then
the service is stopped (it stores all it knows), the witnesses are heard, and everything is removed.
"""

import asyncio
import contextlib
import shutil
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime

from rich.console import Console
from rich.live import Live

from callcenter.demo.board import Board, look
from callcenter.demo.cast import DIDS, PHONE_OF, SPECIALIST_PHONES, plan_text, seats
from callcenter.demo.company import Company
from callcenter.demo.evidence import Evidence, gather, keep
from callcenter.demo.fault import drop_one_waiting
from callcenter.demo.happenings import happenings
from callcenter.demo.options import Fault, Options
from callcenter.demo.stream import Role, Visit, stream
from callcenter.demo.summary import Facts, broken_rules, json_line, table
from callcenter.demo.view import Screen, render, status_line
from callcenter.lab.apt import SOFTPHONE, peer_root
from callcenter.lab.errors import LabError
from callcenter.lab.site import Site

LOOK_EVERY_S = 0.3
LINE_EVERY_S = 5.0
EVENTS_SHOWN = 17
HANG_UP_S = 15.0
SETTLE_S = 20.0
DROP_FROM_S = 2.0
LINE_NAMES = {"general": "群众诉求\ngeneral", "enterprise": "一企来\nenterprise"}


class Demo:
    """A run. `result` is what the witnesses said; None as long as they were not heard."""

    def __init__(self, options: Options, console: Console, on_screen: Callable[[Screen], None] | None = None) -> None:
        """on_screen: also told each screen (the picture's recorder)."""
        self.options = options
        self.result: Facts | None = None
        self._console = console
        self._on_screen = on_screen
        phones, open_board = [*PHONE_OF.values(), *SPECIALIST_PHONES], {"CALLCENTER_BOARD_WITHOUT_TOKEN": "true"}
        self._site = Site(plan_text(), seats(), phones, environment=open_board, report=self._say)
        self.wallboard = f"http://127.0.0.1:{self._site.http_port}/board"
        """Address of the wallboard, on this machine alone."""
        self._company = Company(self._site, options.seed)
        self._events: deque[tuple[str, str, str]] = deque(maxlen=EVENTS_SHOWN)
        self._board = Board()
        self._visits: dict[str, Visit] = {}
        self._phase = "来电 calls come in"
        self._first_call_at: float | None = None
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._interrupts = 0
        self._main: asyncio.Task[object] | None = None
        self._failure: str | None = None
        self._is_fault_made = False

    async def run(self) -> int:
        """Play it and return the exit code: 0, or 1 when something was not right. Raises LabError when it cannot begin."""
        self._main = asyncio.current_task()
        self._on_signals()
        try:
            await self._set_up()
            await self._play()
            evidence = await self._hear()
        except asyncio.CancelledError:
            if self._first_call_at is not None or not self._interrupts:
                raise
            self._say("stopped before the first call")
            evidence = None
        finally:
            await self._tidy()
        return self._conclude(evidence)

    # --- set-up

    async def _set_up(self) -> None:
        began = time.monotonic()
        self._say("Asterisk, plan and service are being started (what is missing is fetched first)")
        if shutil.which("baresip") is None:
            await asyncio.to_thread(peer_root, SOFTPHONE, self._say)
        await self._site.start()
        self._say(f"the service distributes calls on a private {self._site.pbx.systemname}")
        self._say(f"大屏 wallboard: {self.wallboard}")
        self._say(f"{len(PHONE_OF)} seats' and {len(SPECIALIST_PHONES)} specialists' softphones register")
        await self._company.register()
        self._say("the seats log in: *11, number, PIN")
        await self._company.log_in()
        for patience_s in (1.2, 2.0):  # a busy machine plays prompts late: who keyed into one dials again, slower
            if not (away := await self._away()):
                break
            await self._company.log_in(away, patience_s)
        await self._until_ready()
        self._say(f"ready after {time.monotonic() - began:.0f} s; seed {self.options.seed}")

    async def _away(self) -> list[str]:
        """Return the seats that are not ready, a moment after their log-in."""
        await asyncio.sleep(0.5)
        self._board = await look(self._site)
        return [agent["number"] for agent in self._board.status["agents"] if agent["presence"] != "ready"]

    async def _until_ready(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(20):
                while True:
                    self._board = await look(self._site)
                    if all(agent["presence"] == "ready" for agent in self._board.status["agents"]):
                        return
                    await asyncio.sleep(0.2)
        away = [one["name"] for one in self._board.status["agents"] if one["presence"] != "ready"]
        raise LabError(f"these seats could not log in: {', '.join(away)}\n{self._site.log_tail()}")

    # --- the stream

    async def _play(self) -> None:
        tasks = [asyncio.create_task(self._show())]
        if self.options.fault is Fault.DROP:
            tasks.append(asyncio.create_task(self._drop()))
        try:
            await self._calls_come()
            await self._calls_end()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _calls_come(self) -> None:
        options = self.options
        first_at = time.monotonic()
        for visit in stream(options.seed, options.seconds, options.calls_per_s):
            if await self._stopped(first_at + visit.at_s):
                return
            if self._first_call_at is None:
                self._first_call_at = time.monotonic()
            self._visits[visit.number] = visit
            self._company.call(visit)
        if options.seconds is not None:
            await self._stopped(first_at + options.seconds)

    async def _stopped(self, until: float) -> bool:
        """Wait until that instant; return whether the run was told to stop before."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(until - time.monotonic(), 0)):
                await self._stop.wait()
        return self._stop.is_set()

    async def _calls_end(self) -> None:
        self._phase = "收尾 calls end"
        await self._until_silent(self.options.grace_s, self._hurry)
        sent_home = self._company.send_home()
        if sent_home:
            self._event("yellow", f"{sent_home} callers hang up at the end of the demo")
        limit = time.monotonic() + HANG_UP_S
        while self._company.open_calls and time.monotonic() < limit:
            await self._until_silent(1.0)
            self._company.send_home()
        limit = time.monotonic() + SETTLE_S
        while time.monotonic() < limit and self._failure is None:
            with contextlib.suppress(OSError):
                if not (await asyncio.to_thread(self._site.status))["engine"]["calls"]:
                    break
            await asyncio.sleep(0.2)

    async def _until_silent(self, within_s: float, unless: asyncio.Event | None = None) -> None:
        """Wait until no caller is in a call, at most so long; end at once when `unless` is set."""
        limit = time.monotonic() + within_s
        while self._company.open_calls and time.monotonic() < limit:
            if unless is not None and unless.is_set():
                return
            await asyncio.sleep(0.1)

    async def _drop(self) -> None:
        await asyncio.sleep(DROP_FROM_S)
        try:
            number = await drop_one_waiting(self._site.pbx, self._may_drop)
        except LabError as error:
            self._failure = f"DEMO_FAULT=drop: {error}"
            return
        self._is_fault_made = True
        self._event("bold red", f"DEMO_FAULT: caller {number} was hung up inside the PBX")

    def _may_drop(self, number: str) -> bool:
        visit = self._visits.get(number)
        return visit is not None and visit.role is Role.ORDINARY

    # --- the screen

    async def _show(self) -> None:
        if not self._console.is_terminal:
            last_line_at = 0.0
            while True:
                await self._look()
                if time.monotonic() - last_line_at >= LINE_EVERY_S:
                    last_line_at = time.monotonic()
                    self._say(status_line(self._screen()))
                await asyncio.sleep(LOOK_EVERY_S)
        with Live(render(self._screen()), console=self._console, screen=True, auto_refresh=False) as live:
            while True:
                await self._look()
                live.update(render(self._screen()), refresh=True)
                await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self) -> None:
        try:
            board = await look(self._site)
        except OSError:
            process = self._site.process
            if process is None or process.poll() is not None:
                self._failure = f"the service ended by itself\n{self._site.log_tail()}"
                self._stop.set()
                self._hurry.set()
            return
        for style, text in happenings(self._board, board):
            self._event(style, text)
        self._board = board
        if self._on_screen is not None:
            self._on_screen(self._screen())

    def _screen(self) -> Screen:
        elapsed_s = time.monotonic() - self._first_call_at if self._first_call_at is not None else 0.0
        return Screen(
            board=self._board,
            elapsed_s=elapsed_s,
            seconds=self.options.seconds,
            phase=self._phase,
            calling=self._company.open_calls,
            events=tuple(self._events),
            wallboard=self.wallboard,
        )

    def _event(self, style: str, text: str) -> None:
        self._events.append((datetime.now().astimezone().strftime("%H:%M:%S"), style, text))

    # --- the end

    async def _hear(self) -> Evidence:
        await self._site.stop_service()
        await self._company.until_silent(SETTLE_S)
        change_one = self.options.fault is Fault.LEDGER
        return await gather(self._site, self._company.rows(), change_one=change_one)

    async def _tidy(self) -> None:
        await self._company.stop()
        await self._site.stop()

    def _conclude(self, evidence: Evidence | None) -> int:
        facts = self.result = self._facts(evidence)
        if evidence is not None and self.options.keep is not None:
            keep(evidence, self.options.keep)
            self._say(f"phones.jsonl, cel.csv and ledger.jsonl are in {self.options.keep}")
        broken = broken_rules(facts)
        if evidence is not None:
            self._console.print(table(facts, LINE_NAMES))
            broken += [f"difference: {mismatch}" for mismatch in evidence.comparison.mismatches]
            self._show_rows(evidence)
            broken += [f"dropped by the PBX: caller {row['number']}" for row in evidence.lost]
        if self._failure is not None:
            broken.append(self._failure)
        if self.options.fault is Fault.DROP and not self._is_fault_made:
            broken.append("DEMO_FAULT=drop: nobody ever waited, so nobody could be dropped")
        for note in self._company.failures:
            self._say(f"a phone said: {note}")
        for sentence in broken:
            self._say(f"NOT RIGHT: {sentence}")
        sys.stdout.flush()
        sys.stdout.write(json_line(facts) + "\n")
        sys.stdout.flush()
        return 1 if broken else 0

    def _show_rows(self, evidence: Evidence) -> None:
        """Print what both witnesses have of each call on which they differ: after the run nobody can look any more."""
        for call in {mismatch.call for mismatch in evidence.comparison.mismatches}:
            for row in evidence.calls:
                if row["uniqueid"] == call.uniqueid:
                    self._say(f"ledger: {row}")
            for line in evidence.cel.splitlines():
                if f'"{call.uniqueid}"' in line:
                    self._say(f"CEL: {line}")

    def _facts(self, evidence: Evidence | None) -> Facts:
        dialled = sum(call.started_at > 0 for call in self._company.calls)
        is_whole = not self._interrupts
        lines, seconds = tuple(DIDS), self.options.seconds
        if evidence is None:
            return Facts((), 0, 0, 0, 0, 0, dialled, lines, is_whole, seconds)
        return Facts(
            calls=evidence.calls,
            ronas=evidence.ronas,
            hand_overs=evidence.hand_overs,
            lost=len(evidence.lost),
            mismatches=evidence.comparison.ledger_mismatches,
            open=evidence.comparison.open,
            dialled=dialled,
            lines=lines,
            is_whole=is_whole,
            seconds=seconds,
        )

    # --- signals

    def _on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._interrupted)

    def _interrupted(self) -> None:
        """First: no more calls. Second: no grace either. Before the first call: at once."""
        self._interrupts += 1
        if self._first_call_at is None and self._main is not None:
            if self._interrupts == 1:
                self._main.cancel()
            return
        self._stop.set()
        if self._interrupts > 1:
            self._hurry.set()

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

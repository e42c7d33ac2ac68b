"""One scrape of a province: 3,115 agents, 10 lines, 148 specialists, over HTTP on loopback. Garbage collection stays on.

The floor is the engine's own: everybody logged in, most talk, some callers wait in each line; everything that it told went through the
exporter. A reader in a second process asks `/metrics` as Prometheus does, one connection, one request after the other; every
answer must have every series. `ms` is the median of the whole request at the reader; `freeze_ms` how long one scrape holds the
service's loop (median and longest), `loop_late_p90_ms` how late that loop is while it is asked without a pause; `observe_us` what the
exporter costs for each step of the engine, on the routing path.
"""

import asyncio
import gc
import json
import random
import sys
from time import perf_counter
from typing import Any

from acd.commands import OfferCall
from acd.engine import Engine, Step
from acd.events import (
    AgentLoggedIn,
    CallArrived,
    CallerGone,
    Event,
    OfferAnswered,
    OfferConnecting,
    SnapshotDone,
    TalkEnded,
)
from acd.names import CallId, EndedBy
from acd.plan import AgentSpec, Line, Plan, SpecialistSpec
from acd.records import Ignored, Noted
from agents.skills import parse_need
from callcenter.bench.errors import BenchWrong
from callcenter.board.fanout import Fanout
from callcenter.gauges import with_engine
from callcenter.http.app import create_app
from callcenter.http.port import HandPort
from callcenter.http.server import serving
from config.plan import PlanFile
from metrics.exporter import Exporter, Frozen
from metrics.floor import Floor
from metrics.report_windows import ReportWindows, edges_at
from metrics.series import SERIES

AGENTS, WAITING, LINES, SPECIALISTS, SCRAPES = 3_115, 1_500, 10, 148, 200
T0 = 1_600_000_000.0
READER = """
import http.client, json, sys, time
port, scrapes = int(sys.argv[1]), int(sys.argv[2])
connection = http.client.HTTPConnection("127.0.0.1", port)
took = []
for _ in range(scrapes):
    began = time.perf_counter()
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    text = answer.read().decode()
    took.append(time.perf_counter() - began)
    assert answer.status == 200, text[:200]
print(json.dumps({"took_s": took, "text": text}))
"""


def plan_of() -> Plan:
    """Return a province's plan: agents with one to three of ten skills, each skill a line's need."""
    draw = random.Random(20)
    skills = [f"skill{n}" for n in range(LINES)]
    lines = {
        f"line{n}": Line(f"line{n}", "", "", (f"7{n}",), parse_need(skill), wrapup_s=0.0)
        for n, skill in enumerate(skills)
    }
    agents = {
        str(10_000 + n): AgentSpec(str(10_000 + n), "", dict.fromkeys(draw.sample(skills, draw.randint(1, 3)), 1), "")
        for n in range(AGENTS)
    }
    topics = {f"{n:02}": f"topic {n}" for n in range(12)}
    specialists = tuple(SpecialistSpec(str(800 + n), "", (f"{n % 12:02}",)) for n in range(SPECIALISTS))
    reasons = {"1": "break", "2": "training", "3": "meeting"}
    return Plan(
        lines, "line0", agents, specialists=specialists, topics=topics, not_ready_reasons=reasons, version="bench"
    )


class Province:
    """The service as HTTP sees it, with a busy floor behind."""

    instance = "bench"

    def __init__(self) -> None:
        self.in_force = plan_of()
        self.engine = Engine(self.in_force, 1)
        self.now = T0
        self.exporter = Exporter(self.floor, "bench", report=lambda: self.report.frozen(self.in_force.lines))
        self.exporter.staff(self.in_force)
        self.board = Fanout(lambda: b"")
        self.report = ReportWindows(edges=edges_at(int(T0 * 1000), int(T0 * 1000)))
        self.observed_s: list[float] = []
        """For each step of the engine: the exporter's time."""
        self.froze_s: list[float] = []
        self.late_s: list[float] = []
        self._talks: list[tuple[CallId, str]] = []
        self._work()

    def floor(self) -> Floor:
        pair = [("pbx", name) for name in ("actions", "events")]
        seen = Floor(
            links=dict.fromkeys(pair, True),
            link_s=dict.fromkeys(pair, 9.5),
            event_lag_s={"pbx": 0.001},
            at_ms=self.ms,
            is_state_shared=True,
        )
        return with_engine(seen, self.in_force, self.engine, self.now)

    @property
    def ms(self) -> int:
        return round(self.now * 1000)

    def _work(self) -> None:
        """Everybody logs in and is given a call; `WAITING` more wait, of whom the ends of 600 talks let as many be answered, and a
        third of the others give up."""
        self._tell(SnapshotDone("pbx", self.ms))
        for agent in self.in_force.agents:
            self._tell(AgentLoggedIn(agent, f"p{agent}", self.ms))
        for number in range(AGENTS + WAITING):
            self.now += 0.01
            self._tell(CallArrived(CallId("pbx", str(number)), self.ms, f"7{number % LINES}"))
        for call, offer in self._talks[:600]:
            self.now += 0.01
            self._tell(TalkEnded(call, offer, self.ms))
            self._tell(CallerGone(call, self.ms, EndedBy.CALLER))
        self.exporter.observe([Noted(self.ms, f"note_{n}", "") for n in range(10)])
        self.exporter.observe([Ignored(self.ms, "CallerGone", f"reason {n}") for n in range(30)])
        gone = [call for call, known in self.engine.calls.items() if not known.is_answered][::3]
        for call in gone:
            self._tell(CallerGone(call, self.ms, EndedBy.CALLER))
        for number in range(1_000):
            values, longest = [1 for _ in self.report.totals], [1 for _ in self.report.maxima]
            self.report.add(f"line{number % LINES}", int(T0 * 1000) + number, values, longest)

    def _tell(self, event: Event) -> None:
        self._take(self.engine.advance(self.now))
        self._take(self.engine.handle(event, self.now))

    def _take(self, step: Step) -> None:
        began = perf_counter()
        self.exporter.observe(step.records)
        self.observed_s.append(perf_counter() - began)
        self.exporter.decided(25e-6)
        self.exporter.wish_taken(4e-3)
        for command in step.commands:
            if isinstance(command, OfferCall):
                self._tell(OfferConnecting(command.call, command.offer, self.ms))
                self._tell(OfferAnswered(command.call, command.offer, self.ms))
                self._talks.append((command.call, command.offer))

    async def tick(self) -> None:
        """Note how late the loop wakes whom it should wake each millisecond."""
        while True:
            due = perf_counter() + 0.001
            await asyncio.sleep(0.001)
            self.late_s.append(perf_counter() - due)

    # --- ServicePort

    def freeze(self) -> Frozen:
        began = perf_counter()
        frozen = self.exporter.freeze()
        self.froze_s.append(perf_counter() - began)
        return frozen

    def status(self) -> dict[str, object]:
        return {}

    def ready(self) -> tuple[bool, dict[str, object]]:
        return True, {}

    def plan(self) -> Plan:
        return self.in_force

    def plan_changes(self, new: PlanFile) -> list[str]:
        return []

    async def reload_plan(self) -> list[str]:
        return []

    @property
    def hand(self) -> HandPort:
        raise BenchWrong("nobody orders anything here")


async def _scraped(province: Province) -> dict[str, Any]:
    app = create_app(province, lambda token, audience: None)
    async with serving(app, "127.0.0.1", 0) as port:
        ticker = asyncio.create_task(province.tick())
        arguments = (sys.executable, "-c", READER, str(port), str(SCRAPES))
        reader = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
        told, _ = await reader.communicate()
        ticker.cancel()
    if reader.returncode:
        raise BenchWrong("the reader did not get its answers")
    found: dict[str, Any] = json.loads(told)
    return found


def run() -> dict[str, Any]:
    """Return milliseconds of the median scrape and its number of samples; and what it costs the service's loop."""
    province = Province()
    gc.collect()
    gc.freeze()  # as the service does when it has started
    found = asyncio.run(_scraped(province))
    lines = [line for line in found["text"].splitlines() if line and not line.startswith("#")]
    shown = {line.split("{")[0].split(" ")[0] for line in lines}
    missing = [name for name in SERIES if not any(one.startswith(name) for one in shown)]
    if missing:
        raise BenchWrong(f"no sample of {', '.join(missing)}")
    return {
        "name": "exposition",
        "ms": round(sorted(found["took_s"])[SCRAPES // 2] * 1e3, 2),
        "samples": len(lines),
        "p99_ms": round(sorted(found["took_s"])[int(SCRAPES * 0.99)] * 1e3, 2),
        "kilobytes": round(len(found["text"]) / 1e3, 1),
        "loop_late_p90_ms": round(sorted(province.late_s)[int(len(province.late_s) * 0.9)] * 1e3, 2),
        "freeze_ms": round(sorted(province.froze_s)[len(province.froze_s) // 2] * 1e3, 3),
        "freeze_max_ms": round(max(province.froze_s) * 1e3, 3),
        "observe_us": round(sum(province.observed_s) / len(province.observed_s) * 1e6, 1),
    }

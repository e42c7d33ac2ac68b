"""The supervisor's hand over HTTP, on a real engine: names, who and why, refusals, and what hostile hands may send."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from acd import events as e
from acd.engine import _HANDLERS
from acd.names import Act, LineState
from acd.plan import Exit, Plan
from acd.records import Ignored, SupervisorActed
from agents.presence import Presence
from callcenter.board.fanout import Fanout
from callcenter.hand import KEPT, By, Hand, Refused
from callcenter.http.app import create_app
from callcenter.http.hand import MAX_BYTES, MAX_WHO, MAX_WHY
from callcenter.http.port import HandPort
from callcenter.http.tokens import Audience, TokenStore, write_local_token
from callcenter.storage.live_state import MemoryLiveState
from config.plan import PlanFile
from metrics.exporter import Frozen
from tests.scenarios.world import PLAN, line, plan_of, seat
from tests.unit.test_driver import CALL, Floor

LINES = [
    replace(line("general", "general", "12345"), name="通用"),
    line("enterprise", "enterprise", "12346"),
    replace(line("night", "night"), name="夜间"),
    replace(line("night2", "night"), name="同名", name_en="twin"),
    replace(line("night3", "night"), name="同名", name_en="twin"),
]
SEATS = [
    replace(seat("1001", general=1), name="王芳"),
    replace(seat("1002", general=1), name="李强"),
    replace(seat("1003", enterprise=1), name="李强"),
]
REASONS = {"1": "break", "2": "training"}


class Service:
    """As much of a service as HTTP needs for orders: a real driver and engine, no PBX."""

    instance = "office-1"

    def __init__(self, folder: Path, kept: MemoryLiveState | None = None, *, leads: bool = True) -> None:
        self.in_force = plan_of(LINES, SEATS, not_ready_reasons=REASONS, outbound_deny=("00",))
        self.floor = Floor(self.in_force)
        self.kept = kept or MemoryLiveState()
        driver = self.floor.driver
        self.own_hand = Hand(self.plan, lambda: driver.engine, driver.order, lambda: self.floor.now, self.kept)
        if leads:
            driver.claimed("pbx1", 9)
            for known in self.own_hand.restored():
                driver.tell(known)
            self.floor.up().seat("1001", "d1").seat("1003", "d3")
        self.tokens = TokenStore(folder)
        self.local = write_local_token(folder)
        self.board = Fanout(lambda: b"")

    @property
    def hand(self) -> HandPort:
        return self.own_hand

    def plan(self) -> Plan:
        return self.in_force

    def status(self) -> dict[str, object]:
        return {}

    def ready(self) -> tuple[bool, dict[str, object]]:
        return True, {}

    def plan_changes(self, new: PlanFile) -> list[str]:
        return []

    async def reload_plan(self) -> list[str]:
        return []

    def freeze(self) -> Frozen:
        raise AssertionError("nobody scrapes here")

    def acted(self) -> list[SupervisorActed]:
        return [one for one in self.floor.told.log if isinstance(one, SupervisorActed)]

    def presence(self, agent: str) -> Presence:
        assert self.floor.driver.engine is not None
        return next(one.presence for one in self.floor.driver.engine.agents if one.number == agent)


class Desk:
    """A supervisor's client."""

    def __init__(self, service: Service, client: httpx.AsyncClient) -> None:
        self.service = service
        self.client = client

    async def order(
        self, what: str, body: dict[str, Any] | bytes, token: str | None = None, user: str | None = None
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.service.local if token is None else token}"}
        if user is not None:
            headers["X-Callcenter-User"] = quote(user)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.client.post(f"/hand/{what}", headers=headers, content=content)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    service = Service(tmp_path)
    transport = httpx.ASGITransport(create_app(service, service.tokens.owner_of), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield Desk(service, client)


# what is done ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["1001", "王芳"])
async def test_supervisor_names_an_agent_by_number_or_name_he_is_not_ready(desk: Desk, name: str) -> None:
    answer = await desk.order("agent", {"agent": name, "order": "not-ready", "reason": "training", "why": "新政策"})

    assert (answer.status_code, answer.json()) == (200, {"done": "agent 1001 (王芳): not_ready (training)"})
    assert desk.service.presence("1001") is Presence.NOT_READY
    (acted,) = desk.service.acted()
    assert (acted.act, acted.subject, acted.to, acted.why) == (Act.AGENT_NOT_READY, "1001", "training", "新政策")


async def test_supervisor_orders_an_agent_who_talks_he_is_told_when_it_takes_effect(desk: Desk) -> None:
    desk.service.floor.arrive()
    engine = desk.service.floor.driver.engine
    assert engine is not None
    offer = next(iter(engine.calls[CALL].offers))
    desk.service.floor.driver.told(e.OfferAnswered(CALL, offer, engine.calls[CALL].last_ms))

    answer = await desk.order("agent", {"agent": "1001", "order": "logout"})

    assert answer.json()["done"] == "agent 1001 (王芳): talking; logout after his call and wrap-up"


@pytest.mark.parametrize(
    ("body", "done", "kept"),
    [
        ({"line": "general", "order": "drain"}, "line general: drained", True),
        ({"line": "general", "order": "emergency", "to": "night"}, "line general: emergency to night", True),
        ({"line": "通用", "order": "emergency", "to": "夜间"}, "line general: emergency to night", True),
        ({"line": "general", "order": "emergency", "to": "02512345"}, "line general: emergency to 02512345", True),
        ({"line": "general", "order": "emergency", "to": "voicemail:100"}, "general: emergency to voicemail:100", True),
        ({"line": "general", "order": "open"}, "line general: open, as the plan says", False),
    ],
)
async def test_supervisor_speaks_of_a_line_it_holds_and_is_kept(
    desk: Desk, body: dict[str, str], done: str, kept: bool
) -> None:
    answer = await desk.order("line", body)

    assert answer.status_code == 200
    assert answer.json()["done"].endswith(done)
    assert (KEPT + "general" in desk.service.kept.values(KEPT)) is kept


async def test_service_starts_again_the_lines_order_holds_and_is_not_recorded_twice(desk: Desk, tmp_path: Path) -> None:
    await desk.order("line", {"line": "general", "order": "emergency", "to": "night"})

    again = Service(tmp_path, desk.service.kept)

    engine = again.floor.driver.engine
    assert engine is not None
    order = engine.line_orders()["general"]
    assert (order.state, order.to) == (LineState.EMERGENCY, Exit(line="night"))
    assert again.hand.calls() == {"calls": [], "living": 0}
    assert again.own_hand.lines() == {"general": "emergency to night"}
    assert again.acted() == []


async def test_service_starts_again_an_order_it_cannot_read_is_left_out(tmp_path: Path) -> None:
    kept = MemoryLiveState()
    kept.put(KEPT + "general", "{")

    assert list(Service(tmp_path, kept).own_hand.restored()) == []


async def test_supervisor_lists_and_moves_a_caller(desk: Desk) -> None:
    desk.service.floor.driver.told(e.AgentLoggedOut("1001", desk.service.own_hand._now_ms()))
    desk.service.floor.arrive("138\r\n0001")
    desk.service.floor.now += 30

    headers = {"Authorization": f"Bearer {desk.service.local}"}
    shown = (await desk.client.get("/hand/calls", headers=headers)).json()["calls"]
    answer = await desk.order("call", {"call": str(CALL), "to": "1003", "why": "asked"})
    ringing = (await desk.client.get("/hand/calls", headers=headers)).json()["calls"]

    row = {"id": CALL.uniqueid, "pbx": CALL.pbx, "line": "general", "caller": "138 0001", "place": "waiting"}
    assert shown == [row | {"waited_s": 30.0, "agents": []}]
    assert answer.json() == {"done": f"call {CALL}: to agent 1003"}
    assert ringing == [row | {"waited_s": 30.0, "place": "ringing", "agents": ["1003"]}]


# who and why -----------------------------------------------------------------------------------------------------------


async def test_supervisor_of_this_host_is_named_by_his_user_and_one_line_of_text(desk: Desk) -> None:
    body = {"agent": "1001", "order": "ready", "why": "a\r\nActionID: x\x00\x1b[31m\u202e b" + "w" * 999}
    await desk.order("agent", body, user="李\r\nx" + "y" * 99)
    await desk.order("agent", {"agent": "1001", "order": "ready"})

    first, second = desk.service.acted()
    assert first.who == ("local:李 x" + "y" * 99)[: len("local:") + MAX_WHO]
    assert first.why == ("a ActionID: x [31m b" + "w" * 999)[:MAX_WHY]
    assert (second.who, second.why) == ("local:unknown", "")


async def test_supervisor_of_another_machine_is_named_by_his_token_whatever_he_says(desk: Desk) -> None:
    entry, token = desk.service.tokens.create(Audience.API, "2026-01-01T00:00:00Z")

    await desk.order("agent", {"agent": "1001", "order": "ready"}, token, user="root")

    assert [one.who for one in desk.service.acted()] == [entry.token_id]


# what is not done ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "body", "status", "says"),
    [
        ("agent", {"agent": "9999", "order": "ready"}, 404, "the plan has no agent '9999'"),
        ("agent", {"agent": "李强", "order": "ready"}, 409, "'李强' is not unique: 1002, 1003"),
        ("agent", {"agent": "1002", "order": "ready"}, 409, "agent 1002: not logged in"),
        ("agent", {"agent": "1001", "order": "not-ready", "reason": "lunch"}, 404, "no reason 'lunch': it has break"),
        ("agent", {"agent": "1001", "order": "ready", "reason": "break"}, 409, "a reason belongs to not-ready"),
        ("line", {"line": "nowhere", "order": "drain"}, 404, "the plan has no line 'nowhere'"),
        ("line", {"line": "general", "order": "emergency"}, 409, "an emergency needs a place to go to: --to"),
        ("line", {"line": "general", "order": "drain", "to": "night"}, 409, "drain goes nowhere"),
        ("line", {"line": "general", "order": "emergency", "to": "general"}, 409, "callers would go in a circle"),
        ("line", {"line": "general", "order": "emergency", "to": "0044123"}, 409, "outbound_deny"),
        ("line", {"line": "general", "order": "emergency", "to": "1" * 33}, 404, "no line of the plan, no outside"),
        ("line", {"line": "general", "order": "emergency", "to": "１２"}, 404, "no line of the plan"),
        ("line", {"line": "general", "order": "emergency", "to": "voicemail:x"}, 404, "no line of the plan"),
        ("line", {"line": "同名", "order": "drain"}, 409, "'同名' is not unique: night2, night3"),
        ("line", {"line": "general", "order": "emergency", "to": "twin"}, 409, "'twin' is not unique"),
        ("call", {"call": "c1", "to": "twin"}, 409, "'twin' is not unique"),
        ("call", {"call": "1.1", "to": "night"}, 404, "no call '1.1' lives"),
        ("call", {"call": "c1", "to": "nobody"}, 404, "the plan has no line or agent 'nobody'"),
        ("call", {"call": "c1", "to": "1002"}, 409, "pbx1/c1: the agent is not logged in"),
        ("call", {"call": "pbx1/c1", "to": "general"}, 409, "this caller is in that line already"),
    ],
)
async def test_supervisor_orders_what_cannot_be_he_hears_why_and_nothing_happens(
    desk: Desk, what: str, body: dict[str, str], status: int, says: str
) -> None:
    desk.service.floor.driver.told(
        e.AgentLoggedOut("1001", desk.service.own_hand._now_ms())
    ) if what == "call" else None
    desk.service.floor.arrive()

    answer = await desk.order(what, body)

    assert (answer.status_code, answer.json()["problems"]) == (status, [])
    assert says in answer.json()["error"]
    assert desk.service.acted() == []
    assert not desk.service.kept.values(KEPT)


async def test_supervisor_moves_a_caller_for_whom_a_phone_rings_is_told_to_wait(desk: Desk) -> None:
    desk.service.floor.arrive()

    answer = await desk.order("call", {"call": "c1", "to": "night"})

    assert answer.status_code == 409
    assert "a phone is ringing for this caller: try again when the offer has ended" in answer.json()["error"]
    ignored = [one for one in desk.service.floor.told.log if isinstance(one, Ignored)]
    assert [one.event for one in ignored] == ["CallMoved"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 422, "the order is not JSON"),
        (b"\xff\xfe", 422, "the order is not JSON"),
        (b"[" * 9000, 422, "the order is not JSON"),
        (b"[]", 422, "order: "),
        (b"9" * 5000, 422, "the order is not JSON"),
        (b'{"agent": 1001, "order": "ready"}', 422, "agent: "),
        (b'{"agent": ["1001"], "order": "ready"}', 422, "agent: "),
        (b'{"agent": "1001", "order": "dance"}', 422, "order: "),
        (b'{"agent": "1001", "order": "ready", "who": "me"}', 422, "who: "),
        (b'{"agent": "", "order": "ready"}', 422, "agent: "),
        (json.dumps({"agent": "x" * 161, "order": "ready"}).encode(), 422, "agent: "),
        (json.dumps({"agent": "1001", "order": "ready", "x\r\n\x1b" + "k" * 99: 1}).encode(), 422, "x kkkk"),
        (b'{"agent": "1001", "order": "ready", "why": "\\ud800"}', 422, "why: "),
        (b'{"agent": "1001", "order": "ready", "why": "' + b"w" * 1_000_000 + b'"}', 413, str(MAX_BYTES)),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_stranger_posts_what_is_no_order_gets_a_clear_error_and_nothing_happens(
    desk: Desk, body: bytes, status: int, says: str
) -> None:
    answer = await desk.order("agent", body)

    assert answer.status_code == status
    told = answer.json()
    assert says in told["error"] + " ".join(told["problems"])
    assert len(answer.content) < 2000 and "\x1b" not in answer.text
    assert desk.service.acted() == []


@pytest.mark.parametrize(("what", "method"), [("agent", "POST"), ("line", "POST"), ("call", "POST"), ("calls", "GET")])
@pytest.mark.parametrize("token", ["", "wrong", "board"])
async def test_stranger_without_a_token_for_changing_is_refused(desk: Desk, what: str, method: str, token: str) -> None:
    if token == "board":
        _, token = desk.service.tokens.create(Audience.BOARD, "2026-01-01T00:00:00Z")

    answer = await desk.client.request(
        method, f"/hand/{what}", headers={"Authorization": f"Bearer {token}"}, content="{}"
    )

    assert answer.status_code == 401
    assert desk.service.acted() == []


async def test_supervisor_orders_and_our_own_code_fails_he_sees_no_trace_and_calls_go_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError("inside")

    monkeypatch.setitem(_HANDLERS, e.AgentOrdered, fails)  # type: ignore[arg-type]  # handlers are typed by their event

    answer = await desk.order("agent", {"agent": "1001", "order": "ready"})

    assert answer.status_code == 500
    assert answer.json()["error"] == "internal error: the service's log says more"
    desk.service.floor.arrive()
    assert desk.service.presence("1001") is Presence.RINGING


async def test_supervisor_orders_while_nobody_leads_is_told_so(tmp_path: Path) -> None:
    service = Service(tmp_path, leads=False)

    with pytest.raises(Refused, match="distributes no calls now") as refused:
        service.hand.agent("1001", "ready", "", By("local:li"))

    assert refused.value.status == 503
    assert PLAN is not service.plan()

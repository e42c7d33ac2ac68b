"""The supervisor's commands: what they send, what they print, how they end."""

from collections.abc import Mapping
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from callcenter.__main__ import app
from callcenter.service_client import ServiceClient, ServiceError

ROW = {"pbx": "pbx1", "line": "general", "waited_s": 31.6}


class Wire:
    """What would go to the service, and what it would answer."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Mapping[str, str], str]] = []
        self.refusal: ServiceError | None = None
        self.page: dict[str, Any] = {"calls": [], "living": 0}

    def order(self, _: ServiceClient, path: str, values: Mapping[str, str], user: str) -> dict[str, Any]:
        if self.refusal is not None:
            raise self.refusal
        self.sent.append((path, values, user))
        return {"done": "so be it"}

    def guarded(self, _: ServiceClient, path: str) -> dict[str, Any]:
        assert path == "/hand/calls"
        return self.page


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire()
    monkeypatch.setattr(ServiceClient, "order", lambda *args: wire.order(*args))
    monkeypatch.setattr(ServiceClient, "guarded", lambda *args: wire.guarded(*args))
    monkeypatch.setattr("getpass.getuser", lambda: "李 四")
    return wire


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.mark.parametrize(
    ("words", "path", "values"),
    [
        (
            ("agent", "王芳", "not-ready", "--reason", "training", "--why", "新政策"),
            "/hand/agent",
            {"agent": "王芳", "order": "not-ready", "reason": "training", "why": "新政策"},
        ),
        (("agent", "1001", "ready"), "/hand/agent", {"agent": "1001", "order": "ready", "reason": "", "why": ""}),
        (
            ("line", "general", "emergency", "--to", "voicemail:100"),
            "/hand/line",
            {"line": "general", "order": "emergency", "to": "voicemail:100", "why": ""},
        ),
        (
            ("call", "pbx1/7.1", "move", "--to", "1001", "--why", "x"),
            "/hand/call",
            {"call": "pbx1/7.1", "to": "1001", "why": "x"},
        ),
    ],
)
def test_supervisor_orders_it_goes_to_the_service_with_his_name(
    wire: Wire, words: tuple[str, ...], path: str, values: dict[str, str]
) -> None:
    done = run(*words)

    assert (done.exit_code, done.stdout) == (0, "so be it\n")
    assert wire.sent == [(path, values, "%E6%9D%8E%20%E5%9B%9B")]


@pytest.mark.parametrize(
    ("refusal", "code"), [(ServiceError("not now"), 1), (ServiceError("wrong", ("agent: too long",)), 2)]
)
def test_supervisor_is_refused_he_reads_why(wire: Wire, refusal: ServiceError, code: int) -> None:
    wire.refusal = refusal

    done = run("agent", "1001", "ready")

    assert (done.exit_code, done.stdout) == (code, "")
    assert done.stderr.splitlines() == [str(refusal), *refusal.problems]


def test_supervisor_lists_the_calls_and_hears_of_those_who_are_not_shown(wire: Wire) -> None:
    waits = ROW | {"id": "7.1", "caller": "", "place": "waiting", "agents": []}
    talks = ROW | {"id": "7.12", "caller": "13800000001", "place": "talking", "agents": ["1001", "701"]}
    wire.page = {"calls": [waits, talks], "living": 5}

    done = run("call", "list")

    assert done.stdout.splitlines() == [
        "id         line     caller       place    waited  agent",
        "pbx1/7.1   general  -            waiting  32 s    -",
        "pbx1/7.12  general  13800000001  talking  32 s    1001, 701",
        "and 3 more, who wait less long or talk",
    ]


@pytest.mark.parametrize("words", [("call", "7.1"), ("call", "7.1", "move"), ("agent", "1001", "dance"), ("line", "x")])
def test_supervisor_types_half_an_order_nothing_is_sent(wire: Wire, words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2
    assert wire.sent == []

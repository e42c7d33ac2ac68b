"""HTTP: what each path answers, who may change things, and that nothing of our inside leaks."""

import asyncio
import json
import multiprocessing
import stat
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

from acd.plan import Plan
from callcenter.board.fanout import Fanout
from callcenter.http.app import MAX_PLAN_BYTES, create_app
from callcenter.http.port import HandPort
from callcenter.http.server import HttpAddressError, bind, serving
from callcenter.http.tokens import Audience, TokenStore, TokenStoreError, read_local_token, write_local_token
from config.errors import PlanError
from config.plan import PlanFile, parse_plan
from config.plan_diff import plan_diff
from metrics.exporter import Exporter, Frozen
from metrics.floor import Floor
from metrics.series import SERIES
from tests.unit.test_plan import GOOD


class ServiceInMemory:
    """A service that does as it is told."""

    instance = "office-1"

    def __init__(self) -> None:
        self.conditions: dict[str, object] = {"leader": True, "links": True, "snapshot": True, "ledger": True}
        self.in_force = parse_plan(GOOD)
        self.refusal: Exception | None = None
        self.reloads = 0
        self.exporter = Exporter(lambda: Floor(waiting={"general": 3}), version="1")
        self.board = Fanout(lambda: b"")

    def status(self) -> dict[str, object]:
        return {"leader": True, "epoch": 7}

    def ready(self) -> tuple[bool, dict[str, object]]:
        return all(self.conditions.values()), self.conditions

    def plan(self) -> Plan:
        return self.in_force.plan

    def plan_changes(self, new: PlanFile) -> list[str]:
        return plan_diff(self.in_force, new)

    async def reload_plan(self) -> list[str]:
        if self.refusal is not None:
            raise self.refusal
        self.reloads += 1
        return ["agent 1002 (Li) is added"]

    @property
    def hand(self) -> HandPort:
        raise AssertionError("no test here orders anything")

    def freeze(self) -> Frozen:
        return self.exporter.freeze()


TOKEN = "right"
ALLOWED = {"Authorization": f"Bearer {TOKEN}"}


def owner_of(token: str, audience: Audience) -> str | None:
    return "1a2b3c4d" if token == TOKEN and audience is Audience.API else None


@asynccontextmanager
async def _client(service: ServiceInMemory) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(service, owner_of), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


def client_of(service: ServiceInMemory) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    return _client(service)


async def test_prometheus_scrapes_gets_ours_and_the_process_figures() -> None:
    async with client_of(ServiceInMemory()) as client:
        answer = await client.get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'callcenter_calls_waiting{line="general"} 3.0' in answer.text
    assert "python_info" in answer.text


async def test_prometheus_asks_for_openmetrics_gets_it_with_its_own_content_type() -> None:
    accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"
    async with client_of(ServiceInMemory()) as client:
        answer = await client.get("/metrics", headers={"Accept": accept})

    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")
    assert 'callcenter_calls_waiting{line="general"} 3.0' in answer.text
    names = {family.name for family in openmetrics(answer.text)}
    assert {name.removesuffix("_total") for name in SERIES} <= names


@pytest.mark.parametrize("version", ["abc", "1.x", "", "-1", "1" * 5000])
async def test_scraper_asks_for_a_version_that_is_none_gets_a_text_that_can_be_read(version: str) -> None:
    async with client_of(ServiceInMemory()) as client:
        answer = await client.get("/metrics", headers={"Accept": f"application/openmetrics-text;version={version}"})

    assert answer.status_code == 200
    assert 'callcenter_calls_waiting{line="general"} 3.0' in answer.text


async def test_supervisor_asks_health_service_lives() -> None:
    async with client_of(ServiceInMemory()) as client:
        assert (await client.get("/healthz")).json() == {"alive": True}


@pytest.mark.parametrize("missing", ["leader", "links", "snapshot", "ledger"])
async def test_balancer_asks_ready_one_condition_fails_503_says_which(missing: str) -> None:
    service = ServiceInMemory()
    service.conditions[missing] = False
    async with client_of(service) as client:
        answer = await client.get("/readyz")

    assert answer.status_code == 503
    assert [name for name, holds in answer.json().items() if not holds] == ["ready", missing]


async def test_balancer_asks_ready_all_holds_200() -> None:
    async with client_of(ServiceInMemory()) as client:
        assert (await client.get("/readyz")).status_code == 200


@pytest.mark.parametrize(("is_sound", "status"), [(True, 200), (False, 503)])
async def test_stand_by_is_asked_it_is_not_ready_and_well_only_for_who_asks_for_a_stand_by(
    is_sound: bool, status: int
) -> None:
    service = ServiceInMemory()
    service.conditions = {"leader": "standing by: a-1 leads (epoch 7)", "stand_by": is_sound, "snapshot": False}
    async with client_of(service) as client:
        plain, patient = await client.get("/readyz"), await client.get("/readyz?stand_by=ok")
        assert (plain.status_code, patient.status_code) == (503, status)
        assert plain.json()["leader"].startswith("standing by") and plain.json()["ready"] is False
        service.conditions = {"leader": False, "snapshot": False}
        assert (await client.get("/readyz?stand_by=ok")).status_code == 503


async def test_operator_asks_status_and_plan_gets_json() -> None:
    service = ServiceInMemory()
    async with client_of(service) as client:
        assert (await client.get("/status")).json() == {"leader": True, "epoch": 7}
        assert (await client.get("/plan")).json() == {"version": service.plan().version, "lines": 2, "agents": 1}


@pytest.mark.parametrize("path", ["/plan/reload", "/plan/diff"])
@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer", "Basic right", "right"])
async def test_stranger_posts_without_right_token_is_refused_and_nothing_happens(path: str, header: str | None) -> None:
    service = ServiceInMemory()
    async with client_of(service) as client:
        answer = await client.post(path, headers={"Authorization": header} if header else {}, content=GOOD)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "token" in answer.json()["error"]
    assert service.reloads == 0


async def test_operator_reloads_gets_the_changes_in_words() -> None:
    service = ServiceInMemory()
    async with client_of(service) as client:
        answer = await client.post("/plan/reload", headers=ALLOWED)

    assert (answer.status_code, answer.json()["changes"]) == (200, ["agent 1002 (Li) is added"])
    assert service.reloads == 1


async def test_operator_reloads_wrong_plan_gets_every_problem() -> None:
    service = ServiceInMemory()
    service.refusal = PlanError("plan.toml:3: a", "plan.toml:9: b")
    async with client_of(service) as client:
        answer = await client.post("/plan/reload", headers=ALLOWED)

    assert answer.status_code == 422
    assert answer.json()["problems"] == ["plan.toml:3: a", "plan.toml:9: b"]


async def test_service_fails_inside_client_sees_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    service = ServiceInMemory()
    service.refusal = RuntimeError("postgresql://u:password@db")
    async with client_of(service) as client:
        answer = await client.post("/plan/reload", headers=ALLOWED)

    assert answer.status_code == 500
    assert answer.json() == {"error": "internal error: the service's log says more", "problems": []}
    assert "RuntimeError" in caplog.text


async def test_operator_asks_what_a_file_would_change_is_told() -> None:
    async with client_of(ServiceInMemory()) as client:
        answer = await client.post("/plan/diff", headers=ALLOWED, content=GOOD.replace('"Wang"', '"Wu"'))

    assert answer.json()["changes"] == ["agent 1001: name Wang becomes Wu"]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"\xff", 422), (b"x = ", 422), (b"#" * (MAX_PLAN_BYTES + 1), 413)],
    ids=["bytes", "toml", "big"],
)
async def test_operator_sends_no_plan_is_told_in_json(body: bytes, status: int) -> None:
    async with client_of(ServiceInMemory()) as client:
        answer = await client.post("/plan/diff", headers=ALLOWED, content=body)

    assert answer.status_code == status
    assert answer.json()["error"]


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nix", 404), ("GET", "/plan/reload", 405)])
async def test_client_errs_gets_json(method: str, path: str, status: int) -> None:
    async with client_of(ServiceInMemory()) as client:
        answer = await client.request(method, path)

    assert answer.status_code == status
    assert answer.json()["problems"] == []


async def test_service_serves_on_a_real_socket_and_ends_cleanly() -> None:
    async with serving(create_app(ServiceInMemory(), owner_of), "127.0.0.1", 0) as port:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://127.0.0.1:{port}/readyz")

    assert answer.json()["ready"] is True
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_service_finds_port_in_use_says_what_to_do() -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(HttpAddressError, match=f"127.0.0.1:{port}: the port is in use.*CALLCENTER_HTTP_PORT"):
            async with serving(create_app(ServiceInMemory(), owner_of), "127.0.0.1", port):
                pass


@pytest.mark.parametrize("host", ["a..b", "x" * 70 + ".example", "no.such.host.invalid"])
async def test_host_is_none_says_which_setting_to_correct(host: str) -> None:
    with pytest.raises(HttpAddressError, match="correct CALLCENTER_HTTP_HOST"):
        bind(host, 0)


# tokens ----------------------------------------------------------------------------------------------------------------


def test_operator_creates_token_only_its_hash_is_stored_for_his_eyes(tmp_path: Path) -> None:
    store = TokenStore(tmp_path)

    entry, token = store.create(Audience.API, "2026-01-01T00:00:00Z")

    stored = tmp_path / "tokens.json"
    assert token not in stored.read_text()
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert list(json.loads(stored.read_text())) == [entry.token_id]
    assert store.entries() == [entry]
    assert store.is_valid(token, Audience.API)
    assert not store.is_valid(token + "x", Audience.API)


def test_board_uses_its_token_cannot_change_anything(tmp_path: Path) -> None:
    store = TokenStore(tmp_path)
    _, token = store.create(Audience.BOARD, "2026-01-01T00:00:00Z")

    assert store.is_valid(token, Audience.BOARD)
    assert not store.is_valid(token, Audience.API)


def test_operator_revokes_token_it_opens_nothing_at_once(tmp_path: Path) -> None:
    store = TokenStore(tmp_path)
    entry, token = store.create(Audience.API, "2026-01-01T00:00:00Z")

    assert store.revoke(entry.token_id)
    assert not store.is_valid(token, Audience.API)
    assert not store.revoke(entry.token_id)


def test_service_starts_again_old_local_token_opens_nothing(tmp_path: Path) -> None:
    store = TokenStore(tmp_path)
    old = write_local_token(tmp_path)
    new = write_local_token(tmp_path)

    assert read_local_token(tmp_path) == new
    assert store.is_valid(new, Audience.API)
    assert not store.is_valid(old, Audience.API)
    assert stat.S_IMODE((tmp_path / "api.token").stat().st_mode) == 0o600


def test_nobody_made_tokens_nothing_is_valid(tmp_path: Path) -> None:
    assert read_local_token(tmp_path) is None
    assert not TokenStore(tmp_path).is_valid("", Audience.API)


def test_token_file_is_broken_error_names_it(tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_text("[")

    with pytest.raises(TokenStoreError, match=r"tokens\.json"):
        TokenStore(tmp_path).is_valid("x", Audience.API)


def create_some(folder: Path, number: int) -> list[str]:
    """What one of several commands does that run at the same time."""
    return [TokenStore(folder).create(Audience.BOARD, "2026-01-01T00:00:00Z")[0].token_id for _ in range(number)]


def test_twenty_threads_make_tokens_at_the_same_time_none_is_lost(tmp_path: Path) -> None:
    with ThreadPoolExecutor(20) as threads:
        made = list(threads.map(create_some, [tmp_path] * 20, [1] * 20))

    assert {one.token_id for one in TokenStore(tmp_path).entries()} == {token_id for one in made for token_id in one}


def test_commands_make_tokens_at_the_same_time_none_is_lost(tmp_path: Path) -> None:
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as processes:
        made = list(processes.map(create_some, [tmp_path] * 3, [30] * 3))

    assert {one.token_id for one in TokenStore(tmp_path).entries()} == {token_id for one in made for token_id in one}
    assert [oct(one.stat().st_mode & 0o777) for one in tmp_path.iterdir()] == ["0o600"] * 2, "the file and its lock"


def test_token_is_revoked_while_others_are_made_it_does_not_come_back(tmp_path: Path) -> None:
    store = TokenStore(tmp_path)
    old = create_some(tmp_path, 20)
    with ThreadPoolExecutor(4) as threads:
        made = [threads.submit(create_some, tmp_path, 10) for _ in range(2)]
        assert all(threads.map(store.revoke, old))

    assert {one.token_id for one in store.entries()} == {token_id for one in made for token_id in one.result()}


def test_nobody_made_tokens_one_is_revoked_nothing_is_left_behind(tmp_path: Path) -> None:
    assert not TokenStore(tmp_path / "state").revoke("1a2b3c4d")
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    "spoilt",
    [
        {"for": "boards"},
        {"for": "boards", "created_at": "2026-01-01T00:00:00Z", "sha256": "0" * 64},
        {"for": ["board"], "created_at": "2026-01-01T00:00:00Z", "sha256": "0" * 64},
        {"for": "board", "created_at": 20260101, "sha256": "0" * 64},
        {"for": "board", "created_at": "2026-01-01T00:00:00Z", "sha256": "é" * 64},
        {"for": "board", "created_at": "2026-01-01T00:00:00Z"},
        "board",
        None,
    ],
)
async def test_one_entry_is_spoilt_it_is_named_and_nobody_is_let_in_but_who_is_on_this_host(
    tmp_path: Path, spoilt: object, caplog: pytest.LogCaptureFixture
) -> None:
    store = TokenStore(tmp_path)
    local = write_local_token(tmp_path)
    _, good = store.create(Audience.API, "2026-01-01T00:00:00Z")
    file = tmp_path / "tokens.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"1a2b3c4d": spoilt}))
    with pytest.raises(TokenStoreError, match=r"tokens\.json.*1a2b3c4d"):
        store.entries()
    async with asking(store) as client:
        for token, status in ((good, 500), ("wrong", 500), (local, 200)):
            answer = await client.post("/plan/reload", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == status
            if status == 500:
                assert "tokens cannot be read" in answer.json()["error"]
    assert "1a2b3c4d" in caplog.text
    assert "1a2b3c4d" not in answer.text


@asynccontextmanager
async def asking(store: TokenStore) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(ServiceInMemory(), store.owner_of))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client

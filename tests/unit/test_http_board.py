"""The board over HTTP: who gets in, how, what is sent with it, and what is in no address and no log."""

import asyncio
import logging
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest

from callcenter.board.fanout import Fanout, Screen, message
from callcenter.http import board as board_module
from callcenter.http import body, server
from callcenter.http.access import COOKIE
from callcenter.http.app import create_app
from callcenter.http.board import FILES, MAX_LOGIN_BYTES, follow_tokens
from callcenter.http.server import serving
from callcenter.http.tokens import Audience, TokenStore, write_local_token
from tests.unit.test_http import ServiceInMemory

NOW = "2026-01-01T00:00:00Z"
ELSEWHERE = ("192.0.2.7", 50000)
HERE = ("127.0.0.1", 50000)


@asynccontextmanager
async def looking(
    store: TokenStore, *, at: tuple[str, int] = HERE, host: str = "127.0.0.1", without_token: bool = False
) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(ServiceInMemory(), store.owner_of, board_without_token=without_token)
    transport = httpx.ASGITransport(app, client=at)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
        yield client


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    return TokenStore(tmp_path)


async def test_stranger_opens_the_board_gets_the_way_in_and_nothing_of_the_floor(store: TokenStore) -> None:
    async with looking(store) as client:
        page, stream = await client.get("/board"), await client.get("/board/events")
    assert (page.status_code, stream.status_code) == (401, 401)
    assert 'action="/board/login"' in page.text
    assert "board.js" not in page.text


async def test_supervisor_logs_in_his_cookie_is_for_the_board_alone_and_no_script_can_read_it(
    store: TokenStore,
) -> None:
    _, token = store.create(Audience.BOARD, NOW)
    async with looking(store, at=ELSEWHERE, host="hotline.example") as client:
        answer = await client.post("/board/login", data={"token": token})
        assert (answer.status_code, answer.headers["location"]) == (303, "/board")
        cookie = answer.headers["set-cookie"].lower()
        assert {"httponly", "samesite=strict", "path=/board"} <= {part.strip() for part in cookie.split(";")}
        page = await client.get("/board")
        assert (page.status_code, "board.js" in page.text) == (200, True)
        assert (await client.get("/metrics")).status_code == 401
        out = await client.post("/board/logout")
        assert (out.status_code, (await client.get("/board")).status_code) == (303, 401)


async def test_supervisor_logs_in_at_both_of_a_pair_on_one_host_the_second_log_in_leaves_the_first_alone(
    tmp_path: Path,
) -> None:
    """A browser sends the cookies of a host to each of its ports."""
    jar = httpx.Cookies()
    pair = {name: TokenStore(tmp_path / name) for name in ("a", "b")}
    for round_ in ("log in", "look"):
        for name, store in pair.items():
            service = ServiceInMemory()
            service.instance = name
            app = create_app(service, store.owner_of)
            transport = httpx.ASGITransport(app, client=ELSEWHERE)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8345", cookies=jar) as client:
                if round_ == "log in":
                    _, token = store.create(Audience.BOARD, NOW)
                    await client.post("/board/login", data={"token": token})
                    jar.update(client.cookies)
                assert (await client.get("/board")).status_code == 200, (round_, name)


async def test_board_is_served_over_tls_the_cookie_never_goes_without(store: TokenStore) -> None:
    _, token = store.create(Audience.BOARD, NOW)
    async with looking(store) as client:
        answer = await client.post("https://127.0.0.1/board/login", data={"token": token})
    assert "secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize(
    "body", [b"", b"token=", b"token=wrong", b"\xff", b"token=" + b"x" * MAX_LOGIN_BYTES, b"a=1&b=2&c=3&d=4&e=5"]
)
async def test_stranger_tries_to_log_in_is_refused_without_a_cookie(store: TokenStore, body: bytes) -> None:
    store.create(Audience.BOARD, NOW)
    async with looking(store) as client:
        answer = await client.post("/board/login", content=body)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def test_token_is_refused_the_page_says_so_and_its_address_leads_to_the_board(store: TokenStore) -> None:
    async with looking(store) as client:
        first, refused = await client.get("/board"), await client.post("/board/login", data={"token": "wrong"})
        again = await client.get("/board/login")
    line = re.compile(r'<p id="refused" role="alert"( hidden)?>[^<]*令牌[^<]*<br>[^<]*token[^<]*</p>')
    shown = [line.search(page.text) for page in (first, refused)]
    assert [found and found[1] for found in shown] == [" hidden", None]
    assert all(shown)
    assert (again.status_code, again.headers["location"]) == (303, "/board")


async def test_token_is_revoked_the_cookie_opens_nothing_at_once(store: TokenStore) -> None:
    entry, token = store.create(Audience.BOARD, NOW)
    async with looking(store) as client:
        await client.post("/board/login", data={"token": token})
        assert (await client.get("/board")).status_code == 200
        store.revoke(entry.token_id)
        assert (await client.get("/board")).status_code == 401


@pytest.mark.parametrize("where", ["/board?token=", "/board/events?token=", "/metrics?token="])
async def test_token_stands_in_an_address_it_opens_nothing(store: TokenStore, where: str) -> None:
    _, token = store.create(Audience.BOARD, NOW)
    async with looking(store, at=ELSEWHERE) as client:
        assert (await client.get(where + token)).status_code == 401


@pytest.mark.parametrize("path", ["/metrics", "/status", "/plan"])
async def test_reader_asks_from_elsewhere_needs_a_token_for_boards(store: TokenStore, path: str) -> None:
    _, token = store.create(Audience.BOARD, NOW)
    bearer = {"Authorization": f"Bearer {token}"}
    async with looking(store, at=ELSEWHERE, host="hotline.example") as client:
        refused = await client.get(path)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert "callcenter token create" in refused.json()["error"]
        assert (await client.get(path, headers=bearer)).status_code == 200
        assert (await client.get("/healthz")).status_code == 200
    async with looking(store) as client:
        assert (await client.get(path)).status_code == 200


async def test_page_of_elsewhere_names_itself_after_our_loopback_it_sees_nothing(store: TokenStore) -> None:
    async with looking(store, host="rebound.example", without_token=True) as client:
        assert (await client.get("/metrics")).status_code == 401
        assert (await client.get("/board")).status_code == 401


@pytest.mark.parametrize("variable", ["*", "192.0.2.1"])
async def test_environment_names_proxies_only_those_of_this_host_are_believed(
    store: TokenStore, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", variable)
    async with serving(create_app(ServiceInMemory(), store.owner_of), "127.0.0.1", 0) as port:
        async with httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}") as client:
            for said in ("192.0.2.7", "127.0.0.1, 192.0.2.7"):
                assert (await client.get("/metrics", headers={"X-Forwarded-For": said})).status_code == 401, said


@pytest.mark.parametrize(
    "host", ["a{b.example", 'a"b.example', "a`b.example", "a^b.example", "127.0.0.1 x", "x@127.0.0.1", "["]
)
async def test_page_of_elsewhere_has_a_name_that_cannot_be_read_it_is_not_taken_for_ours(
    store: TokenStore, host: str
) -> None:
    async with looking(store, without_token=True) as client:
        answers = [await client.get(path, headers={"Host": host}) for path in ("/metrics", "/board", "/status")]
    assert [one.status_code for one in answers] == [401] * 3


@pytest.mark.parametrize(
    ("at", "host", "status"),
    [(HERE, "127.0.0.1", 200), (HERE, "localhost", 200), (("::1", 9), "[::1]", 200), (ELSEWHERE, "127.0.0.1", 401)],
)
async def test_demo_shows_its_board_without_a_token_to_its_own_host_only(
    store: TokenStore, at: tuple[str, int], host: str, status: int
) -> None:
    async with looking(store, at=at, host=host, without_token=True) as client:
        assert (await client.get("/board")).status_code == status


async def test_page_is_sent_its_policy_lets_nothing_in_from_outside(store: TokenStore) -> None:
    async with looking(store, without_token=True) as client:
        for path in ("/board", "/board/static/board.js", "/board/static/chart.umd.min.js"):
            answer = await client.get(path)
            policy = dict(rule.strip().split(" ", 1) for rule in answer.headers["content-security-policy"].split(";"))
            assert policy["default-src"] == "'none'"
            assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
            assert policy["frame-ancestors"] == "'none'"
            assert answer.headers["x-content-type-options"] == "nosniff"


async def test_page_asks_for_its_files_each_is_there_and_nothing_else_is(store: TokenStore) -> None:
    async with looking(store) as client:
        named = re.findall(
            r'(?:src|href)="(/board/static/[^"]+)"',
            FILES.bytes["board.html"].decode() + FILES.bytes["login.html"].decode(),
        )
        assert len(named) >= 6
        for path in (*named, "/board/static/words.js", "/board/static/stream.js", "/board/static/hours.js"):
            answer = await client.get(path)
            assert answer.status_code == 200, path
            assert answer.headers["content-type"].split(";")[0] in {"text/css", "text/javascript", "image/svg+xml"}
            known = {"If-None-Match": answer.headers["etag"]}
            assert (await client.get(path, headers=known)).status_code == 304
        for path in ("board.html", "chart.LICENSE.md", "nix.js", "..%2Flive.py"):
            assert (await client.get(f"/board/static/{path}")).status_code == 404


# the stream, on a real socket ------------------------------------------------------------------------------------------


class Told(Fanout):
    """Says when a screen was forgotten."""

    left: asyncio.Event | None = None

    def leave(self, screen: Screen) -> None:
        super().leave(screen)
        if self.left is not None:
            self.left.set()


class OneBoard(ServiceInMemory):
    """A service whose board says what a test tells it to."""

    def __init__(self) -> None:
        super().__init__()
        self.board: Told = Told(lambda: message("state", {"number": 0}), most=2)


async def open_stream(port: int, token: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /board/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    return reader, writer


async def test_boards_open_are_told_and_forgotten_when_the_browser_vanishes(store: TokenStore) -> None:
    _, token = store.create(Audience.BOARD, NOW)
    service = OneBoard()
    async with asyncio.timeout(10), serving(create_app(service, store.owner_of), "127.0.0.1", 0) as port:
        one, other = await open_stream(port, token), await open_stream(port, token)
        for reader, _ in (one, other):
            head = await reader.readuntil(b'event: state\ndata: {"number":0}')
            assert b"text/event-stream" in head
        third, writer = await open_stream(port, token)
        assert b"503" in await third.readline()
        assert (
            b"there are as many" in (await third.read()).lower()
        )  # and it is closed at once: a scrape may want its place
        writer.close()
        async with httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}") as client:
            asked = await client.head("/board/events", headers={"Authorization": f"Bearer {token}"})
            assert asked.status_code == 503  # how the page learns why its stream was refused
        service.board.tell(message("beat", {"number": 0}))
        await one[0].readuntil(b"event: beat")
        left = service.board.left = asyncio.Event()
        one[1].transport.abort()
        await left.wait()
        assert len(service.board.screens) == 1
        service.board.close()
        await other[0].readuntil(b'"why":"service"')
        other[1].close()


async def test_token_is_revoked_while_its_board_is_open_the_board_ends(
    store: TokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_module, "TOKENS_EVERY_S", 0.02)
    entry, token = store.create(Audience.BOARD, NOW)
    local = write_local_token(store._state_dir)
    service = OneBoard()
    async with asyncio.timeout(10), serving(create_app(service, store.owner_of), "127.0.0.1", 0) as port:
        follows = asyncio.create_task(follow_tokens(store, service.board))
        reader, writer = await open_stream(port, token)
        stays, other = await open_stream(port, local)
        await reader.readuntil(b"event: state")
        await stays.readuntil(b"event: state")
        store.revoke(entry.token_id)
        await reader.readuntil(b'"why":"token"')
        service.board.tell(message("beat", {"number": 0}))
        await stays.readuntil(b"event: beat")
        for one in (writer, other):
            one.close()
        follows.cancel()
        service.board.close()


async def test_file_of_tokens_is_spoilt_for_a_while_a_token_revoked_then_ends_its_board_when_it_is_mended(
    store: TokenStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(board_module, "TOKENS_EVERY_S", 0.02)
    entry, token = store.create(Audience.BOARD, NOW)
    file = store._state_dir / "tokens.json"
    service = OneBoard()
    async with asyncio.timeout(10), serving(create_app(service, store.owner_of), "127.0.0.1", 0) as port:
        follows = asyncio.create_task(follow_tokens(store, service.board))
        reader, writer = await open_stream(port, token)
        await reader.readuntil(b"event: state")
        whole = file.read_text()
        file.write_text('{"1a2b3c4d": {"for": "boards"}}')
        while "revoked tokens cannot be told" not in caplog.text:
            assert not follows.done()
            await asyncio.sleep(0.01)
        assert len(service.board.screens) == 1, "what cannot be read revokes nothing"
        file.write_text(whole)
        store.revoke(entry.token_id)
        await reader.readuntil(b'"why":"token"')
        writer.close()
        follows.cancel()
        service.board.close()


async def test_supervisor_gets_in_his_token_is_in_no_log(store: TokenStore, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    _, token = store.create(Audience.BOARD, NOW)
    async with serving(create_app(OneBoard(), store.owner_of), "127.0.0.1", 0) as port:
        async with httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}") as client:
            await client.post("/board/login", data={"token": token})
            assert client.cookies.get(f"{COOKIE}_office-1") == token
            await client.get("/board")
    ours = [one.getMessage() for one in caplog.records if one.name.split(".")[0] in ("callcenter", "uvicorn")]
    assert len(ours) >= 1
    assert not any(token in line for line in ours)


async def test_head_of_the_stream_is_asked_for_it_ends_at_once(store: TokenStore) -> None:
    async with looking(store, without_token=True) as client:
        assert (await client.head("/board/events")).status_code == 200
    async with looking(store) as client:
        assert (await client.head("/board/events")).status_code == 401


async def test_request_comes_byte_by_byte_has_no_more_time_than_silence(
    store: TokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SILENT_S", 0.2)
    async with asyncio.timeout(10), serving(create_app(OneBoard(), store.owner_of), "127.0.0.1", 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        sent = 0
        with suppress(ConnectionError):
            for byte in b"GET /healthz HTTP/1.1\r\nX-Slow: " + 500 * b"x":
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.01)
                if reader.at_eof():
                    break
                sent += 1
        assert sent < 300
        writer.close()


@pytest.mark.parametrize("path", ["/board/login", "/plan/diff", "/hand/agent"])
async def test_body_never_comes_the_request_ends_with_an_answer(
    store: TokenStore, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(body, "BODY_S", 0.05)
    _, token = store.create(Audience.API, NOW)

    asked = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Length: 9\r\n\r\n{{"
    async with asyncio.timeout(10), serving(create_app(ServiceInMemory(), store.owner_of), "127.0.0.1", 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(asked.encode())
        status = int((await reader.readline()).split()[1])
        writer.close()
    assert status == (401 if path == "/board/login" else 408)


async def test_token_that_may_change_things_is_no_way_into_a_browser(store: TokenStore) -> None:
    _, token = store.create(Audience.API, NOW)
    async with looking(store) as client:
        answer = await client.post("/board/login", data={"token": token})
        assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
        assert "--for board" in answer.text


def test_kernel_keeps_little_for_one_who_does_not_read_and_gives_him_up() -> None:
    with server.bind("127.0.0.1", 0) as listener:
        with socket.create_connection(listener.getsockname()):
            taken, _ = listener.accept()
            with taken:
                assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == server.STUCK_MS
                assert taken.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) <= 2 * server.SEND_BYTES

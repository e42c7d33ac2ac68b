"""The door of the HTTP side, on real sockets: who comes in, who makes place, and who is told that there is none."""

import asyncio
import errno
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from callcenter.board.fanout import MOST_SCREENS, message
from callcenter.http import gate as gate_module
from callcenter.http import server
from callcenter.http.app import create_app
from callcenter.http.board import TOO_MANY, at_the_door
from callcenter.http.gate import FEWEST_PLACES, MOST_PLACES, NO_PLACE, RESERVE, Gate, Room, room_for, room_here
from callcenter.http.server import serving
from callcenter.http.tokens import Audience, TokenStore
from tests.unit.test_http_board import NOW, OneBoard, open_stream

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
OPENED: list[asyncio.StreamWriter] = []
"""By the test that runs; closed at its end."""


@asynccontextmanager
async def house(tmp_path: Path, places: int) -> AsyncIterator[tuple[int, str, OneBoard]]:
    """A service with so many places, two of them for boards."""
    store = TokenStore(tmp_path)
    _, token = store.create(Audience.BOARD, NOW)
    service = OneBoard()
    app = create_app(service, store.owner_of)
    door = at_the_door(service.board)
    async with asyncio.timeout(20), serving(app, "127.0.0.1", 0, places=places, refuses=door) as port:
        yield port, token, service
        service.board.close()
        while OPENED:
            OPENED.pop().close()


async def connected(port: int, sends: bytes = b"") -> Connection:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    OPENED.append(writer)
    writer.write(sends)
    return reader, writer


async def board(port: int, token: str) -> asyncio.StreamReader:
    """Open a board; returns when it shows its first state."""
    reader, writer = await open_stream(port, token)
    OPENED.append(writer)
    await reader.readuntil(b'event: state\ndata: {"number":0}')
    return reader


async def answered(connection: Connection) -> bytes:
    """Return all that is sent until the other side closes; a reset ends it too."""
    try:
        return await connection[0].read()
    except ConnectionResetError:
        return b"reset"


async def is_served(port: int) -> bool:
    reader, writer = await connected(port, HEALTH)
    line = await reader.readline()
    writer.close()
    return b"200 OK" in line


async def test_all_places_are_taken_by_silent_ones_the_oldest_makes_place_and_is_told_why(tmp_path: Path) -> None:
    async with house(tmp_path, 3) as (port, _, _):
        silent = [await connected(port) for _ in range(3)]
        assert await is_served(port)
        told = await answered(silent[0])
        head, _, text = told.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ") and b"Retry-After: 15" in head and b"Connection: close" in head
        assert "as many connections as this service takes" in json.loads(text)["error"]
        others = [asyncio.create_task(answered(one)) for one in silent[1:]]
        await asyncio.sleep(0)
        assert not any(one.done() for one in others)
        for one in others:
            one.cancel()


async def test_hundreds_say_nothing_each_who_asks_is_served(tmp_path: Path) -> None:
    async with house(tmp_path, 5) as (port, _, _):
        for _ in range(10):
            crowd = [await connected(port) for _ in range(40)]
            assert await is_served(port)
            for _, writer in crowd:
                writer.close()


@pytest.mark.parametrize(
    "begun",
    [
        b"GET /healthz HTTP/1.1\r\nHost: ",
        b"POST /board/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\ntoken=",
    ],
)
async def test_all_places_are_taken_by_requests_that_are_not_whole_who_asks_is_served(
    tmp_path: Path, begun: bytes
) -> None:
    async with house(tmp_path, 3) as (port, _, _):
        slow = [await connected(port, begun) for _ in range(3)]
        assert await is_served(port)
        assert b"200" not in await answered(slow[0])


async def test_answered_ones_rest_they_make_place_after_those_who_were_silent_for_longer(tmp_path: Path) -> None:
    async with house(tmp_path, 2) as (port, _, _):
        reader, writer = await connected(port)
        silent = await connected(port)
        for _ in range(2):
            writer.write(HEALTH)
            await reader.readuntil(b'{"alive":true}')
        assert await is_served(port)
        assert b"503" in await answered(silent)
        writer.write(HEALTH)  # the one that was served lately is still there
        await reader.readuntil(b'{"alive":true}')


async def test_boards_have_all_places_the_next_one_is_refused_and_they_stay(tmp_path: Path) -> None:
    async with house(tmp_path, 2) as (port, token, service):
        boards = [await board(port, token) for _ in range(2)]
        assert await answered(await connected(port)) == NO_PLACE
        service.board.tell(message("beat", {"number": 0}))
        for reader in boards:
            await reader.readuntil(b"event: beat")


async def test_as_many_boards_as_may_be_one_more_is_refused_by_its_first_bytes_a_scrape_is_not(tmp_path: Path) -> None:
    async with house(tmp_path, 20) as (port, token, service):
        for _ in range(2):
            await board(port, token)
        asked = f"GET /board/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        assert await answered(await connected(port, asked)) == TOO_MANY
        slow = await connected(port)
        assert await is_served(port)  # so the one before is in
        slow[1].write(asked)
        assert await answered(slow) == TOO_MANY
        assert b"there are as many boards" in TOO_MANY.lower()
        said = await answered(await connected(port, asked.replace(b"GET", b"HEAD")))
        assert said == TOO_MANY.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", "a page whose stream was refused asks why"
        assert await is_served(port)
        service.board.left = asyncio.Event()
        OPENED[0].close()
        await service.board.left.wait()
        await board(port, token)


async def test_silent_one_is_closed_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "SILENT_S", 0.05)
    async with house(tmp_path, 3) as (port, _, _):
        assert await answered(await connected(port)) in (b"", b"reset")


async def test_machine_has_no_descriptor_left_newcomers_wait_and_are_taken_later(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gate_module, "REST_S", 0.02)
    came: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()

    class Listener:
        """Fails at the first take, as accept() does at the process's limit."""

        def __init__(self, real: socket.socket) -> None:
            self.real, self.fails = real, 1

        def accept(self) -> Any:
            if self.fails:
                self.fails -= 1
                raise OSError(errno.EMFILE, "Too many open files")
            return self.real.accept()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.real, name)

    class Nobody:
        def show_out(self) -> None:
            raise AssertionError("there is place")

    def invite(newcomer: socket.socket) -> Nobody:
        came.set_result(newcomer)
        return Nobody()

    async with asyncio.timeout(10):
        with server.bind("127.0.0.1", 0) as real, socket.create_connection(real.getsockname()):
            gate = Gate(Listener(real), 1, invite)  # type: ignore[arg-type]  # a stand-in
            gate.open()
            (await came).close()
            gate.close()
    assert "Too many open files" in caplog.text


def test_process_may_have_few_files_open_a_reserve_stays_for_pbx_and_ledger_and_places_for_scrapes() -> None:
    assert room_for(1024) == Room(MOST_PLACES, MOST_SCREENS)
    assert room_for(RESERVE + 90) == Room(90, 60)
    assert room_for(10) == Room(FEWEST_PLACES, 8)


@pytest.mark.parametrize(
    ("limits", "raised", "room"),
    [
        ((256, 4096), (MOST_PLACES + RESERVE, 4096), Room(MOST_PLACES, MOST_SCREENS)),
        ((256, 300), (300, 300), Room(44, 29)),
        ((1024, 4096), None, Room(MOST_PLACES, MOST_SCREENS)),
    ],
)
def test_service_starts_its_limit_of_files_is_raised_as_far_as_it_may_and_said_if_it_is_too_low(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    limits: tuple[int, int],
    raised: tuple[int, int] | None,
    room: Room,
) -> None:
    caplog.set_level(logging.WARNING)
    done: list[Any] = []
    monkeypatch.setattr(gate_module.resource, "getrlimit", lambda what: limits)
    monkeypatch.setattr(gate_module.resource, "setrlimit", lambda what, to: done.append(to))
    assert room_here() == room
    assert done == ([raised] if raised else [])
    assert ("ulimit -n" in caplog.text) is (room.places < MOST_PLACES)

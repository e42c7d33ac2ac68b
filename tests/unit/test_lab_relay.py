"""A relay passes bytes both ways, ends them when it is cut, and passes new ones when it is mended."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from callcenter.lab.ports import free_port
from callcenter.lab.relay import Relay


@contextlib.asynccontextmanager
async def relayed() -> AsyncIterator[Relay]:
    """A relay in front of a server that says everything twice."""

    serving = set[asyncio.Task[None] | None]()

    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        while data := await reader.read(100):
            writer.write(data * 2)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(twice, "127.0.0.1", 0)
    relay = await Relay(free_port(), server.sockets[0].getsockname()[:2]).open()
    yield relay
    await relay.close()
    server.close()
    await asyncio.gather(*filter(None, serving))  # the ends that are under way arrive


class Line:
    """One connection through a relay."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    async def __aenter__(self) -> "Line":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._relay.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def hears(self, says: bytes = b"") -> bytes:
        """Say something, and return what comes; empty: the line is dead."""
        with contextlib.suppress(OSError):
            self._writer.write(says)
            async with asyncio.timeout(5):
                return await self._reader.read(100)
        return b""


async def test_relay_passes_both_ways() -> None:
    async with relayed() as relay, Line(relay) as line:
        assert await line.hears(b"ab") == b"abab"


async def test_relay_cut_ends_what_is_open_and_lets_nothing_through_until_it_is_mended() -> None:
    async with relayed() as relay, Line(relay) as line:
        assert await line.hears(b"ab") == b"abab"
        relay.cut()
        assert await line.hears() == b""
        async with Line(relay) as second:
            assert await second.hears(b"ab") == b""
        relay.mend()
        async with Line(relay) as third:
            assert await third.hears(b"ab") == b"abab"


async def test_relay_cut_while_the_other_side_is_asked_lets_that_connection_not_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = asyncio.open_connection
    async with relayed() as relay:

        async def cut_meanwhile(host: str, port: int) -> Any:
            connection = await asked(host, port)
            if port != relay.port:
                relay.cut()
            return connection

        monkeypatch.setattr("callcenter.lab.relay.asyncio.open_connection", cut_meanwhile)
        async with Line(relay) as line:
            assert await line.hears(b"ab") == b""


async def test_relay_cut_before_a_connection_has_begun_to_pass_anything_ends_it() -> None:
    async with relayed() as relay, Line(relay) as line:
        while not relay._pumps:  # noqa: ASYNC110 -- it sets no event
            await asyncio.sleep(0)
        relay.cut()
        assert await line.hears(b"ab") == b""

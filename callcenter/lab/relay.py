"""A TCP relay on loopback in front of a peer's port, so that a link can be cut as a network cuts it: at one instant, and mended."""

import asyncio
import contextlib
from typing import Self


class Relay:
    """Passes every connection on to one port. While it is cut, connections end and new ones are closed at once."""

    def __init__(self, port: int, to: tuple[str, int]) -> None:
        """port: where it listens on 127.0.0.1. to: host and port that it passes on to."""
        self.port = port
        self.is_cut = False
        self._to = to
        self._server: asyncio.Server | None = None
        self._pumps: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def open(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port)
        return self

    async def close(self) -> None:
        """End everything."""
        self.cut()
        if self._server is not None:
            self._server.close()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    def cut(self) -> None:
        """End every connection, and let no new one through."""
        self.is_cut = True
        for pump, sink in self._pumps.items():
            pump.cancel()
            sink.close()  # one that has not begun has no end either

    def mend(self) -> None:
        """Let new connections through again."""
        self.is_cut = False

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.close()
            return
        try:
            there, back = await asyncio.open_connection(*self._to)
        except OSError:
            writer.close()
            return
        if self.is_cut:
            back.close()  # type: ignore[unreachable]  # it was cut while the other side was asked
            writer.close()
            return
        for source, sink in ((reader, back), (there, writer)):
            pump = asyncio.create_task(_pump(source, sink))
            self._pumps[pump] = sink
            pump.add_done_callback(self._pumps.pop)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Carry bytes one way until either side ends."""
    try:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
    finally:
        sink.close()

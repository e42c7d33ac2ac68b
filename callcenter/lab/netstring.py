"""The control link of a baresip softphone: JSON in netstrings over TCP on loopback.

A command is answered by a message with the same token; everything else that comes is an event.
"""

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable
from typing import Any

from callcenter.lab.errors import PhoneError

Message = dict[str, Any]
REPLY_S = 15.0
"""A phone answers within milliseconds; a machine whose disk is busy may hold it up for seconds."""


class ControlLink:
    """One open link. `on_event` is called for each event, in order; `is_closed` is set when the phone is gone."""

    def __init__(self, on_event: Callable[[Message], None]) -> None:
        self.is_closed = asyncio.Event()
        self._on_event = on_event
        self._tokens = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[Message]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    async def open(self, port: int, within_s: float) -> None:
        """Connect, trying until the phone listens. Raises PhoneError after `within_s`."""
        deadline = asyncio.get_running_loop().time() + within_s
        while True:
            try:
                reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
                break
            except OSError as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise PhoneError(f"the softphone's control port {port} did not open: {error}") from error
                await asyncio.sleep(0.02)
        self._reading = asyncio.create_task(self._read(reader))

    async def ask(self, command: str, parameters: str = "") -> str:
        """Send a command and return what the phone says. Raises PhoneError when it refuses or does not answer."""
        if self._writer is None or self.is_closed.is_set():
            raise PhoneError(f"{command}: the softphone is not running")
        token = str(next(self._tokens))
        message = {"command": command, "token": token} | ({"params": parameters} if parameters else {})
        body = json.dumps(message).encode()
        answer = self._waiting[token] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(b"%d:%s," % (len(body), body))
            async with asyncio.timeout(REPLY_S):
                reply = await answer
        except (TimeoutError, OSError) as error:
            raise PhoneError(f"{command}: the softphone did not answer within {REPLY_S:.0f} s") from error
        finally:
            self._waiting.pop(token, None)
        if not reply.get("ok"):
            raise PhoneError(f"{command} {parameters}: {str(reply.get('data', '')).strip() or 'refused'}")
        return str(reply.get("data", ""))

    async def close(self) -> None:
        """Close the link; harmless when it is closed."""
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                length = int((await reader.readuntil(b":"))[:-1])
                message: Message = json.loads((await reader.readexactly(length + 1))[:-1].decode("utf-8", "replace"))
                if message.get("event"):
                    self._on_event(message)
                else:
                    answer = self._waiting.get(str(message.get("token")))
                    if answer is not None and not answer.done():
                        answer.set_result(message)
        except (asyncio.IncompleteReadError, OSError, ValueError):
            pass
        finally:
            self.is_closed.set()
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(PhoneError("the softphone ended"))

"""The plainest AMI client: one session, every event kept in order, answers by ActionID. For tests of the dialplan only.

It is deliberately not the project's own link, so that a fault of one is not hidden by the other.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable

Message = dict[str, str]


class RawAmi:
    """A logged-in manager session."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._ids = itertools.count(1)
        self._answers: dict[str, asyncio.Future[Message]] = {}
        self._news = asyncio.Event()
        self.events: list[tuple[float, Message]] = []
        self.raw = bytearray()
        self._task = asyncio.get_running_loop().create_task(self._read())

    @classmethod
    async def login(cls, port: int, user: str, secret: str) -> "RawAmi":
        """Connect to loopback and log in; raises PermissionError when refused."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
        ami = cls(reader, writer)
        answer = await ami.ask("Login", Username=user, Secret=secret)
        if answer["Response"] != "Success":
            await ami.close()
            raise PermissionError(answer.get("Message", "refused"))
        return ami

    async def close(self) -> None:
        """Leave."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def ask(self, action: str, **headers: str) -> Message:
        """Send one action and wait for its answer."""
        (answer,) = await self.ask_all((action, headers))
        return answer

    async def ask_all(self, *actions: tuple[str, dict[str, str]]) -> list[Message]:
        """Send several actions in one write; return their answers in order."""
        waits, out = [], ""
        for action, headers in actions:
            number = str(next(self._ids))
            self._answers[number] = asyncio.get_running_loop().create_future()
            waits.append(self._answers[number])
            out += f"Action: {action}\r\nActionID: {number}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
            out += "\r\n"
        self._writer.write(out.encode())
        async with asyncio.timeout(15):
            return [await wait for wait in waits]

    async def wish(self, uniqueid: str, target: str, label: str = "") -> None:
        """Write a wish and wake the channel, in one write."""
        actions = [("Setvar", {"Channel": uniqueid, "Variable": "CC_GO", "Value": target})]
        if label:
            actions.insert(0, ("Setvar", {"Channel": uniqueid, "Variable": "CC_LABEL", "Value": label}))
        await self.ask_all(*actions, ("PlayDTMF", {"Channel": uniqueid, "Digit": "D", "Receive": "true"}))

    async def wake(self, uniqueid: str) -> None:
        """Wake a channel without a wish."""
        await self.ask("PlayDTMF", Channel=uniqueid, Digit="D", Receive="true")

    async def set_global(self, name: str, value: str) -> None:
        """Set a global variable of the dialplan."""
        await self.ask("Setvar", Variable=name, Value=value)

    async def get(self, uniqueid: str, name: str) -> str:
        """Read a channel's variable."""
        return (await self.ask("Getvar", Channel=uniqueid, Variable=name)).get("Value", "")

    async def until(self, test: Callable[[Message], bool], timeout_s: float = 15.0, since: int = 0) -> Message:
        """Return the first event from number `since` on that passes `test`; waits for it."""
        seen = since
        async with asyncio.timeout(timeout_s):
            while True:
                while seen < len(self.events):
                    event = self.events[seen][1]
                    seen += 1
                    if test(event):
                        return event
                self._news.clear()
                await self._news.wait()

    async def user(self, name: str, timeout_s: float = 15.0, since: int = 0, **headers: str) -> Message:
        """Wait for a UserEvent by name and header values."""
        return await self.until(
            lambda e: e.get("UserEvent") == name and all(e.get(k) == v for k, v in headers.items()), timeout_s, since
        )

    def of(self, uniqueid: str, name: str = "") -> list[Message]:
        """UserEvents of a channel so far, in order."""
        return [
            e
            for _, e in self.events
            if e.get("Uniqueid") == uniqueid and e.get("UserEvent", "") and name in e["UserEvent"]
        ]

    async def _read(self) -> None:
        while True:
            message: Message = {}
            while (line := await self._reader.readline()).strip():
                self.raw += line
                key, _, value = line.decode("utf-8", "replace").rstrip("\r\n").partition(": ")
                message[key] = value
            if not line:
                return
            if "Response" in message and (wait := self._answers.pop(message.get("ActionID", ""), None)):
                if not wait.done():
                    wait.set_result(message)
            elif message:
                self.events.append((time.monotonic(), message))
                self._news.set()

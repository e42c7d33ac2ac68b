"""A browser that stays open: a page looked at over time, as the one who stands before it sees it.

Theory of operation: one headless Chromium (`callcenter.lab.browser`) is asked by its own DevTools protocol, over two named
pipes: no port, so nobody else can reach it. Every command is answered under its number; events that tell of a request or
a complaint of a page are kept with it, so that a test can say that a page asked nobody else and broke no rule of its own.
"""

import asyncio
import base64
import contextlib
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callcenter.lab.browser import Browser, log_tail
from callcenter.lab.errors import LabError, StartError
from callcenter.lab.loader import end, hand_over, remove_folder

ANSWER_S = 30.0
_IN, _OUT = "commands", "answers"


GOES = ("navigated", "execution context", "context was destroyed", "context with specified id")
"""What the browser says, in part, of a page that goes to another one while it is asked."""


class PageError(LabError):
    """What was asked of a page failed."""


class PageGoes(PageError):
    """It went to another page, or was loaded again, in the moment it was asked."""


@dataclass(eq=False)
class Page:
    """One open page."""

    tools: "DevTools"
    session: str
    requests: list[str] = field(default_factory=list)
    """Addresses that it asked for."""
    complaints: list[str] = field(default_factory=list)
    """Errors of scripts, and what its own security policy refused."""

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression (of a promise, what it comes to). Raises PageError, PageGoes."""
        words = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        answer = await self.tools.ask("Runtime.evaluate", words, self.session)
        if "exceptionDetails" in answer:
            raise PageError(f"{expression}: {answer['exceptionDetails'].get('text', 'failed')}")
        return answer["result"].get("value")

    async def until(self, expression: str, within_s: float = 20.0) -> Any:
        """Ask until the expression is true, over loads of the page; return its value. Raises PageError with what stands on the page."""
        deadline = asyncio.get_running_loop().time() + within_s
        while not (value := await self._evaluate_if_there(expression)):
            if asyncio.get_running_loop().time() > deadline:
                text = await self._evaluate_if_there("document.body.innerText")
                raise PageError(f"not within {within_s:g} s: {expression}\n{text}\n{self.complaints}")
            await asyncio.sleep(0.05)
        return value

    async def _evaluate_if_there(self, expression: str) -> Any:
        try:
            return await self.evaluate(expression)
        except PageGoes:
            return None

    async def screenshot(self) -> bytes:
        """Return what is to be seen now (PNG)."""
        await self.tools.ask(
            "Page.bringToFront", {}, self.session
        )  # one behind another is not drawn, and would be waited for
        answer = await self.tools.ask("Page.captureScreenshot", {"format": "png"}, self.session)
        return base64.b64decode(answer["data"])

    async def close(self) -> None:
        """Close it."""
        await self.tools.ask("Page.close", {}, self.session)

    def heard(self, method: str, values: dict[str, Any]) -> None:
        """Take an event of it."""
        if method == "Network.requestWillBeSent":
            self.requests.append(values["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(values["exceptionDetails"]))
        elif method == "Log.entryAdded" and values["entry"]["source"] in ("security", "javascript"):
            self.complaints.append(values["entry"]["text"])


class DevTools(asyncio.Protocol):
    """A running browser."""

    def __init__(self, commands: int) -> None:
        self._commands = commands
        self._number = 0
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}
        self._rest = b""

    async def open(self, address: str, *, width: int = 1920, height: int = 1080) -> Page:
        """Open an address in a window of this size in pixels. Raises PageError."""
        target = await self.ask("Target.createTarget", {"url": "about:blank"})
        attached = await self.ask("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})
        page = self._pages[attached["sessionId"]] = Page(self, attached["sessionId"])
        for domain in ("Page", "Network", "Log", "Runtime"):
            await self.ask(f"{domain}.enable", {}, page.session)
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self.ask("Emulation.setDeviceMetricsOverride", size, page.session)
        await self.ask("Page.navigate", {"url": address}, page.session)
        return page

    async def ask(self, method: str, values: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        """Send one command and return its answer. Raises PageError."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": values} | ({"sessionId": session} if session else {})
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        os.write(self._commands, json.dumps(message).encode() + b"\0")  # a pipe holds more than we ever have unanswered
        try:
            async with asyncio.timeout(ANSWER_S):
                return await answer
        except TimeoutError:
            raise PageError(f"the browser did not answer {method} within {ANSWER_S:.0f} s") from None
        finally:
            self._asked.pop(number, None)

    def data_received(self, data: bytes) -> None:
        """Take what the browser says."""
        *messages, self._rest = (self._rest + data).split(b"\0")
        for text in messages:
            self._heard(json.loads(text))

    def _heard(self, message: dict[str, Any]) -> None:
        answer = self._asked.get(message.get("id", 0))
        if answer is not None and not answer.done():
            if "error" in message:
                said = str(message["error"].get("message"))
                answer.set_exception((PageGoes if any(part in said for part in GOES) else PageError)(said))
            else:
                answer.set_result(message.get("result", {}))
        elif (page := self._pages.get(message.get("sessionId", ""))) is not None:
            page.heard(message.get("method", ""), message.get("params", {}))


@contextlib.asynccontextmanager
async def devtools(browser: Browser) -> AsyncIterator[DevTools]:
    """Run a browser while the context lasts. Raises StartError."""
    folder = browser.folder()
    pipes = [_pipe(folder / name) for name in (_IN, _OUT)]
    hand_over(folder)
    process = await asyncio.to_thread(
        browser.spawn, folder, ["--remote-debugging-pipe", "about:blank"], f"3<{_IN} 4>{_OUT}"
    )
    tools = DevTools(pipes[0])
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: tools, os.fdopen(pipes[1], "rb", 0))
    try:
        try:
            await tools.ask("Browser.getVersion", {})
        except PageError as error:
            raise StartError(f"Chromium does not answer: {error}", log_tail(folder)) from error
        yield tools
    finally:
        transport.close()
        os.close(pipes[0])
        await asyncio.to_thread(end, process, patience_s=0)
        remove_folder(folder)


def _pipe(path: Path) -> int:
    """Make a named pipe and open both of its ends, so that opening it never waits for the other side."""
    os.mkfifo(path, 0o600)
    return os.open(path, os.O_RDWR)

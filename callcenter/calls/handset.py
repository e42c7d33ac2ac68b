"""The acts of a screenplay at a phone, whatever it is made of (`handsets` has the kinds)."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NoReturn

from callcenter.lab.errors import PhoneError
from callcenter.lab.phone_log import PhoneCall, Role

PATIENCE_S = 20.0
"""How long anything may take until a screenplay gives up, seconds."""
KEYS_APART_S = 0.7
"""Between `*7` and the topic's two digits."""


class Handset(ABC):
    """One phone. Acts are those of a screenplay; each waits until the phone itself shows that it came about."""

    def __init__(self, number: str, role: Role) -> None:
        self.number = number
        self.role: Role = role
        self.current: PhoneCall | None = None
        """The call that the next act is about."""
        self.noticed = 0
        """How many incoming calls the screenplays have seen."""
        self._news = asyncio.Event()

    @property
    @abstractmethod
    def calls(self) -> list[PhoneCall]:
        """All its calls so far, oldest first."""

    @property
    def incoming(self) -> list[PhoneCall]:
        """All calls to it."""
        return [call for call in self.calls if call.direction == "in"]

    @property
    def is_talking(self) -> bool:
        """Whether somebody has picked up here and the call goes on."""
        return any(call.is_open and call.answered_at is not None for call in self.incoming)

    async def until(self, holds: Callable[[], bool], what: str, within_s: float = PATIENCE_S) -> None:
        """Wait until something is true of it. Raises PhoneError."""
        try:
            async with asyncio.timeout(within_s):
                while not holds():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError as error:
            raise PhoneError(f"phone {self.number}: not within {within_s:g} s: {what}: {self.calls[-2:]}") from error

    def forget(self) -> None:
        """Let `rings` look only at what comes from now on."""
        self.noticed, self.current = len(self.incoming), None

    async def rings(self) -> None:
        """Wait for the next call to it."""
        await self.until(lambda: len(self.incoming) > self.noticed, "it rings")
        self.current = self.incoming[self.noticed]
        self.noticed += 1

    async def does_not_ring(self) -> None:
        """Make sure that it has not rung since. Raises PhoneError."""
        if len(self.incoming) > self.noticed:
            raise PhoneError(f"phone {self.number} rang: {self.incoming[-1]}")

    async def is_let_go(self) -> None:
        """Wait for the end that the other side brings, of a talk or of a ring."""
        call = self._call()
        await self.until(lambda: not call.is_open, "the other side ends the call")
        if call.ended_by != "peer":
            raise PhoneError(f"phone {self.number}: nobody else ended the call: {call}")

    async def is_answered(self) -> None:
        """Wait until the other side picks up what this phone dialled."""
        call = self._call()
        await self.until(lambda: call.answered_at is not None or not call.is_open, "the other side picks up")
        if call.answered_at is None:
            raise PhoneError(f"phone {self.number}: nobody picked up: {call}")

    @abstractmethod
    async def start(self) -> None:
        """Bring it to life."""

    @abstractmethod
    async def stop(self) -> None:
        """End it."""

    @abstractmethod
    async def log_in(self, agent: str, pin: str, prompt_s: float) -> None:
        """*11, number, PIN. prompt_s: patience with prompts."""

    @abstractmethod
    async def code(self, code: str) -> None:
        """Dial a feature code and hear it out."""

    @abstractmethod
    async def picks_up(self) -> None:
        """Answer the call that rings."""

    @abstractmethod
    async def hangs_up(self) -> None:
        """End the current call."""

    async def tries_to_pick_up(self) -> None:
        """Press answer, in an instant in which the call may be gone."""
        self._cannot("try to pick up")

    async def refuses(self) -> None:
        """Press reject."""
        self._cannot("press reject")

    async def will_say(self, status: str) -> None:
        """Answer every INVITE by this status at once (`nothing`: not at all)."""
        self._cannot("say a status")

    async def presses(self, keys: str) -> None:
        """Press keys in the talk."""
        self._cannot("press keys")

    async def transfers(self, number: str) -> None:
        """Blind transfer by the phone's own key (REFER)."""
        self._cannot("transfer")

    async def holds(self) -> None:
        """Put the caller on hold."""
        self._cannot("hold")

    async def consults(self, number: str) -> None:
        """Dial a second call."""
        self._cannot("consult")

    async def joins(self) -> None:
        """Join the two calls by the phone's own key (REFER with Replaces)."""
        self._cannot("join two calls")

    async def is_killed(self) -> None:
        """Lose its power."""
        self._cannot("be killed")

    async def dials(self, number: str) -> None:
        """Dial out."""
        self._cannot("dial")

    def _call(self) -> PhoneCall:
        if self.current is None:
            raise PhoneError(f"phone {self.number} has no call")
        return self.current

    def _heard(self, *_: object) -> None:
        self._news.set()

    def _cannot(self, what: str) -> NoReturn:
        raise PhoneError(f"phone {self.number} ({type(self).__name__}) cannot {what}")

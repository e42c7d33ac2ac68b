"""The people of the demo at their real phones: seats that answer, talk and hand over, specialists, callers.

Theory of operation: phones are real SIP programs of their own; this module only plays the people. A person acts on what
his phone shows: a seat sees the caller's number on the display and so knows which `Visit` it is about; nobody here asks
the service anything. A caller waits as long as his patience lasts, and it lasts until somebody has picked up for him.
"""

import asyncio
import contextlib
import random
from collections.abc import Collection, Coroutine, Iterable
from typing import Any

from callcenter.demo.cast import PHONE_OF, SPECIALIST_PHONES
from callcenter.demo.stream import SEAT_PICKS_UP_S, Role, Visit
from callcenter.demo.witness import caller_shown
from callcenter.lab.baresip import Baresip, PhoneEvent
from callcenter.lab.errors import LabError
from callcenter.lab.phone_log import PhoneCall
from callcenter.lab.sipp_caller import SippCaller
from callcenter.lab.site import Site

AT_ONCE = 10
"""Phones that start, or agents who log in, at the same time."""
ASKS_AFTER_S = 1.6
"""How long a seat listens before he hands over."""
KEYS_APART_S = 0.7
"""Between `*7` and the topic's two digits."""
LEAVES_WITHIN_S = 8.0


class Company:
    """Everybody with a phone."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site = site
        self.phones: list[Baresip] = []
        """Seats' and specialists' phones, registered."""
        self.calls: list[PhoneCall] = []
        """Every caller's call, in order of dialling."""
        self.failures: list[str] = []
        """What a phone could not do, in words."""
        self._source = random.Random(seed + 1)
        self._callers: dict[str, SippCaller] = {}
        """Callers whose call goes on, by number."""
        self._visits: dict[str, Visit] = {}
        self._with_person: set[str] = set()
        """Callers for whom somebody has picked up at least once."""
        self._let_ring: set[str] = set()
        self._handed_over: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def open_calls(self) -> int:
        """How many callers are still in a call."""
        return sum(call.is_open for call in self.calls)

    def rows(self) -> list[PhoneCall]:
        """Return every call of every phone, callers first."""
        return [*self.calls, *(call for phone in self.phones for call in phone.calls)]

    async def register(self) -> None:
        """Bring all phones of seats and specialists to life. Raises LabError."""
        wanted = [Baresip(self.site.pbx, phone, on_event=self._seat_heard) for phone in PHONE_OF.values()]
        wanted += [
            Baresip(self.site.pbx, phone, role="specialist", on_event=self._specialist_heard)
            for phone in SPECIALIST_PHONES
        ]
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(phone: Baresip) -> None:
            async with gate:
                await phone.start()

        self.phones = wanted
        await asyncio.gather(*(one(phone) for phone in wanted))

    async def log_in(self, only: Collection[str] | None = None, prompt_s: float = 0.6) -> None:
        """Let every seat (or `only` these) log in at his phone by *11 and his PIN. prompt_s: patience with prompts. Raises LabError."""
        at = {phone.number: phone for phone in self.phones}
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(seat: str, phone: str) -> None:
            async with gate:
                await at[phone].log_in(seat, self.site.seats[seat].pin, prompt_s=prompt_s)

        who = [(seat, phone) for seat, phone in PHONE_OF.items() if only is None or seat in only]
        await asyncio.gather(*(one(seat, phone) for seat, phone in who))

    def call(self, visit: Visit) -> None:
        """Let a caller dial now."""
        caller = SippCaller(self.site.pbx, visit.number, visit.did)
        self._visits[visit.number] = visit
        self._callers[visit.number] = caller
        self.calls.append(caller.call)
        self._do(self._be_caller(caller, visit))

    def send_home(self) -> int:
        """Let everybody who still calls hang up now; return how many that were."""
        callers = [caller for caller in self._callers.values() if caller.call.is_open]
        for caller in callers:
            caller.hang_up()
        return len(callers)

    async def until_silent(self, within_s: float) -> None:
        """Wait until every phone has said of each of its calls that it is over, at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while any(call.started_at and call.is_open for call in self.rows()):  # noqa: ASYNC110 -- phones are asked
                    await asyncio.sleep(0.05)

    async def stop(self) -> None:
        """End all phones, whatever they do. Never raises."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        everybody: Iterable[Baresip | SippCaller] = [*self._callers.values(), *self.phones]
        await asyncio.gather(*(one.stop() for one in everybody), return_exceptions=True)

    # --- callers

    async def _be_caller(self, caller: SippCaller, visit: Visit) -> None:
        try:
            await caller.start()
            await asyncio.sleep(visit.patience_s)
            if visit.number not in self._with_person:
                caller.hang_up()
            await caller.ended(within_s=3600)
        finally:
            if not caller.call.is_open:
                await caller.stop()
                self._callers.pop(visit.number, None)

    # --- seats

    def _seat_heard(self, phone: Baresip, event: PhoneEvent) -> None:
        call = event.call
        if call is None or call.direction != "in":
            return
        visit = self._visits.get(caller_shown(call))
        if event.kind == "incoming":
            if visit is not None and visit.role is Role.GIVES_UP:
                return  # nobody can be as quick as he, on a machine that stalls either
            if visit is not None and visit.role is Role.NOT_PICKED_UP and visit.number not in self._let_ring:
                self._let_ring.add(visit.number)
                return
            self._do(self._pick_up(phone, call, self._source.uniform(*SEAT_PICKS_UP_S)))
        elif event.kind == "established" and visit is not None:
            self._with_person.add(visit.number)
            self._do(self._talk(phone, call, visit))

    async def _pick_up(self, phone: Baresip, call: PhoneCall, after_s: float) -> None:
        await asyncio.sleep(after_s)
        if call.is_open:
            await phone.accept()

    async def _talk(self, phone: Baresip, call: PhoneCall, visit: Visit) -> None:
        if visit.topic is not None and visit.number not in self._handed_over:
            self._handed_over.add(visit.number)
            await asyncio.sleep(ASKS_AFTER_S)
            await self._hand_over(phone, call, visit.topic)
            return
        await asyncio.sleep(visit.talk_s)
        if not call.is_open:
            return
        caller = self._callers.get(visit.number)
        if visit.caller_ends and caller is not None:
            caller.hang_up()
        else:
            await phone.hang_up()

    async def _hand_over(self, phone: Baresip, call: PhoneCall, topic: str) -> None:
        if call.is_open:
            await phone.send_digits("*7")
            await asyncio.sleep(KEYS_APART_S)
            await phone.send_digits(topic)
            await asyncio.sleep(LEAVES_WITHIN_S)
        if call.is_open:
            await phone.hang_up()

    # --- specialists

    def _specialist_heard(self, phone: Baresip, event: PhoneEvent) -> None:
        call = event.call
        if call is None or call.direction != "in":
            return
        if event.kind == "incoming":
            self._do(self._pick_up(phone, call, self._source.uniform(0.7, 1.5)))
        elif event.kind == "established":
            visit = self._visits.get(caller_shown(call))
            self._do(self._advise(phone, call, visit.specialist_s if visit is not None else 3.0))

    async def _advise(self, phone: Baresip, call: PhoneCall, talk_s: float) -> None:
        await asyncio.sleep(talk_s)
        if call.is_open:
            await phone.hang_up()

    def _do(self, act: Coroutine[Any, Any, None]) -> None:
        async def watched() -> None:
            try:
                await act
            except LabError as error:
                self.failures.append(str(error))

        task = asyncio.get_running_loop().create_task(watched())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

"""What a check says, and what all checks share.

Theory: a check is one function that looks at one thing and returns findings, each one line: how it stands, and what to do.
It never raises for what it finds. Nothing here disturbs a service that runs: no lock is kept, no log-in but our own two
sessions, no channel is touched, and the only thing written on the PBX is a global of the check's own.
"""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from callcenter.asterisk.link import AmiLink
from callcenter.asterisk.message import AmiMessage
from config.plan import PlanFile
from config.settings import Settings

_T = TypeVar("_T")


class State(Enum):
    """How one thing stands."""

    OK = "ok"
    WARN = "warn"
    """Works, but its owner should know."""
    FAIL = "FAIL"
    SKIPPED = "-"
    """Not checked: something that it needs is wrong, or it cannot be seen from here."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the answer."""

    item: str
    state: State
    says: str
    """What was found."""
    do: str = ""
    """What to do; empty where nothing is to be done."""

    def __str__(self) -> str:
        return f"{self.state.value:<4} {self.item:<14} {self.says}" + (f" -> {self.do}" if self.do else "")


class Refused(Exception):
    """Asterisk refuses an action for want of a privilege: the line of the privileges says which."""


@dataclass(slots=True)
class Scene:
    """What the checks look at."""

    settings: Settings
    plan: PlanFile | None
    """None: the plan is wrong."""
    actions: AmiLink | None = None
    """None: not logged in."""
    events: AmiLink | None = None
    heard: list[AmiMessage] = field(default_factory=list)
    """Events that the second session delivered."""
    refusals: dict[str, str] = field(default_factory=dict)
    """Session (`actions`, `events`) -> why there is no log-in."""

    @property
    def link(self) -> AmiLink:
        """The session for actions; only for checks that need it (the runner sees to that)."""
        assert self.actions is not None
        return self.actions


async def beside(work: Callable[[], _T]) -> _T:
    """Run blocking work in a thread that nobody ever waits for: a look-up or a disk that hangs must not hold our end."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def finish(act: Callable[[], None]) -> None:
        if not done.done():
            act()

    def run() -> None:
        try:
            result = work()
        except Exception as error:
            failure = error
            _post(loop, lambda: finish(lambda: done.set_exception(failure)))
        else:
            _post(loop, lambda: finish(lambda: done.set_result(result)))

    threading.Thread(target=run, daemon=True, name="check").start()
    return await done


def _post(loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(act)
    except RuntimeError:  # the loop is closed: nobody waits for this any more
        return

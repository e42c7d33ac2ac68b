"""Heavy work beside a loop that must not wait: how a worker thread gives way.

Theory: Python's lock is given up only every 5 ms, and a collection of garbage holds it for as long as there are objects:
with a hundred thousand rows alive that is hundreds of milliseconds. So while such work runs, the lock changes hands every
half millisecond and nothing is collected automatically (rows hold no cycles; they go when the work is done). The settings are the
process's: the first one who works sets them, the last one sets them back.
"""

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SWITCH_S = 0.0005


class _Settings:
    """What the settings were, while somebody works."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._workers = 0
        self._interval_s, self._collects = 0.0, False

    def begin(self) -> None:
        with self._lock:
            self._workers += 1
            if self._workers == 1:
                self._interval_s, self._collects = sys.getswitchinterval(), gc.isenabled()
                sys.setswitchinterval(SWITCH_S)
                gc.disable()

    def end(self) -> None:
        with self._lock:
            self._workers -= 1
            if not self._workers:
                sys.setswitchinterval(self._interval_s)
                if self._collects:
                    gc.enable()


_SETTINGS = _Settings()


@contextmanager
def giving_way() -> Iterator[None]:
    """Run the work inside so; several may at a time."""
    _SETTINGS.begin()
    try:
        yield
    finally:
        _SETTINGS.end()

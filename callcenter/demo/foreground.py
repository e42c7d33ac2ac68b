"""Ctrl-C is for the demo, not for make.

A terminal sends Ctrl-C to every process of its foreground group. make would then end with "Interrupt" whatever the demo
says, so the demo takes the terminal's foreground for a group of its own, as a shell does for its jobs, and gives it back
at the end. Only where it was in the foreground itself; signals sent to the group by other means arrive as ever.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def own_foreground() -> Iterator[None]:
    """Hold the terminal's foreground alone; does nothing without a terminal, or for a leader of its group."""
    try:
        terminal = sys.stdin.fileno()
        group = os.getpgrp()
        is_ours = os.isatty(terminal) and os.tcgetpgrp(terminal) == group and group != os.getpid()
    except (OSError, ValueError):
        is_ours = False
    if not is_ours:
        yield
        return
    # Without them ignored, taking the foreground back would stop us; and nobody could wake us after Ctrl-Z.
    for number in (signal.SIGTTOU, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)
    os.setpgid(0, 0)
    os.tcsetpgrp(terminal, os.getpgrp())
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.tcsetpgrp(terminal, group)

"""What `callcenter` starts: the whole command line, or only the supervisor's part of it.

A supervisor's order must take effect within a second, and the libraries of the whole service take longer than that to load
on a small machine. So `agent`, `line` and `call` are looked at first, and load a client only; all else is `callcenter.__main__`.
"""

import sys

HAND = ("agent", "line", "call")


def main() -> None:
    """Run the command line."""
    if sys.argv[1:] and sys.argv[1] in HAND:
        from callcenter.supervisor_cli import alone

        alone()
    else:
        from callcenter.__main__ import main as whole

        whole()

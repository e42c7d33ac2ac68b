"""Text of the Asterisk configuration that depends on the plan: the fallback queues, one for each line.

The rest of `config/asterisk/` is the same for every installation. Pure: takes line codes, returns text.
"""

import re
from collections.abc import Iterable

QUEUE_PREFIX = "callcenter-"
"""Name of a line's fallback queue: this and the line's code. The dialplan builds the same name."""

DEFAULT_QUEUE = "callcenter-default"
"""Where the dialplan sends a caller whose line has no queue; `queues_callcenter.conf` defines it."""

_LINE = re.compile(r"[a-z0-9_-]{1,32}")


def queue_name(line: str) -> str:
    """Return the name of a line's queue in Asterisk. Raises ValueError for a code that the dialplan would not take."""
    if not _LINE.fullmatch(line):
        raise ValueError(f"line code {line!r} is not of a-z, 0-9, _ and -, 1 to 32 of them")
    return QUEUE_PREFIX + line


def render_queues(lines: Iterable[str]) -> str:
    """Return the sections for queues.conf, below the include of `queues_callcenter.conf`: one queue for each line code.

    A line called `default` needs none, since the shipped file has it.
    """
    names = dict.fromkeys(queue_name(line) for line in lines)
    return "".join(f"[{name}](callcenter-queue)\n" for name in names if name != DEFAULT_QUEUE)

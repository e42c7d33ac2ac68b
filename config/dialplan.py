"""The Asterisk configuration as this program ships it, and its text that depends on the plan: the fallback queues.

The rest of `config/asterisk/` is the same for every installation.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

SHIPPED = Path(__file__).parent / "asterisk"
"""Folder of the files that an operator includes."""

QUEUE_PREFIX = "callcenter-"
"""Name of a line's fallback queue: this and the line's code. The dialplan builds the same name."""

DEFAULT_QUEUE = "callcenter-default"
"""Where the dialplan sends a caller whose line has no queue; `queues_callcenter.conf` defines it."""

_VERSION = re.compile(r"^CC_VERSION=(\S+)$", re.MULTILINE)
_BOX = re.compile(r"[0-9]{1,10}")
_PIN = re.compile(r"[0-9]{4,16}")
_BOX_OPTIONS = "attach=no|delete=no|review=no|operator=no|minsecs=1|maxsecs=300|maxmsg=9999"
"""No mail, no keys while he speaks, nothing shorter than a second, five minutes at most, and room for many."""
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


def render_voicemail(pins: Mapping[str, str]) -> str:
    """Return the section for voicemail.conf, below the include of `voicemail_callcenter.conf`: mailbox -> PIN.

    Raises ValueError for what is no mailbox, and for a PIN that is missing, no number, or easily guessed.
    """
    rows = []
    for box, pin in pins.items():
        if not _BOX.fullmatch(box):
            raise ValueError(f"mailbox {box!r} is not 1 to 10 digits")
        if not _PIN.fullmatch(pin) or len(set(pin)) == 1 or pin == box:
            raise ValueError(f"mailbox {box}: a PIN is 4 to 16 digits, not all the same and not the mailbox itself")
        rows.append(f"{box} => {pin},callcenter {box},,,{_BOX_OPTIONS}\n")
    return "[callcenter](+)\n" + "".join(rows)


def shipped_version() -> str:
    """Return the version of the dialplan that this program ships (its global CC_VERSION)."""
    found = _VERSION.search((SHIPPED / "extensions_callcenter.conf").read_text(encoding="utf-8"))
    assert found is not None, "the shipped dialplan has no CC_VERSION"
    return found[1]

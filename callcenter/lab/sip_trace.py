"""SIPp's message log, read while it is written: what was really sent and received, with SIPp's own instants."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

_HEAD = re.compile(
    rb"-{20,} (?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z?)\r?\n"
    rb"\w+ message (?P<way>sent|received) \[\d+\] bytes\s*:\r?\n\r?\n"
)


@dataclass(frozen=True, slots=True)
class SipMessage:
    """One SIP message as a phone sent or received it."""

    at: float
    """Wall clock, seconds since the epoch."""
    is_sent: bool
    first_line: str
    headers: dict[str, str]
    """Header name in lower case -> value of its first line."""

    @property
    def status(self) -> int | None:
        """Status code; None for a request."""
        return int(self.first_line.split()[1]) if self.first_line.startswith("SIP/2.0 ") else None

    @property
    def method(self) -> str:
        """Method of the request, or of the request that this answers (CSeq)."""
        return self.headers.get("cseq", "").split()[-1] if self.headers.get("cseq") else ""

    @property
    def call_id(self) -> str:
        """Its Call-ID."""
        return self.headers.get("call-id", "")


def address(value: str) -> tuple[str, str]:
    """Return (user part, display name) of a From, To or Contact value."""
    user = re.search(r"<?sips?:([^@;>]*)@?", value)
    name = re.match(r'\s*"((?:[^"\\]|\\.)*)"', value)
    return (user[1] if user else "", name[1] if name else "")


class TraceReader:
    """Cuts the growing log into messages. A message counts as whole when its headers have ended."""

    def __init__(self, on_message: Callable[[SipMessage], None]) -> None:
        self._on_message = on_message
        self._pending = b""

    def feed(self, data: bytes) -> None:
        """Take what was written since the last time."""
        self._pending += data
        while (head := _HEAD.search(self._pending)) is not None:
            body = re.search(rb"\r?\n\r?\n", self._pending[head.end() :])
            if body is None:
                break
            text = self._pending[head.end() : head.end() + body.start()].decode("utf-8", "replace")
            self._pending = self._pending[head.end() + body.end() :]
            self._on_message(_message(head, text))


def _message(head: "re.Match[bytes]", text: str) -> SipMessage:
    first, *lines = text.replace("\r\n", "\n").split("\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers.setdefault(name.strip().lower(), value.strip())
    at = datetime.fromisoformat(head["at"].decode()).astimezone().timestamp()
    return SipMessage(at, head["way"] == b"sent", first, headers)

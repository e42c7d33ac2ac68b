"""One AMI block as a mapping, and the bytes of an action.

Theory of operation. A block is lines `Key: value` up to an empty line. Asterisk does not escape values:
text that a caller controls could contain line ends and so forge further headers. Three rules follow. The
FIRST value of a repeated header is the one that counts (Asterisk writes its own headers before anything
that a caller could have put there); all of them stay readable with `get_all`. Text is UTF-8, and what is
not becomes U+FFFD, as does NUL: every string that leaves here can be stored in any database. In the other
direction, nothing that could end a line ever goes into an action.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from callcenter.asterisk.errors import AmiBadValue

ActionValue = str | int
"""What may stand in a header of an action; a float would be written in Python's way, so it is not allowed."""

Action = Mapping[str, ActionValue | Sequence[ActionValue]] | Sequence[tuple[str, ActionValue]]
"""An action: a mapping (a sequence as value repeats the header), or pairs in the order wanted. Without
ActionID.
"""

MAX_LINE_BYTES = (
    1000  # Asterisk 22 breaks a line of more than 1021 bytes apart (measured), its rest is read as a new line
)
MAX_HEADERS = 120  # and of more than 128 headers (AST_MAX_MANHEADERS) the rest is ignored

_FORBIDDEN = frozenset("\r\n\0")


class AmiMessage(Mapping[str, str]):
    """An event or a response, readable without regard to case; `message.get("uniqueid")` is its first
    value.
    """

    __slots__ = ("_folded", "_headers", "_more", "received_at")

    def __init__(
        self, headers: dict[str, str], more: dict[str, list[str]] | None = None, received_at: float = 0.0
    ) -> None:
        self._headers = headers  # first value by name as written
        self._more = more  # further values by name as written; None when no header was repeated
        self._folded: dict[str, str] | None = None  # name as written by lower-case name, made on first need
        self.received_at = received_at
        """When its last byte reached us, seconds of the link's monotonic clock."""

    @classmethod
    def parse(cls, block: bytes, received_at: float = 0.0) -> "AmiMessage":
        """Read one block without its closing empty line; any bytes are accepted."""
        text = block.decode("utf-8", "replace")
        if "\0" in text:
            text = text.replace("\0", "\ufffd")
        lines = text.split("\r\n")
        try:
            headers = dict([line.split(": ", 1) for line in lines])
        except ValueError:
            return cls._parse_uneven(lines, received_at)
        if len(headers) != len(lines):
            return cls._parse_uneven(lines, received_at)
        return cls(headers, None, received_at)

    @classmethod
    def _parse_uneven(cls, lines: Iterable[str], received_at: float) -> "AmiMessage":
        """The slow path: repeated headers, lines without a value or without a colon (the latter are left
        out).
        """
        headers: dict[str, str] = {}
        more: dict[str, list[str]] = {}
        for line in lines:
            key, colon, value = line.partition(":")
            if not colon:
                continue
            value = value.removeprefix(" ")
            if key in headers:
                more.setdefault(key, []).append(value)
            else:
                headers[key] = value
        return cls(headers, more or None, received_at)

    def _name_of(self, key: str) -> str | None:
        if key in self._headers:
            return key
        if self._folded is None:
            folded: dict[str, str] = {}
            for name in self._headers:
                folded.setdefault(name.lower(), name)
            self._folded = folded
        return self._folded.get(key.lower())

    def __getitem__(self, key: str) -> str:
        name = self._name_of(key)
        if name is None:
            raise KeyError(key)
        return self._headers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)

    def __repr__(self) -> str:
        return f"<AmiMessage {self.name or self.get('Response', '')} {len(self)} headers>"

    def exact(self, name: str) -> str | None:
        """The first value under this very spelling, None without: cheaper than `get` where it is often
        missing.
        """
        return self._headers.get(name)

    def get_all(self, key: str) -> tuple[str, ...]:
        """Every value of a header in the order written; () when it is not there."""
        name = self._name_of(key)
        if name is None:
            return ()
        return (self._headers[name], *(self._more or {}).get(name, ()))

    def variables(self, key: str = "ChanVariable") -> dict[str, str]:
        """The `NAME=value` headers called `key` as a dict; first value wins, values without `=` are left
        out.
        """
        found: dict[str, str] = {}
        for item in self.get_all(key):
            name, equals, value = item.partition("=")
            if equals:
                found.setdefault(name, value)
        return found

    @property
    def event(self) -> str:
        """The event's name ("Newchannel", "UserEvent"); "" for a response."""
        return self._headers.get("Event", "")

    @property
    def name(self) -> str:
        """What happened: a UserEvent's own name ("CcArrived"), otherwise the event's; "" for a response."""
        event = self.event
        return self._headers.get("UserEvent", event) if event == "UserEvent" else event

    @property
    def at_ms(self) -> int | None:
        """The PBX's own instant (header Timestamp) in whole milliseconds, cut not rounded; None without
        one.
        """
        at_us = self.at_us
        return None if at_us is None else at_us // 1000

    @property
    def at_us(self) -> int | None:
        """The same in microseconds, as Asterisk writes it (`timestampevents=yes`, and in every Pong)."""
        seconds, _, fraction = self._headers.get("Timestamp", "").partition(".")
        digits = fraction[:6].ljust(6, "0")
        if not (_is_number(seconds) and _is_number(digits)):
            return None
        return int(seconds) * 1_000_000 + int(digits)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15


@dataclass(frozen=True, slots=True)
class AmiReply:
    """The PBX's answer to one action; `events` are the items of a list, without its Complete event."""

    message: AmiMessage
    events: tuple[AmiMessage, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the PBX said Success (often only: "queued"), not whether the wished effect came about."""
        return self.message.get("Response", "").lower() in {"success", "goodbye"}

    @property
    def text(self) -> str:
        """The PBX's words ("No such channel"); "" when it gave none."""
        return self.message.get("Message", "")


def action_pairs(action: Action) -> list[tuple[str, str]]:
    """The action's headers in order, each checked; raises AmiBadValue for whatever could not arrive as
    meant.
    """
    pairs: list[tuple[str, str]] = []
    if isinstance(action, Mapping):
        for key, value in action.items():
            values: Sequence[object] = (value,)
            if isinstance(value, Sequence) and not isinstance(value, str):
                values = value
            pairs.extend(_checked(key, item) for item in values)
    else:
        pairs.extend(_checked(key, value) for key, value in action)
    names = [key.lower() for key, _ in pairs]
    if names.count("action") != 1:
        raise AmiBadValue("Action", "must be there exactly once")
    if "actionid" in names:
        raise AmiBadValue("ActionID", "belongs to the link")
    if len(pairs) > MAX_HEADERS:
        raise AmiBadValue("Action", f"has more than {MAX_HEADERS} headers")
    return pairs


def _checked(key: object, value: object) -> tuple[str, str]:
    if not isinstance(key, str) or not key or ":" in key or not _FORBIDDEN.isdisjoint(key):
        raise AmiBadValue(str(key), "is no header name")
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise AmiBadValue(key, f"has a value of type {type(value).__name__}")
    text = str(value)
    if not _FORBIDDEN.isdisjoint(text):
        raise AmiBadValue(key, "contains CR, LF or NUL")
    try:
        size = len(f"{key}: {text}".encode())
    except UnicodeEncodeError as error:
        raise AmiBadValue(key, "is not writable as UTF-8") from error
    if size > MAX_LINE_BYTES:
        raise AmiBadValue(key, f"is longer than {MAX_LINE_BYTES} bytes")
    return key, text


def action_bytes(pairs: Iterable[tuple[str, str]], action_id: str) -> bytes:
    """The block to write, of pairs that `action_pairs` has checked."""
    lines = [f"{key}: {value}" for key, value in pairs]
    lines.append(f"ActionID: {action_id}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()

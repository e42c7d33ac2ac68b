"""The AMI byte stream cut into messages, incrementally, and cheap for what nobody wants.

Theory of operation. The stream is cut at empty lines, as bytes; characters are decoded only in whole
blocks, so a segment may end anywhere, inside a character too. Most of what a PBX says is of no interest (a
call makes about a hundred events, we need a dozen): the first line alone, still bytes, decides whether a
block is kept, and an unwanted one costs one slice and one look-up. Nothing here waits or knows a socket.
"""

from dataclasses import dataclass

from callcenter.asterisk.errors import AmiWrongPeer
from callcenter.asterisk.message import AmiMessage

_EOL = b"\r\n"
_BANNER = b"Asterisk Call Manager/"
_EVENT = b"Event: "
MAX_BANNER_BYTES = 256
MAX_BLOCK_BYTES = 1 << 20  # far above any real block; a peer that never ends one must not eat our memory


@dataclass(slots=True)
class AmiCounters:
    """What a link has seen since it was made; only ever grows."""

    events: int = 0  # handed to the consumer
    dropped: int = 0  # events that were not on the list of names to keep
    late_replies: int = 0  # answers nobody waits for any more
    callback_errors: int = 0  # exceptions out of the consumer's callbacks, caught and logged
    timeouts: int = 0  # actions without an answer in time
    connects: int = 0  # log-ins that succeeded


class AmiParser:
    """Bytes in, kept messages out; `keep` are the names of events to keep (None: all), as Asterisk writes
    them.
    """

    def __init__(self, keep: frozenset[str] | None, counters: AmiCounters | None = None) -> None:
        self._keep = None if keep is None else frozenset(_EVENT + name.encode() for name in keep)
        self._tail = b""
        self._counters = counters if counters is not None else AmiCounters()
        self.banner: str | None = None
        """The version after "Asterisk Call Manager/" ("11.0.0"); None until the banner came."""
        self.wanted_ids: dict[bytes, None] = {}
        """ActionIDs of lists under way: events with one of these are kept whatever their name."""

    def feed(self, data: bytes, received_at: float = 0.0) -> list[AmiMessage]:
        """Take the next segment; raises AmiWrongPeer when this cannot be AMI (feed nothing after that)."""
        if self._tail:
            data = self._tail + data
        if self.banner is None:
            rest = self._read_banner(data)
            if rest is None:
                return []
            data = rest
        blocks = data.split(_EOL + _EOL)
        self._tail = blocks.pop()
        if len(self._tail) > MAX_BLOCK_BYTES:
            raise AmiWrongPeer(f"a block of more than {MAX_BLOCK_BYTES} bytes")
        keep = self._keep
        messages: list[AmiMessage] = []
        dropped = 0
        for block in blocks:
            if block.startswith(_EVENT):
                if keep is None or block.split(_EOL, 1)[0] in keep or (self.wanted_ids and self._is_wanted(block)):
                    messages.append(AmiMessage.parse(block, received_at))
                else:
                    dropped += 1
            else:
                message = self._read_odd(block, received_at)
                if message is not None:
                    messages.append(message)
        self._counters.dropped += dropped
        return messages

    def _read_banner(self, data: bytes) -> bytes | None:
        line, eol, rest = data.partition(_EOL)
        if not line.startswith(_BANNER[: len(line)]) or len(line) > MAX_BANNER_BYTES:
            raise AmiWrongPeer(f"not an Asterisk manager port, it says {line[:40]!r}")
        if not eol:
            self._tail = data
            return None
        if not line.startswith(_BANNER):
            raise AmiWrongPeer(f"not an Asterisk manager port, it says {line[:40]!r}")
        self._tail = b""
        self.banner = line[len(_BANNER) :].decode("ascii", "replace").strip()
        return rest

    def _is_wanted(self, block: bytes) -> bool:
        """Whether the block's first ActionID (a later one may be forged by a value) is of a list we sent."""
        start = block.find(b"\r\nActionID: ")
        if start < 0:
            return False
        start += 12
        end = block.find(_EOL, start)
        return (block[start:] if end < 0 else block[start:end]) in self.wanted_ids

    def _read_odd(self, block: bytes, received_at: float) -> AmiMessage | None:
        """A response, an event whose name is not on the first line, or an empty line too many."""
        block = block.lstrip(_EOL)
        if not block:
            return None
        message = AmiMessage.parse(block, received_at)
        if message.get("Response") is not None:
            return message
        event = message.get("Event")
        if event is None:
            return None
        if self._keep is None or _EVENT + event.encode() in self._keep or self._is_wanted(_EOL + block):
            return message
        self._counters.dropped += 1
        return None

"""`ami_parse`: events a second through our AMI protocol class and through panoramisk's own, from bytes to
the callback.

Theory of operation. The stream is a recording of a real Asterisk (22.10, a few calls by callers with
Chinese names, classes call, agent, user, dialplan; numbers made anonymous), repeated, and cut into segments
at random bytes from a fixed seed. Both get the same segments and both give the kept events, about 40 % of
all, to a callback that puts them into a list; afterwards the lists are compared, event by event, every
header with every value.

panoramisk decodes each segment on its own and so loses characters that are cut in two. It is therefore told
that the stream is latin-1 (which costs it less than UTF-8) and its values are decoded for the comparison
only. It has a single pattern. Runs alternate, the best of each counts: what else the machine does must not
decide.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from panoramisk import Manager
from panoramisk.ami_protocol import AMIProtocol

from callcenter.asterisk.carrier import AmiConnection
from callcenter.asterisk.message import AmiMessage
from callcenter.asterisk.protocol import AmiProtocol
from callcenter.bench.errors import BenchWrong

RECORDING = Path(__file__).with_name("ami_recording.txt")
KEEP = frozenset(
    "Newchannel Newstate NewCallerid NewConnectedLine DialBegin DialState DialEnd BridgeEnter BridgeLeave Hold Unhold "
    "HangupRequest SoftHangupRequest Hangup UserEvent DeviceStateChange".split()
)
REPEATS = 15  # of the recording in one run
RUNS = 5
SEED = 12345
MEAN_SEGMENT_BYTES = 1400  # about one TCP segment

Headers = list[tuple[str, tuple[str, ...]]]


class _NoTransport(asyncio.Transport):
    """The transport of a stream that nobody answers."""


def segments_of(stream: bytes, seed: int) -> list[bytes]:
    """The stream cut at random bytes."""
    rng = random.Random(seed)
    cuts = sorted(rng.sample(range(1, len(stream)), len(stream) // MEAN_SEGMENT_BYTES))
    return [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


def _feed(receive: Callable[[bytes], None], segments: Sequence[bytes]) -> float:
    started = time.perf_counter()
    for segment in segments:
        receive(segment)
    return time.perf_counter() - started


def feed_ours(segments: Sequence[bytes]) -> tuple[float, list[AmiMessage]]:
    """Seconds, and the kept events, of our protocol on panoramisk's Manager."""
    kept: list[AmiMessage] = []
    connection = AmiConnection("127.0.0.1", 0, None, lambda _: protocol, kept.append, lambda _: None)
    protocol = AmiProtocol(connection, KEEP)
    protocol.connection_made(_NoTransport())
    return _feed(protocol.data_received, segments), kept


def feed_panoramisk(segments: Sequence[bytes]) -> tuple[float, list[Any]]:
    """The same of panoramisk's own protocol class."""
    kept: list[Any] = []
    manager = Manager(loop=asyncio.get_running_loop(), encoding="latin-1")

    def keep(_: object, event: Any) -> None:
        if event.event in KEEP:
            kept.append(event)

    manager.patterns.clear()  # of its own; then one, ours
    manager.register_event("*", keep)
    protocol = AMIProtocol()
    protocol.connection_made(_NoTransport())
    protocol.factory = manager
    protocol.encoding = manager.config["encoding"]
    return _feed(protocol.data_received, segments), kept


def _headers_of_ours(message: AmiMessage) -> Headers:
    return [(key, message.get_all(key)) for key in message]


def _headers_of_theirs(message: Any) -> Headers:
    headers: Headers = []
    for key, value in message.items():
        if key == "content":  # panoramisk's own, the body of a command's answer
            continue
        values = value if isinstance(value, list) else [value]
        headers.append((key, tuple(item.encode("latin-1").decode("utf-8", "replace") for item in values)))
    return headers


def compare(ours: Sequence[AmiMessage], theirs: Sequence[Any]) -> None:
    """Raise BenchWrong unless both lists hold the same events with the same headers and values."""
    if len(ours) != len(theirs):
        raise BenchWrong(f"{len(ours)} events kept by ours, {len(theirs)} by panoramisk")
    for number, (own, other) in enumerate(zip(ours, theirs, strict=True)):
        own_headers, other_headers = _headers_of_ours(own), _headers_of_theirs(other)
        if own_headers and own_headers[-1][1] == ("",):
            own_headers.pop()  # panoramisk strips the block and so loses a last header without a value
        if own_headers != other_headers:
            raise BenchWrong(f"event {number} differs: {own_headers} and {other_headers}")


async def _measure() -> dict[str, Any]:
    recording = RECORDING.read_bytes()
    banner, eol, body = recording.partition(b"\r\n")
    stream = banner + eol + body * REPEATS
    events = stream.count(b"\r\n\r\nEvent: ")
    segments = segments_of(stream, SEED)
    best_ours = best_theirs = float("inf")
    for turn in range(RUNS):
        theirs_s, theirs = feed_panoramisk(segments)
        ours_s, ours = feed_ours(segments)
        best_theirs, best_ours = min(best_theirs, theirs_s), min(best_ours, ours_s)
        if turn == 0:
            compare(ours, theirs)
            share = len(ours) / events
            if not 0.35 <= share <= 0.45:
                raise BenchWrong(f"{share:.0%} of the events are kept, 40 % were meant")
            if not any("欧阳娜娜" in message.get("CallerIDName", "") for message in ours):
                raise BenchWrong("no Chinese name came through")
    return {
        "name": "ami_parse",
        "events_per_s": round(events / best_ours),
        "panoramisk_events_per_s": round(events / best_theirs),
        "ratio": round(best_theirs / best_ours, 2),
        "events": events,
        "kept_share": round(share, 3),
    }


def run() -> dict[str, Any]:
    """Measure; the keys are `events_per_s`, `panoramisk_events_per_s`, `ratio` (ours to theirs)."""
    return asyncio.run(_measure())

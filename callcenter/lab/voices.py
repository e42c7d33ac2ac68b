"""Sound for scripted phones: tones sent as RTP to wherever Asterisk listens, and a count of what it sends back.

Theory of operation: a scripted phone (`sip_phone`) has no media of its own; its SDP names a port at which nobody is. Asterisk
(rtp_symmetric) sends to where sound comes from, so one socket of ours can speak for any number of phones: the peer's port
tells the legs apart. Every 20 ms each voice sends one packet of G.711 mu-law; a late loop sends what it owes, so the length
of the sound is that of the wall clock. `has_tone` looks at a sound file by ear: is this frequency in it?
"""

import asyncio
import itertools
import math
import re
import socket
import struct
import wave
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

RATE_HZ = 8000
PACKET_S = 0.02
_SAMPLES = 160
_AMPLITUDE = 8000
_SOURCES = itertools.count(1)
Address = tuple[str, int]


def mu_law(sample: int) -> int:
    """Return a 16-bit sample as one byte of G.711 mu-law."""
    size = min(abs(sample), 32635) + 132
    exponent = max(size.bit_length() - 8, 0)
    code = (0x80 if sample < 0 else 0) | (exponent << 4) | ((size >> (exponent + 3)) & 0x0F)
    return ~code & 0xFF


def _linear(code: int) -> int:
    """Return one byte of G.711 mu-law as a 16-bit sample."""
    code = ~code & 0xFF
    size = (((code & 0x0F) << 3) + 132 << ((code & 0x70) >> 4)) - 132
    return -size if code & 0x80 else size


_LINEAR = tuple(_linear(code) for code in range(256))


def _tone(hz: int) -> tuple[bytes, ...]:
    """One second of a tone as packets, silence for 0; whole Hz, so that it goes on without a click."""
    samples = bytes(
        mu_law(int(_AMPLITUDE * math.sin(2 * math.pi * hz * i / RATE_HZ))) if hz else 0xFF for i in range(RATE_HZ)
    )
    return tuple(samples[i : i + _SAMPLES] for i in range(0, RATE_HZ, _SAMPLES))


def media_of(message: str) -> Address:
    """Return where the sender of this SIP message (with SDP) wants its sound. Raises ValueError."""
    host = re.search(r"^c=IN IP4 (\S+)", message, re.MULTILINE)
    port = re.search(r"^m=audio (\d+)", message, re.MULTILINE)
    if host is None or port is None:
        raise ValueError("no SDP in this message")
    return host[1], int(port[1])


@dataclass(slots=True)
class Voice:
    """One party that speaks: a tone to one address."""

    to: Address
    packets: tuple[bytes, ...]
    began: float
    """Loop seconds."""
    source: int = field(default_factory=lambda: next(_SOURCES))
    sent: int = 0


class Voices(asyncio.DatagramProtocol):
    """All who speak from one address of this machine."""

    def __init__(self, *, keeps: bool = False) -> None:
        """keeps: what is heard is kept too (`samples_from`)."""
        self.heard: Counter[Address] = Counter()
        """Where packets came from -> how many."""
        self._kept: dict[Address, bytearray] | None = {} if keeps else None
        self._voices: dict[Address, Voice] = {}
        self._tones: dict[int, tuple[bytes, ...]] = {}
        self._transport: asyncio.DatagramTransport | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self, host: str = "127.0.0.1") -> Self:
        """Bind a free port of that address and begin."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, 0))
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._task = loop.create_task(self._run())
        return self

    @property
    def port(self) -> int:
        """UDP port of this address, once it is open."""
        assert self._transport is not None, "open() first"
        return int(self._transport.get_extra_info("sockname")[1])

    async def close(self) -> None:
        """Say nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._transport is not None:
            self._transport.close()

    def speak(self, to: Address, hz: int) -> None:
        """Send this tone (0: silence) from now on; a voice that speaks already changes its tone."""
        packets = self._tones.setdefault(hz, ()) or _tone(hz)
        self._tones[hz] = packets
        if to in self._voices:
            self._voices[to].packets = packets
        else:
            self._voices[to] = Voice(to, packets, asyncio.get_running_loop().time())

    def hush(self, to: Address) -> None:
        """End a voice; harmless when there is none."""
        self._voices.pop(to, None)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Count a packet of RTP."""
        if len(data) >= 12 and data[0] >> 6 == 2:
            self.heard[addr] += 1
            if self._kept is not None and data[1] & 0x7F == 0:
                self._kept.setdefault(addr, bytearray()).extend(data[12:])

    def samples_from(self, address: Address, since: int = 0) -> Sequence[int]:
        """Return what was heard from there (mu-law only), as 16-bit samples; without the first `since`."""
        return [_LINEAR[code] for code in (self._kept or {}).get(address, b"")[since:]]

    def error_received(self, exc: Exception) -> None:
        """The other side closed its port: its call is over."""

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            now = loop.time()
            for voice in self._voices.values():
                while voice.began + voice.sent * PACKET_S <= now:
                    self._send(voice)
            due = max(due + PACKET_S, now)
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _send(self, voice: Voice) -> None:
        n = voice.sent
        mark = 0x80 if n == 0 else 0
        head = struct.pack("!BBHII", 0x80, mark, n & 0xFFFF, n * _SAMPLES & 0xFFFFFFFF, voice.source)
        voice.sent += 1
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(head + voice.packets[n % len(voice.packets)], voice.to)


def samples_of(path: Path) -> Sequence[int]:
    """Return the samples of a mono 16-bit WAV file. Raises wave.Error, OSError."""
    with wave.open(str(path), "rb") as sound:
        data = sound.readframes(sound.getnframes())
    return struct.unpack(f"<{len(data) // 2}h", data[: len(data) // 2 * 2])


def has_tone(samples: Sequence[int], hz: int) -> bool:
    """Tell whether this frequency is in the sound for at least a tenth of a second: more than 1 % of full scale."""
    piece = RATE_HZ // 10
    return any(_level(samples[i : i + piece], hz) > 327 for i in range(0, len(samples) - piece + 1, piece))


def _level(samples: Sequence[int], hz: int) -> float:
    """Amplitude of one frequency (Goertzel's filter)."""
    turn = 2 * math.cos(2 * math.pi * hz / RATE_HZ)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + turn * last - before
    power = last * last + before * before - turn * last * before
    return 2 * math.sqrt(max(power, 0.0)) / len(samples)

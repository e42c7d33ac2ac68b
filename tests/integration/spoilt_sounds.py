"""Sound files that no Asterisk can play, each in a way that happens."""

import os
import wave
from collections.abc import Callable, Mapping
from pathlib import Path

TONE = b"".join((12000 if step % 20 < 10 else -12000).to_bytes(2, "little", signed=True) for step in range(8000))


def write_wav(path: Path, rate_hz: int = 8000, channels: int = 1, content: bytes = TONE) -> None:
    """Write a WAV file of 16 bits; without `rate_hz` one that can be played, a second long."""
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(2)
        sound.setframerate(rate_hz)
        sound.writeframes(content)


def _forbidden(path: Path) -> None:
    write_wav(path)
    path.chmod(0)


WAYS: Mapping[str, Callable[[Path], object]] = {
    "empty": Path.touch,
    "folder": Path.mkdir,
    "foreign": lambda path: path.write_bytes(b"ID3\x04 this is a song" * 100),
    "forbidden": _forbidden,
    "rate": lambda path: write_wav(path, 44100, 2),
    "no sound": lambda path: write_wav(path, content=b""),
}
"""Way -> what spoils a file that is not there yet."""


def spoil(path: Path, how: str, uid: int, gid: int) -> None:
    """Make a file that Asterisk's user owns and cannot play."""
    WAYS[how](path)
    os.chown(path, uid, gid)

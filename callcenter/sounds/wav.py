"""Sound files as Asterisk takes them: is this one readable, and is anything to be heard in it?

Theory: Asterisk picks a file by its suffix and reads most suffixes raw, so an empty file or a folder of that name plays as
silence without any error. A WAV file is looked at more closely: `.wav` must be 8 kHz, mono, 16 bits, uncompressed.
"""

import array
import math
import os
import pwd
import stat
import sys
import wave
from dataclasses import dataclass
from pathlib import Path

RATE_HZ = 8000
FULL_SCALE = 32768
SUFFIXES = (
    ".wav",
    ".wav16",
    ".alaw",
    ".al",
    ".ulaw",
    ".ul",
    ".pcm",
    ".sln",
    ".sln16",
    ".gsm",
    ".g722",
    ".g729",
    ".ogg",
)
"""What Asterisk may play, as far as its formats are loaded."""
_RATES = {".wav": RATE_HZ, ".wav16": 2 * RATE_HZ}


@dataclass(frozen=True, slots=True)
class Heard:
    """What is in a WAV file."""

    length_s: float
    peak: float
    """Largest sample, 0 to 1."""
    loudness: float
    """Root of the mean square, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Reader:
    """The user as whom Asterisk reads files."""

    uid: int
    gids: frozenset[int]

    @classmethod
    def owning(cls, path: Path) -> "Reader":
        """The user whom a file belongs to that Asterisk writes. Raises OSError."""
        found = path.stat()
        gids = {found.st_gid}
        try:
            gids |= set(os.getgrouplist(pwd.getpwuid(found.st_uid).pw_name, found.st_gid))
        except KeyError:  # a user without a name has the one group
            pass
        return cls(found.st_uid, frozenset(gids))

    def may_read(self, path: Path) -> bool:
        """Whether the modes of a file let him read it. Raises OSError."""
        found = path.stat()
        if self.uid == 0:
            return True
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IRUSR)
        if found.st_gid in self.gids:
            return bool(found.st_mode & stat.S_IRGRP)
        return bool(found.st_mode & stat.S_IROTH)


def listen(path: Path) -> Heard:
    """Return what is in an uncompressed mono WAV file of 16 bits. Raises OSError, EOFError or wave.Error."""
    with wave.open(str(path), "rb") as sound:
        samples = array.array("h", sound.readframes(sound.getnframes()))
        rate = sound.getframerate()
    if sys.byteorder == "big":
        samples.byteswap()
    if not samples:
        return Heard(0.0, 0.0, 0.0)
    peak = max(max(samples), -min(samples)) / FULL_SCALE
    loudness = math.sqrt(sum(sample * sample for sample in samples) / len(samples)) / FULL_SCALE
    return Heard(len(samples) / rate, peak, loudness)


def fault_of(path: Path, reader: Reader | None = None) -> str:
    """Return why Asterisk cannot play a file, in words; empty when nothing is wrong. `reader` None: permissions unknown."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            return "is no file"
        if found.st_size == 0:
            return "is empty"
        if reader is not None and not reader.may_read(path):
            return "may not be read by Asterisk's user"
        return _fault_of_wav(path, _RATES[path.suffix]) if path.suffix in _RATES else ""
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _fault_of_wav(path: Path, rate_hz: int) -> str:
    try:
        with wave.open(str(path), "rb") as sound:
            is_right = (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, rate_hz)
            count = sound.getnframes()
    except PermissionError:
        return ""  # not for our eyes, but Asterisk's user may
    except (EOFError, wave.Error):
        return "is no uncompressed WAV file"
    if not is_right:
        return f"is not {rate_hz // 1000} kHz, mono, 16 bits"
    return "" if count else "holds no sound"

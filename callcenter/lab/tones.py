"""Sounds made from sine waves, so that the lab needs no sound package.

Without a music file `MusicOnHold()` returns at once and a hold loop spins; without prompts `Playback` fails.
"""

import math
import secrets
import struct
import wave
from pathlib import Path

from callcenter.lab.cache import make_shared

RATE_HZ = 8000
TALK_S = 600
_AMPLITUDE = 6000
HOLD_NOTES_HZ = (392.0, 440.0, 523.25, 440.0, 392.0, 329.63, 293.66, 329.63, 392.0, 0.0)
TALK_NOTES_HZ = (220.0, 0.0, 247.0, 262.0, 0.0)


def write_tune(path: Path, notes_hz: tuple[float, ...], note_s: float = 0.4, times: int = 1) -> None:
    """Write a mono 16-bit 8 kHz WAV file that plays the notes one after the other, `times` over; 0 is a rest."""
    samples: list[int] = []
    count = int(RATE_HZ * note_s)
    for note_hz in notes_hz:
        for i in range(count):
            fade = min(1.0, i / 80, (count - 1 - i) / 80)
            samples.append(int(_AMPLITUDE * fade * math.sin(2 * math.pi * note_hz * i / RATE_HZ)))
    with wave.open(str(path), "wb") as tune:
        tune.setnchannels(1)
        tune.setsampwidth(2)
        tune.setframerate(RATE_HZ)
        tune.writeframes(struct.pack(f"<{len(samples)}h", *samples) * times)


def talk_file(folder: Path) -> Path:
    """Return the sound that phones speak with: ten minutes, made once per folder (softphones end a call with the file)."""
    path = folder / f"talk-{TALK_S}s.wav"
    if not path.exists():
        make_shared(folder)
        fresh = folder / f".talk-{secrets.token_hex(4)}"
        write_tune(fresh, TALK_NOTES_HZ, times=int(TALK_S / (0.4 * len(TALK_NOTES_HZ))))
        fresh.chmod(0o644)
        fresh.rename(path)
    return path

"""Sounds made from sine waves, so that the lab needs no sound package.

Without a music file `MusicOnHold()` returns at once and a hold loop spins; without prompts `Playback` fails.
"""

import math
import struct
import wave
from pathlib import Path

RATE_HZ = 8000
_AMPLITUDE = 6000


def write_tune(path: Path, notes_hz: tuple[float, ...], note_s: float = 0.4) -> None:
    """Write a mono 16-bit 8 kHz WAV file that plays the notes one after the other; 0 is a rest."""
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
        tune.writeframes(struct.pack(f"<{len(samples)}h", *samples))


HOLD_NOTES_HZ = (392.0, 440.0, 523.25, 440.0, 392.0, 329.63, 293.66, 329.63, 392.0, 0.0)
TALK_NOTES_HZ = (220.0, 0.0, 247.0, 262.0, 0.0)

"""Makes prompts, each once: what was spoken is kept in the cache under a hash of text, voice and version.

With everything in the cache no program is run and no network is needed. Where the synthesiser cannot be had, nothing is made, this
is said once, and tones stand in; it is asked for again after `AGAIN_S`.
"""

import contextlib
import hashlib
import secrets
import time
import wave
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from callcenter.lab.cache import Report, cache_folder, make_shared, say
from callcenter.lab.errors import LabError
from callcenter.sounds.errors import NotSpoken
from callcenter.sounds.voice import Voice, find_voice
from callcenter.sounds.wav import listen
from config.prompts import LANGUAGES, Prompt

AGAIN_S = 3600.0
"""How long a machine that had no synthesiser is not asked again."""
LEAST_S, LEAST_A_LETTER_S, MOST_A_LETTER_S = 0.3, 0.02, 0.6
"""A text that is spoken takes so long, by its letters."""
LEAST_PEAK, LEAST_LOUDNESS = 0.25, 0.02


@dataclass(frozen=True, slots=True)
class Sound:
    """One file that is wanted: a prompt in a language."""

    language: str
    prompt: Prompt

    @property
    def text(self) -> str:
        """What is said."""
        return self.prompt.text(self.language)


def sounds_of(prompts: Iterable[Prompt]) -> list[Sound]:
    """Return the prompts in every language."""
    return [Sound(language, prompt) for prompt in prompts for language in LANGUAGES]


def make(wanted: Iterable[Sound], report: Report = say) -> Mapping[Sound, Path]:
    """Return the file in the cache of each sound, spoken first if it is not there yet.

    What could not be made is reported and left out; never raises for it.
    """
    wanted = list(wanted)
    try:
        folder = cache_folder(report) / "prompts"
        make_shared(folder)
        voice = _voice(folder, report)
    except (LabError, OSError) as error:
        report(f"no speech synthesiser, tones stand in for prompts: {error}")
        return {}
    if voice is None:
        return {}
    places = {sound: folder / f"{_key(voice, sound)}.wav" for sound in wanted}
    missing = [sound for sound, path in places.items() if not path.exists()]
    if missing:
        report(f"prompts: {len(missing)} are spoken by {voice.version}")
        with ThreadPoolExecutor(max_workers=2) as pool:
            for _ in pool.map(lambda sound: _spoken(voice, sound, places[sound], report), missing):
                pass
    return {sound: path for sound, path in places.items() if path.exists()}


def _voice(folder: Path, report: Report) -> Voice | None:
    """Return the voice; None where it could not be had a short while ago. Raises LabError."""
    mark = folder / ".no-synthesiser"
    with contextlib.suppress(OSError):
        if time.time() - mark.stat().st_mtime < AGAIN_S:
            return None
    try:
        voice = find_voice(report)
    except (LabError, NotSpoken) as error:
        mark.touch()
        raise LabError(str(error)) from error
    mark.unlink(missing_ok=True)
    return voice


def _key(voice: Voice, sound: Sound) -> str:
    return hashlib.sha256(f"{voice.says(sound.language)}\n{sound.text}".encode()).hexdigest()[:32]


def _spoken(voice: Voice, sound: Sound, path: Path, report: Report) -> None:
    fresh = path.with_name(f".{path.stem}-{secrets.token_hex(4)}")
    try:
        fresh.write_bytes(voice.speak(sound.text, sound.language))
        check_audible(fresh, sound.text)
        fresh.chmod(0o644)
        fresh.rename(path)
    except (NotSpoken, OSError) as error:
        report(f"prompt {sound.language}/{sound.prompt.name} could not be made, a tone stands in: {error}")
    finally:
        fresh.unlink(missing_ok=True)


def check_audible(path: Path, text: str) -> None:
    """Raise NotSpoken when a file cannot be the text spoken: silent, too quiet, much too short or too long."""
    try:
        heard = listen(path)
    except (EOFError, wave.Error, OSError) as error:
        raise NotSpoken(f"{text!r} became no sound: {error}") from error
    letters = sum(character.isalnum() for character in text)
    if heard.peak < LEAST_PEAK or heard.loudness < LEAST_LOUDNESS:
        raise NotSpoken(f"{text!r} cannot be heard: peak {heard.peak:.3f}, loudness {heard.loudness:.3f}")
    if not max(LEAST_S, LEAST_A_LETTER_S * letters) <= heard.length_s <= 1.0 + MOST_A_LETTER_S * letters:
        raise NotSpoken(f"{text!r} takes {heard.length_s:.1f} s")

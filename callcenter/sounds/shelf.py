"""The folder of an Asterisk's sounds, shared by us and by the people who record prompts of their own.

Theory: beside the prompts lies a list (`.made.json`) with the hash of every file that we put there. A file whose hash is in the
list is ours and may be made anew; any other file is a person's own, whatever its format, and is never touched: our
file of that name is taken away, since Asterisk would choose between the two by itself.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from callcenter.sounds.maker import Sound
from callcenter.sounds.wav import SUFFIXES, fault_of
from config.prompts import PROMPT_FOLDER

LIST = ".made.json"


class State(Enum):
    """How a prompt stands on the shelf."""

    MADE = "made"
    OWN = "own"
    """A person put it there."""
    MISSING = "missing"
    UNREADABLE = "unreadable"
    """Asterisk cannot play what is there."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One prompt on the shelf."""

    sound: Sound
    state: State
    path: Path
    """Its file; where it is missing, the one that would be made."""
    fault: str = ""


class Shelf:
    """SOUNDS of one Asterisk: `<language>/callcenter/<name>.wav` below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lists: dict[str, dict[str, str]] = {}

    def place(self, sound: Sound) -> Path:
        """Return where the sound's file is put."""
        return self.folder / sound.language / PROMPT_FOLDER / f"{sound.prompt.name}.wav"

    def standing(self, sound: Sound) -> Standing:
        """Return how a prompt stands. Raises OSError where the shelf cannot be read."""
        ours = self.place(sound)
        files = [path for suffix in SUFFIXES if os.path.lexists(path := ours.with_suffix(suffix))]
        own = [path for path in files if path != ours or not self._is_made(sound)]
        if not files:
            return Standing(sound, State.MISSING, ours)
        path = (own or files)[0]
        if fault := fault_of(path):
            return Standing(sound, State.UNREADABLE, path, fault)
        return Standing(sound, State.OWN if own else State.MADE, path)

    def fill(self, made: Mapping[Sound, Path], overwrite: Iterable[str] = ()) -> list[Sound]:
        """Put made sounds on the shelf; returns those that were written. Raises OSError.

        A person's own file is left alone, readable or not, but for the names in `overwrite`.
        """
        forced = set(overwrite)
        written = []
        for sound, source in made.items():
            ours = self.place(sound)
            others = [path for suffix in SUFFIXES if (path := ours.with_suffix(suffix)) != ours and path.exists()]
            is_ours = self._is_made(sound)
            if sound.prompt.name in forced:
                for path in others:
                    path.unlink()
            elif others:
                if is_ours:
                    ours.unlink()
                    self._note(sound, None)
                continue
            elif os.path.lexists(ours) and not is_ours:
                continue
            if self._put(sound, source, ours):
                written.append(sound)
        self._keep()
        return written

    def _put(self, sound: Sound, source: Path, place: Path) -> bool:
        content = source.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if self._listed(sound.language).get(sound.prompt.name) == digest and place.exists() and self._is_made(sound):
            return False
        place.parent.mkdir(parents=True, exist_ok=True)
        _write(place, content)
        self._note(sound, digest)
        return True

    def _is_made(self, sound: Sound) -> bool:
        listed = self._listed(sound.language).get(sound.prompt.name)
        path = self.place(sound)
        return listed is not None and path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == listed

    def _listed(self, language: str) -> dict[str, str]:
        if language not in self._lists:
            try:
                text = (self.folder / language / PROMPT_FOLDER / LIST).read_text(encoding="utf-8")
                self._lists[language] = dict(json.loads(text))
            except (FileNotFoundError, NotADirectoryError, ValueError):  # nothing is known to be ours
                self._lists[language] = {}
        return self._lists[language]

    def _note(self, sound: Sound, digest: str | None) -> None:
        listed = self._listed(sound.language)
        if digest is None:
            listed.pop(sound.prompt.name, None)
        else:
            listed[sound.prompt.name] = digest

    def _keep(self) -> None:
        for language, listed in self._lists.items():
            folder = self.folder / language / PROMPT_FOLDER
            if folder.is_dir():
                _write(folder / LIST, (json.dumps(listed, indent=1, sort_keys=True) + "\n").encode())


def _write(path: Path, content: bytes) -> None:
    """Write a file that anybody may read, whole or not at all."""
    fresh = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    fresh.write_bytes(content)
    fresh.chmod(0o644)
    if path.is_dir():
        path.rmdir()
    fresh.rename(path)

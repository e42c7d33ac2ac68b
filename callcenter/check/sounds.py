"""Check of prompts and greetings, where Asterisk's disk can be read from here.

Theory: whatever cannot be played is heard as a tone, so nothing here stops a call, and every finding is a warning. A file
that is there but cannot be played comes first: its owner believes that it is heard.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from acd.plan import Line, Plan
from callcenter.check.finding import Finding, Scene, State, beside
from callcenter.check.host import is_this_host
from callcenter.sounds.wav import SUFFIXES, Reader, fault_of
from config.prompts import PROMPT_FOLDER, agent_prompts, prompt_names

PHONES = "zh"
"""Language that agents' phones are given by our example, and callers where no line says otherwise."""
SPARE = ("en", "")
"""Folders in which Asterisk looks for what a language has not."""
SHOWN = 4
_MAKE = "callcenter sounds make --to"


async def check_sounds(scene: Scene) -> Finding:
    """Whether every sound that a caller or agent may hear is there and can be played. What is not is played as a tone."""
    if not await beside(lambda: is_this_host(scene.settings.ami_host)):
        return Finding("sounds", State.SKIPPED, "not checked: Asterisk runs on another host")
    data, database = [
        Path((await scene.link.send({"Action": "Getvar", "Variable": name})).message.get("Value", "") or "/nonexistent")
        for name in ("ASTDATADIR", "ASTDBDIR")
    ]
    plan = scene.plan.plan if scene.plan is not None else None
    return await beside(lambda: _look(data / "sounds", _reader(database), plan))


def _reader(database: Path) -> Reader | None:
    """Asterisk's user, by the file that it writes itself; ASTDBDIR is its path without the suffix (22.10)."""
    for path in (database.with_name(f"{database.name}.sqlite3"), database / "astdb.sqlite3"):
        with contextlib.suppress(OSError):
            return Reader.owning(path)
    return None


def _look(folder: Path, reader: Reader | None, plan: Plan | None) -> Finding:
    try:
        next(folder.iterdir(), None)
    except OSError:
        return Finding("sounds", State.SKIPPED, f"not checked: {folder} cannot be read from here")
    lines = list(plan.lines.values()) if plan is not None else []
    languages = sorted({line.language for line in lines}) or [PHONES]
    ours = [(language, f"{PROMPT_FOLDER}/{name}") for language in languages for name in prompt_names()]
    named = sorted({(line.language, sound) for line in lines for sound in _named(line)})
    named += [(language, sound) for sound in _of_any_line(plan) for language in languages]
    agents = sorted({(line.language, sound) for line in lines for sound in _announced(line, plan)})
    faults = [fault for one in dict.fromkeys([*ours, *named, *agents]) for fault in _faults(folder, reader, *one)]
    if faults:
        says = f"cannot be played, a tone is heard instead: {_some(faults)}"
        return Finding("sounds", State.WARN, says, "repair the files: 8 kHz, mono, 16 bits for .wav, readable to all")
    if missing := _missing(folder, named):
        do = f"put the files into {folder}/<language>: a tone is played instead"
        return Finding("sounds", State.WARN, f"the plan names sounds without a file: {_some(missing)}", do)
    if missing := _missing(folder, ours):
        says = f"{len(missing)} of {len(ours)} prompts have no file: tones are played instead"
        return Finding("sounds", State.WARN, f"{says} ({_some(missing)})", f"{_MAKE} {folder}, or record them")
    if missing := _missing(folder, agents):
        says = f"nobody hears the number of {_some(missing)}: there is no file"
        return Finding("sounds", State.WARN, says, f"{_MAKE} {folder} --plan <the plan>")
    return Finding(
        "sounds", State.OK, f"all {len(ours) + len(named) + len(agents)} in {folder}, {', '.join(languages)}"
    )


def _named(line: Line) -> Iterator[str]:
    """What the plan itself names for the callers of a line."""
    exits = (line.on_max_wait, line.on_full, line.on_no_agent, line.on_closed)
    for sound in (line.greeting, line.notice, *(leaves.prompt for leaves in exits if leaves is not None)):
        if sound:
            yield sound


def _of_any_line(plan: Plan | None) -> Iterator[str]:
    """What it names for callers of whatever line."""
    if plan is not None:
        sounds = (plan.handover_exit.prompt if plan.handover_exit else None, *(entry.prompt for entry in plan.blocked))
        yield from dict.fromkeys(sound for sound in sounds if sound)


def _announced(line: Line, plan: Plan | None) -> Iterator[str]:
    if line.announce_agent and plan is not None:
        yield from (f"{PROMPT_FOLDER}/{prompt.name}" for prompt in agent_prompts(plan.agents))


def _files(folder: Path, language: str, sound: str) -> list[Path]:
    """The files that Asterisk chooses from: of the language, else of what stands in for it."""
    for place in dict.fromkeys((language, *SPARE)):
        base = folder / place / sound
        found = [path for suffix in SUFFIXES if os.path.lexists(path := base.with_name(base.name + suffix))]
        if found:
            return found
    return []


def _missing(folder: Path, sounds: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{language}/{sound}" for language, sound in sounds if not _files(folder, language, sound)]


def _faults(folder: Path, reader: Reader | None, language: str, sound: str) -> Iterator[str]:
    for path in _files(folder, language, sound):
        if fault := fault_of(path, reader):
            yield f"{path} {fault}"


def _some(words: list[str]) -> str:
    rest = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return ", ".join(words[:SHOWN]) + rest

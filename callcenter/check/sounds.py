"""Check of prompts and greetings, where Asterisk's disk can be read from here."""

from collections.abc import Iterable
from pathlib import Path

from callcenter.check.finding import Finding, Scene, State, beside
from callcenter.check.host import is_this_host
from config.dialplan import prompt_names

LANGUAGES = ("zh", "en")
_LIST = "config/asterisk/sounds.txt lists them"


async def check_sounds(scene: Scene) -> Finding:
    """Whether all prompts are there in one language, and each line's greeting. What is missing is played as a tone."""
    if not await beside(lambda: is_this_host(scene.settings.ami_host)):
        return Finding("sounds", State.SKIPPED, "not checked: Asterisk runs on another host")
    reply = await scene.link.send({"Action": "Getvar", "Variable": "ASTDATADIR"})
    folder = Path(reply.message.get("Value", "") or "/nonexistent") / "sounds"
    lines = scene.plan.plan.lines.values() if scene.plan is not None else ()
    greetings = {line.greeting for line in lines if line.greeting}
    return await beside(lambda: _look(folder, greetings))


def _look(folder: Path, greetings: Iterable[str]) -> Finding:
    try:
        found = {str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*.*")}
        next(folder.iterdir(), None)
    except OSError:
        return Finding("sounds", State.SKIPPED, f"not checked: {folder} cannot be read from here")
    places = ("", *(f"{language}/" for language in LANGUAGES))
    silent = sorted(name for name in greetings if not any(place + name in found for place in places))
    if silent:
        do = f"put the files into {folder}/<language>: a tone is played instead"
        return Finding("sounds", State.WARN, f"no file for the greeting {', '.join(silent)}", do)
    names = prompt_names()
    there = {place or "any": sum(f"{place}callcenter/{name}" in found for name in names) for place in places}
    best = max(there, key=lambda place: there[place])
    if there[best] < len(names):
        says = f"{len(names) - there[best]} of {len(names)} prompts have no file: tones are played instead"
        return Finding("sounds", State.WARN, says, f"record them into {folder}/zh/callcenter ({_LIST})")
    return Finding("sounds", State.OK, f"all {len(names)} prompts in {folder}/{best.rstrip('/')}")

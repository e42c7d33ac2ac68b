"""Check of recordings: can Asterisk record at all, does this service see the files, is there room.

Theory: Asterisk's own rights cannot be asked for over AMI with our privileges (STAT() is refused), so what a file system on
this host says is looked at instead: the owner of Asterisk's spool folder is taken for its user.
"""

import os
import stat
from pathlib import Path

from callcenter.check.finding import Finding, Scene, State, beside
from callcenter.check.host import is_this_host

ITEM = "recordings"
MODULES = ("app_mixmonitor.so", "format_wav.so", "func_env.so")
LITTLE_BYTES = 500 << 20
BYTES_PER_H = 16_000 * 3600
_SET = "set CALLCENTER_RECORDINGS to Asterisk's monitor folder as it is seen from here"


async def check_recordings(scene: Scene) -> Finding:
    """Whether the lines that are recorded can be, and whether the files can be looked at from here."""
    if scene.plan is None:
        return Finding(ITEM, State.SKIPPED, "not checked: the plan is wrong")
    lines = [line.code for line in scene.plan.plan.lines.values() if line.record]
    if not lines:
        return Finding(ITEM, State.OK, "no line is recorded")
    for module in MODULES:
        if await _ask(scene, f"IFMODULE({module})") == "0":
            says = f"{module} is not loaded: nothing is recorded, or its end is not told"
            return Finding(ITEM, State.FAIL, says, f"load {module} in modules.conf")
    spool = await _ask(scene, "ASTSPOOLDIR")
    is_here = await beside(lambda: is_this_host(scene.settings.ami_host))
    written = Path(spool) / "monitor" if spool and is_here else None
    folder = scene.settings.recordings
    if folder is None:
        do = _SET + (f": {written}" if written is not None else "")
        says = f"{', '.join(lines)}: the files are not looked at, their length and hash stay unknown"
        return Finding(ITEM, State.WARN, says, do)
    return await beside(lambda: look(folder, written))


async def _ask(scene: Scene, variable: str) -> str:
    reply = await scene.link.send({"Action": "Getvar", "Variable": variable})
    return reply.message.get("Value", "")


def look(folder: Path, written: Path | None) -> Finding:
    """Look at the folder of the settings; `written`: where Asterisk writes, if that can be told from here. Blocks."""
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
        return Finding(ITEM, State.FAIL, f"{folder} is no folder that user {os.geteuid()} can read", _SET)
    if written is not None and written.is_dir() and not written.samefile(folder):
        return Finding(ITEM, State.FAIL, f"{folder} is looked at, but Asterisk writes to {written}", _SET)
    for place in (folder, folder / "callcenter"):
        if written is not None and (wrong := _not_writable(place, written.parent)):
            do = "let Asterisk's user own it: calls go on, but nothing is recorded"
            return Finding(ITEM, State.FAIL, f"{place} {wrong}", do)
    room = os.statvfs(folder)
    left = room.f_bavail * room.f_frsize
    if left < LITTLE_BYTES:
        says = f"{left >> 20} MB are left on {folder}: {left / BYTES_PER_H:.0f} hours of talk"
        return Finding(ITEM, State.WARN, says, "make room: a call that finds none goes on unrecorded")
    return Finding(ITEM, State.OK, f"{folder}, room for {left / BYTES_PER_H:.0f} hours of talk")


def _not_writable(place: Path, spool: Path) -> str:
    """Say why Asterisk's user (the owner of its spool) cannot write there; empty when he can, or it is not there yet."""
    try:
        found, owner = place.stat(), spool.stat().st_uid
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"cannot be looked at: {error.strerror}"
    if not stat.S_ISDIR(found.st_mode):
        return "is no folder"
    if os.statvfs(place).f_flag & os.ST_RDONLY:
        return "lies on a disk that cannot be written"
    may = stat.S_IWOTH | (stat.S_IWUSR if found.st_uid == owner else stat.S_IWGRP)
    if owner != 0 and not found.st_mode & may:
        return f"cannot be written by user {owner}, to whom Asterisk's spool belongs"
    return ""

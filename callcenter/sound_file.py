"""One look at a sound file that the PBX wrote: is it there, how long is it, what is its hash. Blocks; nothing is changed.

Theory of operation: paths come from the PBX's dialplan and are taken below one folder only, whatever they say. The length is
that of the bytes behind the header, not the header's own word: a PBX that died never wrote that. Where the service cannot
reach the folder, or sees less than the PBX says that it wrote, nothing is claimed (`unchecked`); a PBX that says itself that
there is nothing is believed.
"""

import hashlib
import os
import struct
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from acd.names import RecordingStatus
from acd.recording import EMPTY_BYTES

VOICEMAIL = "voicemail"
"""First folder of a message's path: it lies beside the folder of recordings, in the same spool."""
_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Look:
    """What was found."""

    status: RecordingStatus
    size: int | None = None
    length_ms: int | None = None
    sha256: str = ""


def look_at(folder: Path | None, path: str, told: int | None) -> Look:
    """Look at the file of this path, of which the PBX told this size (None: nothing). Never raises for what it finds."""
    unseen = RecordingStatus.NOT_RECORDED if told is not None and told <= EMPTY_BYTES else RecordingStatus.UNCHECKED
    place = place_of(folder, path)
    if folder is None or place is None or not folder.is_dir():
        return Look(unseen, told)
    try:
        with place.open("rb") as file:
            return _look_into(file)
    except FileNotFoundError:
        return Look(RecordingStatus.NOT_RECORDED if told is None else unseen, told)
    except OSError:
        return Look(unseen, told)


def place_of(folder: Path | None, path: str) -> Path | None:
    """Return where a path lies for us; None when it would leave the folder, or there is no folder."""
    parts = PurePosixPath(path).parts
    if folder is None or not parts or path.startswith("/") or any(part in ("..", ".") for part in parts):
        return None
    root = folder.parent if parts[0] == VOICEMAIL else folder
    place = root.joinpath(*parts)
    return place if place.resolve().is_relative_to(root.resolve()) else None


def _look_into(file: BinaryIO) -> Look:
    size = os.fstat(file.fileno()).st_size
    length_ms = _length_ms(file, size)
    if not length_ms:
        return Look(RecordingStatus.NOT_RECORDED, size, 0)
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return Look(RecordingStatus.KEPT, size, length_ms, digest.hexdigest())


def _length_ms(file: BinaryIO, size: int) -> int:
    """Length of the sound behind a WAV header; 0 when this is no WAV file, or an empty one."""
    if file.read(12)[8:12] != b"WAVE":
        return 0
    bytes_per_s = 0
    while len(head := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", head)
        if name == b"data":
            return (size - file.tell()) * 1000 // bytes_per_s if bytes_per_s else 0
        body = file.read(length)
        if name == b"fmt " and len(body) >= 16:
            bytes_per_s = struct.unpack_from("<I", body, 8)[0]
    return 0

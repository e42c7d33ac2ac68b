"""One look at a sound file: what is there is measured, what is missing is said, and no path leads out of the folder."""

import hashlib
import struct
import wave
from pathlib import Path

import pytest

from acd.names import RecordingStatus
from callcenter.sound_file import Look, look_at, place_of

KEPT, MISSING, UNCHECKED = RecordingStatus.KEPT, RecordingStatus.NOT_RECORDED, RecordingStatus.UNCHECKED
PATH = "callcenter/20261124/u1.wav"


def a_file(folder: Path, seconds: float, path: str = PATH) -> Path:
    place = folder / path
    place.parent.mkdir(parents=True)
    with wave.open(str(place), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\1\2" * int(8000 * seconds))
    return place


def test_file_is_there_length_size_and_hash_are_measured(tmp_path: Path) -> None:
    data = a_file(tmp_path, 2.5).read_bytes()
    assert look_at(tmp_path, PATH, 40_044) == Look(KEPT, 40_044, 2500, hashlib.sha256(data).hexdigest())


def test_pbx_died_before_it_wrote_the_header_the_length_is_that_of_the_bytes(tmp_path: Path) -> None:
    place = a_file(tmp_path, 1.0)
    data = bytearray(place.read_bytes())
    data[4:8] = data[40:44] = struct.pack("<I", 0)
    place.write_bytes(data)
    assert look_at(tmp_path, PATH, None).length_ms == 1000


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVEfmt ", b"x" * 500], ids=["0", "4", "half", "other"]
)
def test_file_holds_nothing_that_can_be_heard_is_not_recorded(tmp_path: Path, content: bytes) -> None:
    a_file(tmp_path, 1.0).write_bytes(content)
    assert look_at(tmp_path, PATH, 500) == Look(MISSING, len(content), 0)


def test_file_of_a_header_alone_is_not_recorded(tmp_path: Path) -> None:
    a_file(tmp_path, 0.0)
    assert look_at(tmp_path, PATH, 44).status is MISSING


@pytest.mark.parametrize(("told", "status"), [(None, MISSING), (0, MISSING), (44, MISSING), (9000, UNCHECKED)])
def test_file_is_not_there_the_pbx_is_believed_that_it_wrote_one(
    tmp_path: Path, told: int | None, status: RecordingStatus
) -> None:
    assert look_at(tmp_path, PATH, told) == Look(status, told)


@pytest.mark.parametrize(("told", "status"), [(None, UNCHECKED), (9000, UNCHECKED), (0, MISSING)])
def test_folder_cannot_be_seen_nothing_is_claimed_but_what_the_pbx_says(
    tmp_path: Path, told: int | None, status: RecordingStatus
) -> None:
    for folder in (None, tmp_path / "elsewhere"):
        assert look_at(folder, PATH, told) == Look(status, told)


def test_message_lies_beside_the_folder_of_recordings(tmp_path: Path) -> None:
    (tmp_path / "monitor").mkdir()
    a_file(tmp_path, 1.0, "voicemail/callcenter/100/INBOX/msg0000.wav")
    assert look_at(tmp_path / "monitor", "voicemail/callcenter/100/INBOX/msg0000.wav", None).status is KEPT


@pytest.mark.parametrize("path", ["", "/etc/passwd", "callcenter/../../x.wav", "..", "voicemail/../../x.wav"])
def test_path_leads_out_of_the_folder_it_is_no_place(tmp_path: Path, path: str) -> None:
    assert place_of(tmp_path, path) is None
    assert look_at(tmp_path, path, None).status is UNCHECKED


def test_link_leads_out_of_the_folder_it_is_no_place(tmp_path: Path) -> None:
    (tmp_path / "monitor").mkdir()
    (tmp_path / "monitor" / "callcenter").symlink_to("/etc")
    assert place_of(tmp_path / "monitor", "callcenter/passwd") is None

"""What the check says of a folder of recordings, by what the file system says."""

import os
from pathlib import Path
from typing import Any

import pytest

from callcenter.check.finding import State
from callcenter.check.recordings import look


@pytest.fixture
def monitor(tmp_path: Path) -> Path:
    folder = tmp_path / "spool" / "monitor"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_folder_belongs_to_somebody_else_than_asterisk(monitor: Path) -> None:
    os.chown(monitor.parent, 65534, 65534)
    (monitor / "callcenter").mkdir(mode=0o755)
    os.chown(monitor, 65534, 65534)
    found = look(monitor, monitor)
    assert found.state is State.FAIL
    assert "cannot be written by user 65534" in found.says

    os.chown(monitor / "callcenter", 65534, 65534)
    assert look(monitor, monitor).state is State.OK


def test_little_room_is_a_warning_in_hours(monitor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Room:
        f_bavail, f_frsize, f_flag = 30_000, 4096, 0

    def statvfs(path: Any) -> Room:
        return Room()

    monkeypatch.setattr(os, "statvfs", statvfs)
    found = look(monitor, monitor)
    assert (found.state, found.says.endswith("2 hours of talk")) == (State.WARN, True)


def test_disk_that_cannot_be_written_is_a_failure(monitor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Room:
        f_bavail, f_frsize, f_flag = 30_000_000, 4096, os.ST_RDONLY

    def statvfs(path: Any) -> Room:
        return Room()

    monkeypatch.setattr(os, "statvfs", statvfs)
    assert "disk that cannot be written" in look(monitor, monitor).says

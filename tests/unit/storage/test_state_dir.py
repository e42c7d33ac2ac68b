"""One service per state folder; its name survives restarts."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from callcenter.storage import state_dir
from callcenter.storage.errors import StateLocked, StateUnusable
from callcenter.storage.state_dir import StateDir, is_held


def test_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "a" / "b")
    assert state.folder.stat().st_mode & 0o777 == 0o700


def test_instance_name_is_the_same_after_a_restart(tmp_path: Path) -> None:
    name = StateDir(tmp_path).instance
    assert len(name) == 12 and StateDir(tmp_path).instance == name


def test_second_holder_is_refused_with_the_first_ones_name(tmp_path: Path) -> None:
    first = StateDir(tmp_path)
    first.lock("desk-a")
    with pytest.raises(StateLocked, match="desk-a") as caught:
        StateDir(tmp_path).lock("desk-b")
    assert str(os.getpid()) in caught.value.holder
    first.release()
    second = StateDir(tmp_path)
    second.lock("desk-b")
    second.release()


def test_lock_of_a_killed_holder_is_free(tmp_path: Path) -> None:
    program = (
        "import os, pathlib, signal, sys\nfrom callcenter.storage.state_dir import StateDir\n"
        "StateDir(pathlib.Path(sys.argv[1])).lock('dead')\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, tmp_path], check=False)
    state = StateDir(tmp_path)
    state.lock("alive")
    state.release()


def test_folder_in_the_place_of_a_file_is_refused_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateUnusable, match="file"):
        StateDir(tmp_path / "file" / "state")


def test_whoever_looks_whether_a_service_runs_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    assert not is_held(folder) and not folder.exists()
    state = StateDir(folder)
    state.lock("desk-a")
    assert is_held(folder)
    state.release()
    assert not is_held(folder)


def test_service_starts_while_somebody_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = StateDir(tmp_path)
    state.lock("desk-a")
    state.release()
    looker = os.open(tmp_path / "lock", os.O_RDONLY)
    fcntl.flock(looker, fcntl.LOCK_SH)
    monkeypatch.setattr(state_dir.time, "sleep", lambda _: os.close(looker))
    state.lock("desk-a")
    state.release()

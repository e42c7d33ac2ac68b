"""Set-up (`scripts/make_venv.py`) on a checkout of two files: whole, interrupted, moved, with another lock file.

The packages of the real lock file are left out; pip, virtual environment and an editable install are real.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from callcenter.lab.cache import cache_folder

CHECKOUT = Path(__file__).parents[2]
BACKEND = """\
import zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(f"{folder}/probe-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("probe_1.py", "")
        wheel.writestr("probe-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: probe\\nVersion: 1\\n")
        wheel.writestr("probe-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("probe-1.dist-info/RECORD", "")
    return "probe-1-py3-none-any.whl"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """A checkout with a lock file that asks for nothing; its path has a space and Chinese characters."""
    folder = tmp_path / "热线 checkout"
    shutil.copytree(CHECKOUT / "scripts", folder / "scripts")
    shutil.copytree(CHECKOUT / "callcenter" / "lab", folder / "callcenter" / "lab")
    (folder / "callcenter" / "__init__.py").touch()
    (folder / "requirements.lock").touch()
    (folder / "backend.py").write_text(BACKEND, encoding="utf-8")
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "probe"\nversion = "1"\n',
        encoding="utf-8",
    )
    yield folder


def set_up(folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run it with the cache of this run, so that a pip that was fetched once is not fetched again."""
    return subprocess.run(
        [sys.executable, folder / "scripts" / "make_venv.py"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"CALLCENTER_CACHE": str(cache_folder())} | environment,
    )


def is_whole(folder: Path) -> bool:
    """Whether the environment's own Python has the checkout's package."""
    words = [folder / ".venv" / "bin" / "python", "-c", "import probe_1, sys; print(sys.prefix)"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip() == str(folder / ".venv")


def test_set_up_of_a_fresh_checkout_is_whole_and_a_second_one_does_nothing(checkout: Path) -> None:
    first = set_up(checkout)
    assert first.returncode == 0, first.stderr
    assert is_whole(checkout)

    second = set_up(checkout, PATH="", CALLCENTER_CACHE="/dev/null/not-asked-for")

    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")


def test_set_up_interrupted_or_moved_is_made_anew(checkout: Path) -> None:
    assert set_up(checkout).returncode == 0
    (checkout / ".venv" / ".ready").unlink()  # the last thing that is written
    for pip in (checkout / ".venv").glob("lib/python*/site-packages/pip"):
        shutil.rmtree(pip)

    anew = set_up(checkout)
    assert anew.returncode == 0, anew.stderr
    assert is_whole(checkout)

    moved = checkout.rename(checkout.parent / "moved")
    again = set_up(moved)
    assert again.returncode == 0, again.stderr
    assert is_whole(moved)


def test_set_up_after_a_change_of_the_lock_file_installs_into_what_is_there(checkout: Path) -> None:
    assert set_up(checkout).returncode == 0
    mark = checkout / ".venv" / "mark"
    mark.touch()
    (checkout / "requirements.lock").write_text("# another\n", encoding="utf-8")

    done = set_up(checkout)

    assert done.returncode == 0, done.stderr
    assert mark.exists()
    assert set_up(checkout).stderr == ""


def test_set_up_without_a_usable_cache_says_what_to_set(checkout: Path) -> None:
    done = set_up(checkout, CALLCENTER_CACHE="/dev/null/cache")

    assert done.returncode == 1
    assert "/dev/null/cache" in done.stderr
    assert "set CALLCENTER_CACHE" in done.stderr
    assert "Traceback" not in done.stderr

"""Make the checkout's virtual environment `.venv`, from any Python >= 3.11 and without root.

`make` calls it before everything else; when nothing has changed it ends at once. A stamp, written last, says what the
environment was made from: no stamp (a set-up that was interrupted), another place (a checkout that was moved) or another
Python (one that was upgraded) means that it is made anew; another lock file only that packages are installed again.

Debian's python3 has no ensurepip unless python3-venv is installed. Then pip's wheel is taken out of Debian's own package
python3-pip-whl, fetched with apt, without root, as the lab fetches its peers. All wheels are kept in the cache
(`CALLCENTER_CACHE`, else `.cache`): a second set-up needs no network.

Only the standard library is used, and down to `main`'s first check only what an older Python understands.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".ready"
LOCK = ROOT / "requirements.lock"
OLDEST = (3, 11)


class SetupError(Exception):
    """Set-up cannot go on; the message says what to do."""


def main() -> None:
    """Bring `.venv` up to date. Ends with a message and exit code 1 where that cannot be done."""
    if _recorded() == _wanted():
        return
    try:
        if sys.version_info < OLDEST:
            raise SetupError(
                "Python 3.11 or newer is needed, this is "
                + platform.python_version()
                + ": make PYTHON=python3.12 setup"
            )
        wheels = _wheel_folder()
        with (wheels / ".lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _recorded() != _wanted():
                _make(wheels)
    except SetupError as error:
        sys.exit(f"set-up: {error}")
    except KeyboardInterrupt:
        sys.exit("set-up: interrupted; the next make starts it anew")


def _make(wheels: Path) -> None:
    if not _is_usable():
        _say(f"making {VENV} with Python {platform.python_version()}")
        shutil.rmtree(VENV, ignore_errors=True)
        _make_empty(wheels)
    STAMP.unlink(missing_ok=True)
    complete = wheels / f"{_digest(LOCK)[:16]}-{sys.implementation.cache_tag}-{platform.machine()}.complete"
    if not (complete.exists() and _install(wheels)):
        _say("downloading the packages of requirements.lock (50 MB)")
        if not _pip("download", "--require-hashes", "--requirement", LOCK, "--dest", wheels):
            raise SetupError("pip could not download the packages, see above: is the network there?")
        complete.touch()
        if not _install(wheels):
            raise SetupError("pip could not install the packages, see above")
    if not _pip("install", "--no-index", "--no-deps", "--no-build-isolation", "--editable", ROOT):
        raise SetupError("pip could not install this checkout, see above")
    STAMP.write_text(json.dumps(_wanted()), encoding="utf-8")
    _say("ready")


def _make_empty(wheels: Path) -> None:
    """Make the environment with nothing but pip in it."""
    if importlib.util.find_spec("venv") is None:
        raise SetupError("this Python has no module venv: install python3-venv (Debian), or make PYTHON=... setup")
    base = getattr(sys, "_base_executable", None) or sys.executable
    has_pip = importlib.util.find_spec("ensurepip") is not None
    pip = None if has_pip else _pip_wheel(wheels)
    _run(base, "-m", "venv", *(() if has_pip else ("--without-pip",)), VENV, why="the environment could not be made")
    if pip is not None:
        # A wheel is a zip file that Python can run from: pip installs itself.
        _run(PYTHON, pip / "pip", "install", "--quiet", "--no-index", pip, why="pip could not be installed")


def _pip_wheel(wheels: Path) -> Path:
    """Return pip's wheel, out of Debian's python3-pip-whl."""
    kept = sorted(wheels.glob("pip-*.whl"))
    if not kept:
        sys.path.insert(0, str(ROOT))
        from callcenter.lab.debs import Wanted, download, unpack
        from callcenter.lab.errors import PeerUnavailableError

        try:
            with tempfile.TemporaryDirectory(prefix=".fetch-", dir=wheels) as scratch:
                debs = download(Wanted("pip", ("python3-pip-whl",)), Path(scratch), _say)
                unpack([deb for deb in debs if deb.name.startswith("python3-pip-whl_")], Path(scratch) / "root")
                for wheel in (Path(scratch) / "root").glob("usr/share/python-wheels/pip-*.whl"):
                    kept.append(wheel.rename(wheels / wheel.name))
        except PeerUnavailableError as error:
            raise SetupError(f"this Python has no ensurepip, and pip cannot be fetched: {error}\n{_ADVICE}") from error
    if not kept:
        raise SetupError(f"Debian's python3-pip-whl holds no wheel of pip\n{_ADVICE}")
    return kept[-1]


_ADVICE = "install python3-venv (Debian, Ubuntu: apt install python3-venv), then make again"


def _install(wheels: Path) -> bool:
    """Install what the lock file names; from the cache alone, unless there are packages that must be built first."""
    must_build = any(wheels.glob("*.tar.gz")) or any(wheels.glob("*.zip"))
    sources = ("--find-links", wheels) if must_build else ("--no-index", "--find-links", wheels)
    return _pip("install", *sources, "--require-hashes", "--requirement", LOCK)


def _is_usable() -> bool:
    """Whether packages can be installed into the environment that is there: it was whole once, here, with this Python."""
    made = _recorded()
    return made is not None and all(made.get(key) == _wanted()[key] for key in ("place", "python"))


def _wanted() -> dict[str, str]:
    """What the stamp of an environment says that is up to date."""
    return {
        "place": str(VENV),
        "python": os.path.realpath(PYTHON),
        "lock": _digest(LOCK),
        "project": _digest(ROOT / "pyproject.toml"),
    }


def _recorded() -> dict[str, str] | None:
    """What the stamp says; None when there is none, or when the environment's Python is gone."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return stamp if isinstance(stamp, dict) and PYTHON.exists() else None


def _wheel_folder() -> Path:
    named = os.environ.get("CALLCENTER_CACHE")
    folder = (Path(named).expanduser() if named else ROOT / ".cache").absolute() / "wheels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(
            f"the cache folder {folder} cannot be made ({error.strerror}): set CALLCENTER_CACHE"
        ) from error
    return folder


def _pip(command: str, *arguments: str | Path) -> bool:
    words = [PYTHON, "-m", "pip", command, "--quiet", "--disable-pip-version-check", *arguments]
    return subprocess.run(words, check=False, cwd=ROOT).returncode == 0


def _run(*words: str | Path, why: str) -> None:
    done = subprocess.run(words, check=False, cwd=ROOT, capture_output=True, text=True, errors="replace")
    if done.returncode != 0:
        raise SetupError(f"{why}:\n{(done.stdout + done.stderr).strip()}")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _say(line: str) -> None:
    sys.stderr.write(f"set-up: {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()

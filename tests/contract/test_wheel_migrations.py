"""An installed wheel finds its migrations, as a checkout does."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from callcenter.storage import migrate

ROOT = Path(__file__).parents[2]


def test_checkout_uses_the_folder_of_the_checkout() -> None:
    assert migrate.migrations_folder() == ROOT / "alembic"
    assert not (ROOT / "alembic" / "__init__.py").exists(), "it would hide the library of that name"


def test_wheel_carries_its_migrations_and_upgrades_a_database(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    program = "import callcenter; print(callcenter.__file__); from callcenter.__main__ import main; main()"
    env = {name: value for name, value in os.environ.items() if not name.startswith("CALLCENTER_")}
    ran = subprocess.run(
        [sys.executable, "-c", program, "db", "upgrade"],
        env=env | {"PYTHONPATH": str(tmp_path / "site")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert str(tmp_path / "site" / "callcenter") in ran.stdout
    assert f"at {migrate.head_revision()}" in ran.stdout

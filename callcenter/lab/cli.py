"""`callcenter lab up|down|status`: a private Asterisk in the background, to try the service without a PBX of one's own."""

import json
import os
import shlex
import signal
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from callcenter.lab.errors import LabError
from callcenter.lab.loader import remove_folder
from callcenter.lab.pbx import Asterisk
from config.errors import SettingsError
from config.prompts import prompts
from config.settings import load_settings

lab_app = typer.Typer(no_args_is_help=True, help="A private Asterisk in the background, for trials.")

STATE_FILE = "lab.json"
ENV_FILE = "lab.env"
END_S = 5.0


@dataclass(frozen=True, slots=True)
class LabState:
    """What `up` leaves for `down` and `status`. Holds secrets: the file has mode 0600."""

    pid: int
    started: int
    """Start of the process in the kernel's own ticks: a pid that was given away again is not taken for ours."""
    folder: str
    systemname: str
    sip_port: int
    ami_port: int
    phones: dict[str, str]


@lab_app.command()
def up(
    phones: Annotated[str, typer.Option(help="Numbers that may register, as 1001-1012 or 1001,1002.")] = "1001-1012",
    line: Annotated[list[str] | None, typer.Option(help="Line codes, for the fallback queues.")] = None,
) -> None:
    """Start it, print its ports, and write the settings that point the service at it.

    \b
    Example:
        callcenter lab up --phones 1001-1012 --line general --line enterprise
    """
    folder = _state_folder()
    if (state := _read(folder)) is not None and is_ours(state):
        typer.echo(f"already up: {_line(state)}")
        return
    try:
        pbx = Asterisk(_numbers(phones), lines=tuple(line or ("default",)), speaks=prompts())
        pbx.start_now(outlives=True)
    except LabError as error:
        _fail(str(error))
    assert pbx.pid is not None
    state = LabState(
        pbx.pid, _started(pbx.pid) or 0, str(pbx.folder), pbx.systemname, pbx.sip_port, pbx.ami_port, pbx.phones
    )
    _write(folder / STATE_FILE, json.dumps(asdict(state), indent=1))
    _write(folder / ENV_FILE, "".join(f"{name}={value}\n" for name, value in pbx.settings().items()))
    typer.echo(f"up: {_line(state)}")
    typer.echo(f"settings of the service: cp {shlex.quote(str(folder / ENV_FILE))} .env")
    typer.echo(f"phones {phones} register at 127.0.0.1:{state.sip_port} (UDP); their secrets: {folder / STATE_FILE}")
    typer.echo(f"log: {pbx.log_file}")


@lab_app.command()
def down() -> None:
    """End it and remove its files.

    \b
    Example:
        callcenter lab down
    """
    folder = _state_folder()
    state = _read(folder)
    if state is None:
        typer.echo("not up")
        return
    if is_ours(state):
        _end(state)
    remove_folder(Path(state.folder))
    for name in (STATE_FILE, ENV_FILE):
        (folder / name).unlink(missing_ok=True)
    typer.echo("down")


@lab_app.command()
def status() -> None:
    """Say whether it runs; exit code 1 when it does not.

    \b
    Example:
        callcenter lab status
    """
    state = _read(_state_folder())
    if state is None:
        typer.echo("not up")
        raise typer.Exit(1)
    if not is_ours(state):
        typer.echo(f"it ended by itself, see {state.folder}/log: callcenter lab down")
        raise typer.Exit(1)
    typer.echo(f"up: {_line(state)}")


def is_ours(state: LabState) -> bool:
    """Whether the recorded process still is the one that `up` started."""
    return _started(state.pid) == state.started


def _numbers(text: str) -> Sequence[str]:
    numbers: list[str] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not first.isdigit() or (last and not last.isdigit()) or (last and int(last) - int(first) not in range(1000)):
            _fail(f"--phones {text!r}: expected numbers as 1001-1012 or 1001,1002", code=2)
        numbers += [str(number) for number in range(int(first), int(last or first) + 1)]
    return numbers


def _started(pid: int) -> int | None:
    """Return when a live process started, in ticks since boot; None when there is none (or only its remains)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def _end(state: LabState) -> None:
    for number, patience_s in ((signal.SIGTERM, END_S), (signal.SIGKILL, END_S)):
        os.kill(state.pid, number)
        deadline = time.monotonic() + patience_s
        while is_ours(state) and time.monotonic() < deadline:
            time.sleep(0.05)
        if not is_ours(state):
            return
    _fail(f"process {state.pid} does not end")


def _state_folder() -> Path:
    try:
        folder = load_settings().state_dir.absolute()
        folder.mkdir(parents=True, exist_ok=True)
    except (SettingsError, OSError) as error:
        _fail(str(error), code=2)
    return folder


def _read(folder: Path) -> LabState | None:
    try:
        return LabState(**json.loads((folder / STATE_FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        _fail(f"{folder / STATE_FILE} cannot be read ({error}): remove it")


def _write(path: Path, text: str) -> None:
    """Write a file that only its owner may read, never for an instant otherwise."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _line(state: LabState) -> str:
    return f"{state.systemname}, pid {state.pid}, SIP 127.0.0.1:{state.sip_port}, AMI 127.0.0.1:{state.ami_port}"


def _fail(message: str, code: int = 1) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)

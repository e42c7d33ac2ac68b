"""The configuration that the image of Asterisk has (config/asterisk/base), laid out and started without the image.

Other than in the image are folders, addresses and ports alone; and the operator's own files are `site.example` filled in, with
a phone that cannot register in the place of one that can.
"""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from callcenter.lab.installation import Installation, find_asterisk
from callcenter.lab.loader import end, hand_over, private_folder, remove_folder, spawn, wrapped
from callcenter.lab.pbx import is_booted
from callcenter.lab.ports import free_port
from callcenter.lab.tones import HOLD_NOTES_HZ, write_tune

CONFIG = Path(__file__).resolve().parents[2] / "config" / "asterisk"
SECRET = "a-secret_of-24-hex-digits"
OURS = {"PBX_NAME": "pbx-1", "PBX_ADDRESS": "192.0.2.10", "PBX_SUBNET": "172.31.83.0/24"}
BOOT_S = 30.0
PHONE = "1001"
_LAB = "\n[lab]\nsecret = {secret}\ndeny = 0.0.0.0/0.0.0.0\npermit = 127.0.0.0/8\nread = all\nwrite = all\n"


def run_start_script(run: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the image's start script, with `env` in the place of Asterisk."""
    environment = {"PATH": os.environ["PATH"], "PBX_RUN": str(run), **variables}
    script = str(CONFIG / "start.sh")
    return subprocess.run(["sh", script, "env"], env=environment, capture_output=True, text=True, check=False)


@dataclass(frozen=True, slots=True)
class Image:
    """An Asterisk that runs with the image's configuration."""

    installation: Installation
    folder: Path = field(default_factory=lambda: private_folder("cc-image-"))
    ami_port: int = field(default_factory=free_port)
    sip_port: int = field(default_factory=lambda: free_port(socket.SOCK_DGRAM))
    phone_port: int = field(default_factory=lambda: free_port(socket.SOCK_DGRAM))
    """Of the scripted phone PHONE on 127.0.0.1; the trunk's gateway is 127.0.0.2."""

    def rx(self, command: str) -> str:
        """Run a console command."""
        words = self.installation.program.command("-C", str(self.folder / "etc" / "asterisk.conf"), "-rx", command)
        done = subprocess.run(wrapped(words, outlives=True), capture_output=True, text=True, timeout=10, check=True)
        return done.stdout

    @property
    def log(self) -> str:
        """All that it printed: what `docker compose logs` would show."""
        return (self.folder / "console.log").read_text(encoding="utf-8", errors="replace")

    def settings(self) -> dict[str, str]:
        """Return what compose.yaml tells the service of Asterisk, as it is here."""
        return {
            "CALLCENTER_AMI_PORT": str(self.ami_port),
            "CALLCENTER_AMI_SECRET": SECRET,
            "CALLCENTER_CEL": str(self.folder / "var" / "log" / "asterisk" / "cel-custom" / "callcenter.csv"),
            "CALLCENTER_RECORDINGS": str(self.folder / "var" / "spool" / "asterisk" / "monitor"),
        }

    def lay_out(self) -> None:
        """Write all files."""
        etc, run = self.folder / "etc", self.folder / "run"
        run.mkdir()
        shutil.copytree(CONFIG / "base", etc)
        shutil.copytree(CONFIG / "site.example", etc / "site")
        (etc / "callcenter").mkdir()
        for path in CONFIG.glob("*_callcenter.conf"):
            shutil.copyfile(path, etc / "callcenter" / path.name)
        made = run_start_script(run, CALLCENTER_AMI_SECRET=SECRET, **OURS)
        assert made.returncode == 0, made.stderr
        self._fill_in(etc / "site" / "pjsip.conf")
        for path in (*etc.glob("*.conf"), *run.glob("*.conf")):
            path.write_text(self._here(path.read_text(encoding="utf-8")), encoding="utf-8")
        with (run / "manager.conf").open("a", encoding="utf-8") as users:
            users.write(_LAB.format(secret=SECRET))
        for name in ("lib/asterisk/db", "cache/asterisk", "log/asterisk/cel-custom", "spool/asterisk/monitor"):
            (self.folder / "var" / name).mkdir(parents=True)
        for name in ("moh", "keys"):
            (self.folder / "data" / name).mkdir(parents=True)
        write_tune(self.folder / "data" / "moh" / "hold.wav", HOLD_NOTES_HZ)
        (self.folder / "data" / "documentation").symlink_to(self.installation.documentation)

    def _here(self, text: str) -> str:
        """Return a file's text with what differs from the image."""
        differs = {
            "/run/asterisk": str(self.folder / "run"),
            "/etc/asterisk": str(self.folder / "etc"),
            "/usr/lib/asterisk/modules": str(self.installation.modules),
            "/usr/share/asterisk": str(self.folder / "data"),
            "/var/": f"{self.folder}/var/",
            "/usr/sbin": str(self.folder),
            "0.0.0.0:5060": f"127.0.0.1:{self.sip_port}",
            "bindaddr = 0.0.0.0": "bindaddr = 127.0.0.1",
            "port = 5038": f"port = {self.ami_port}",
        }
        for shipped, here in differs.items():
            text = text.replace(shipped, here)
        return text

    def _fill_in(self, path: Path) -> None:
        """Take the example's own lines for a trunk and a phone into use, as an operator does."""
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"^; (?=\[|\w+ = )", "", text, flags=re.M)
        text = text.replace("GATEWAY ADDRESS", "127.0.0.2").replace("YOUR NUMBER", "12345")
        contact = f"[{PHONE}](phone-aor)\ncontact = sip:{PHONE}@127.0.0.1:{self.phone_port}"
        text = text.replace(f"[{PHONE}](phone-aor)", contact).replace(f"auth = {PHONE}\n", "")
        path.write_text(text, encoding="utf-8")


@contextmanager
def started() -> Iterator[Image]:
    """Start it; end it and remove its folder after. Raises PeerUnavailableError."""
    image = Image(find_asterisk())
    image.lay_out()
    hand_over(image.folder)
    command = image.installation.program.command("-f", "-C", str(image.folder / "etc" / "asterisk.conf"))
    process = spawn(command, folder=image.folder, log=image.folder / "console.log")
    deadline = time.monotonic() + BOOT_S
    try:
        while not is_booted("127.0.0.1", image.ami_port, SECRET):
            assert process.poll() is None and time.monotonic() < deadline, f"it does not start:\n{image.log}"
            time.sleep(0.1)
        yield image
    finally:
        end(process)
        remove_folder(image.folder)

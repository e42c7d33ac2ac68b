"""A headless Chromium with a Chinese font: a page as picture, as printed PDF, as its tree, the way readers see it.

Theory of operation: each job is one run of the program, as the unprivileged user, in a private folder with a new profile,
and ends with it. Fonts come from the fetched root alone (a bare machine has none for Chinese, and every picture would show
boxes and pass). No name but loopback resolves for it, so a page that needs something from outside shows that it does.

Chromium starts children of itself by path; like PostgreSQL it runs with the machine's libc and `LD_LIBRARY_PATH` for the
rest.
"""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from callcenter.lab.apt import BROWSER, peer_root
from callcenter.lab.cache import Report, say
from callcenter.lab.errors import LabError, StartError
from callcenter.lab.loader import end, hand_over, libraries_without_libc, private_folder, remove_folder, spawn

JOB_S = 60.0
"""A page is drawn in less than a second; a run that takes longer hangs."""
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
_FONTS_CONF = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <cachedir>{folder}/fontconfig</cachedir>
</fontconfig>
"""


@dataclass(frozen=True, slots=True)
class Browser:
    """How to run it. Its methods block (about 1 s): from a running loop call them with `asyncio.to_thread`."""

    program: Path
    libraries: Path
    fonts: Path

    def screenshot(self, page: Path | str, *, width: int = 1240, height: int = 1754) -> bytes:
        """Return the picture (PNG) of a page, a file or a URL on loopback, in a window of this size in pixels.

        Raises StartError when the browser fails or hangs.
        """
        return self._run(page, "page.png", ["--screenshot=page.png", f"--window-size={width},{height}"])

    def print_pdf(self, page: Path | str) -> bytes:
        """Return the page as it is printed, on the paper that its own style asks for. Raises StartError."""
        return self._run(page, "page.pdf", ["--print-to-pdf=page.pdf", "--no-pdf-header-footer"])

    def dom(self, page: Path | str) -> str:
        """Return the page's tree after its scripts ran, as HTML. Raises StartError."""
        return self._run(page, "page.dom", ["--dump-dom"]).decode("utf-8")

    def _run(self, page: Path | str, result: str, words: Sequence[str]) -> bytes:
        """Run one job in a folder of its own and return the file that it makes there."""
        folder = self.folder()
        try:
            address = page
            if isinstance(page, Path):
                shutil.copyfile(page, folder / "page.html")
                address = (folder / "page.html").as_uri()
            hand_over(folder)
            self._finish(folder, [*words, str(address)])
            made = folder / result
            if not made.exists() or not made.stat().st_size:
                raise StartError(f"Chromium made no {result} of {page}", log_tail(folder))
            return made.read_bytes()
        finally:
            remove_folder(folder)

    def folder(self) -> Path:
        """Return a new private folder to run it in; hand it over before it is run."""
        folder = private_folder("cc-browser-")
        (folder / "fonts.conf").write_text(_FONTS_CONF.format(fonts=self.fonts, folder=folder), encoding="utf-8")
        (folder / "log").touch()
        return folder

    def spawn(self, folder: Path, words: Sequence[str], redirected: str) -> "subprocess.Popen[bytes]":
        """Start it in a folder, with the shell's redirections that it needs; its messages go to the log there."""
        environment = {
            "LD_LIBRARY_PATH": str(self.libraries),
            "FONTCONFIG_FILE": str(folder / "fonts.conf"),
            "XDG_CACHE_HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
        }
        arguments = [*_FLAGS, f"--user-data-dir={folder}/profile", *words]
        command = ["/bin/sh", "-c", f'exec "$0" "$@" {redirected}', str(self.program), *arguments]
        return spawn(command, folder=folder, environment=environment, log=folder / "log")

    def _finish(self, folder: Path, words: Sequence[str]) -> None:
        process = self.spawn(folder, words, ">page.dom")
        try:
            code = process.wait(JOB_S)
        except subprocess.TimeoutExpired:
            raise StartError(f"Chromium was not done after {JOB_S:.0f} s", log_tail(folder)) from None
        finally:
            end(process, patience_s=0)
        if code != 0:
            raise StartError(f"Chromium ended with code {code}", log_tail(folder))


def find_browser(report: Report = say) -> Browser:
    """Return the browser, fetched first (13 s) if it is not there yet. Raises PeerUnavailableError, LabError."""
    root = peer_root(BROWSER, report)
    program = next(iter(sorted(root.glob("usr/lib/chromium*/*headless*shell*"))), None)
    if program is None:
        raise LabError(f"{root} holds no headless Chromium: remove that folder, it will be fetched anew")
    return Browser(program, libraries_without_libc(root), root / "usr" / "share" / "fonts")


def log_tail(folder: Path, lines: int = 15) -> str:
    """Return the last lines of what it said in a folder."""
    return "\n".join((folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

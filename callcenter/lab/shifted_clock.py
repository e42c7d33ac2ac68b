"""A clock of its own for one private program: it may be put forward or back while the program runs (libfaketime).

Only the wall clock is shifted; monotonic time, by which programs wait, goes on as it is.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from callcenter.lab.apt import CLOCK, peer_root
from callcenter.lab.cache import Report, say
from callcenter.lab.errors import LabError
from callcenter.lab.loader import Program


class ShiftedClock:
    """The clock; `put` sets by how much it differs from this machine's. Raises PeerUnavailableError, LabError."""

    def __init__(self, folder: Path, report: Report = say) -> None:
        """folder: a place that the program's user may read."""
        libraries = sorted(peer_root(CLOCK, report).glob("usr/lib/*/faketime/libfaketimeMT.so.1"))
        if not libraries:
            raise LabError("libfaketime's library for threads is not in its package")
        self._library = libraries[0]
        self._file = folder / "clock-shift"
        self.put(0)

    def put(self, by_s: int) -> None:
        """Let the program's clock differ from this machine's by so many seconds from now on."""
        self._file.write_text(f"{by_s:+d}\n", encoding="ascii")
        self._file.chmod(0o644)

    def worn_by(self, program: Program) -> Program:
        """Return the program with this clock. Nothing before it on its command line has it."""
        return replace(program, prefix=("env", f"LD_PRELOAD={self._library}", *program.prefix))

    @property
    def environment(self) -> Mapping[str, str]:
        """What the program's environment must hold besides."""
        return {"FAKETIME_TIMESTAMP_FILE": str(self._file), "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"}

"""A voice: text in, a telephone's WAV file out. espeak-ng speaks, sox brings it to 8 kHz and one loudness.

The machine's own two programs are used where it has both, else Debian's are fetched like every other peer. The Mandarin
voice is `cmn-latn-pinyin`: up to 1.51 the voice `cmn` spells each character as an English word; the two differ in nothing but
Latin letters, and our Mandarin texts have none.
"""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from callcenter.lab.apt import SPEECH, peer_root, peer_versions
from callcenter.lab.cache import Report, say
from callcenter.lab.loader import Program, program_in, wrapped
from callcenter.sounds.errors import NotSpoken
from callcenter.sounds.wav import RATE_HZ

VOICES = {"zh": "cmn-latn-pinyin", "en": "en-gb"}
WORDS_A_MINUTE = {"zh": 165, "en": 150}
RECIPE = 1
"""Increased when the programs are called in another way: what was made before is then made anew."""
ONE_TEXT_S = 20.0
_SHAPE = ("silence", "1", "0.01", "0.5%", "reverse", "silence", "1", "0.01", "0.5%", "reverse")
"""Cuts the silence off both ends."""
_LOUDNESS = ("pad", "0.1", "0.2", "gain", "-n", "-3")


@dataclass(frozen=True, slots=True)
class Voice:
    """A synthesiser that can be run."""

    speaker: Program
    shaper: Program
    data: Path | None
    """Folder that holds espeak-ng-data; None: the program knows."""
    version: str

    def says(self, language: str) -> str:
        """Return what, beside the text, decides how it sounds."""
        return f"{RECIPE} {self.version} {VOICES[language]} {WORDS_A_MINUTE[language]}"

    def speak(self, text: str, language: str) -> bytes:
        """Return a WAV file (8 kHz, mono, 16 bits) in which the text is spoken. Raises NotSpoken."""
        place = (f"--path={self.data}",) if self.data else ()
        manner = ("-v", VOICES[language], "-s", str(WORDS_A_MINUTE[language]), "--stdin", "--stdout")
        spoken = _run(self.speaker.command(*place, *manner), text.encode())
        shape = ("-t", "wav", "-r", str(RATE_HZ), "-c", "1", "-b", "16", "-e", "signed-integer")
        # to a file and not to a pipe: only then can sox write the length into the header
        with tempfile.TemporaryDirectory(prefix="cc-voice-") as folder:
            Path(folder).chmod(0o777)
            made = Path(folder) / "made.wav"
            words = ("-V1", "--ignore-length", "-t", "wav", "-", *shape, str(made), *_SHAPE, *_LOUDNESS)
            _run(self.shaper.command(*words), spoken)
            try:
                return made.read_bytes()
            except OSError as error:
                raise NotSpoken(f"sox made no file of {text!r}") from error


def find_voice(report: Report = say) -> Voice:
    """Return the machine's own espeak-ng and sox, else fetched ones. Raises PeerUnavailableError."""
    speaker, shaper = shutil.which("espeak-ng"), shutil.which("sox")
    if speaker is not None and shaper is not None:
        said = _run([speaker, "--version"], b"").decode("utf-8", "replace")
        return Voice(Program(Path(speaker)), Program(Path(shaper)), None, said.partition("Data at")[0].strip())
    root = peer_root(SPEECH, report)
    programs = (program_in(root, "usr/bin/espeak-ng"), program_in(root, "usr/bin/sox"))
    data = next(iter(sorted(root.glob("usr/lib/*/espeak-ng-data"))), root / "usr/share/espeak-ng-data")
    return Voice(*programs, data.parent, f"espeak-ng {peer_versions(root).get('espeak-ng', '')}")


def _run(command: list[str], given: bytes) -> bytes:
    try:
        done = subprocess.run(wrapped(command), input=given, capture_output=True, timeout=ONE_TEXT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotSpoken(f"{Path(command[0]).name} could not be run: {error}") from error
    if done.returncode != 0:
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise NotSpoken(f"{Path(command[0]).name} ended with code {done.returncode}: {' '.join(last)}")
    return done.stdout

"""The machine's own Debian archive, read from its apt sources: no address is ever written in this code.

Both forms are read, one-line (`*.list`) and deb822 (`*.sources`). An entry counts when it is switched on, has binary
packages of component `main`, and its address is a Debian main archive: the path ends in `/debian`, or in
`/debian/<timestamp>` (a snapshot). `mirror+file:` entries are followed into the file they name. Everything else there
(security, third parties) is passed over.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from callcenter.lab.errors import PeerUnavailableError

ETC_APT = Path("/etc/apt")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_MAIN_ARCHIVE = re.compile(r"/debian(/\d{8}T\d{6}Z)?/?$")
_ONE_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)$")
_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")
_POCKETS = ("-updates", "-security", "-backports", "-backports-sloppy", "-proposed-updates")


@dataclass(frozen=True, slots=True)
class Archive:
    """One Debian archive that the machine already trusts."""

    uri: str
    suite: str
    """The host's own suite there (bookworm, trixie, stable)."""
    signed_by: str | None
    """Path or fingerprint for apt's `signed-by`; None: apt's own trusted keys."""
    trusted: bool
    """True: the owner of the machine told apt to take it unsigned."""
    takes_expired: bool = False
    """True: he told apt to take its lists past their date (a snapshot, a mirror that stands still)."""

    def line(self, suite: str) -> str:
        """Return the one-line entry that asks this archive for `suite`."""
        options = [f"signed-by={self.signed_by}"] if self.signed_by else []
        options += ["trusted=yes"] if self.trusted else []
        options += ["check-valid-until=no"] if self.takes_expired else []
        head = f"deb [{' '.join(options)}]" if options else "deb"
        return f"{head} {self.uri} {suite} main\n"


def debian_archives(etc_apt: Path = ETC_APT) -> list[Archive]:
    """Return the Debian main archives among the machine's apt sources, each address once, live ones before snapshots.

    Raises PeerUnavailableError when there is none.
    """
    found: dict[str, Archive] = {}
    for path in (etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*"))):
        if path.suffix in (".list", ".sources") and path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            entries = _deb822_entries(text) if path.suffix == ".sources" else _one_line_entries(text)
            for archive in entries:
                if _MAIN_ARCHIVE.search(archive.uri) and not archive.suite.endswith(_POCKETS):
                    found.setdefault(archive.uri.rstrip("/"), archive)
    if not found:
        raise PeerUnavailableError(
            f"no Debian archive among the apt sources in {etc_apt}: on other systems an Asterisk >= 22.6, sipp and "
            "baresip on PATH are required"
        )
    return sorted(found.values(), key=lambda archive: archive.uri.rstrip("/").endswith("Z"))


def _one_line_entries(text: str) -> Iterator[Archive]:
    for line in text.splitlines():
        entry = _ONE_LINE.match(line.partition("#")[0].strip())
        if entry and "main" in entry["components"].split():
            options = dict(part.partition("=")[::2] for part in (entry["options"] or "").split())
            for uri in _followed(entry["uri"]):
                yield _archive(uri, entry["suite"], options)


def _deb822_entries(text: str) -> Iterator[Archive]:
    for stanza in re.split(r"\n\s*\n", text):
        lines = [line for line in stanza.splitlines() if not line.startswith("#")]
        fields: dict[str, str] = {}
        name = ""
        for line in lines:
            if line[:1].isspace():
                fields[name] = f"{fields.get(name, '')}\n{line.strip()}"
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        is_on = fields.get("enabled", "yes").lower() not in _NO
        if is_on and "deb" in fields.get("types", "").split() and "main" in fields.get("components", "").split():
            for uri in (real for named in fields.get("uris", "").split() for real in _followed(named)):
                for suite in fields.get("suites", "").split():
                    yield _archive(uri, suite, fields)


def _followed(uri: str) -> list[str]:
    if not uri.startswith("mirror+file:"):
        return [uri]
    path = Path("/" + uri.removeprefix("mirror+file:").lstrip("/"))
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]


def _archive(uri: str, suite: str, options: Mapping[str, str]) -> Archive:
    """A key that is written out in the entry itself (PGP block) is replaced by Debian's own keyring file."""
    signed_by = options.get("signed-by", "")
    if "\n" in signed_by or not signed_by:
        signed_by = str(KEYRING) if KEYRING.exists() else ""
    return Archive(
        uri,
        suite,
        signed_by.replace(" ", "") or None,
        trusted=options.get("trusted", "").lower() in _YES,
        takes_expired=options.get("check-valid-until", "").lower() in _NO,
    )

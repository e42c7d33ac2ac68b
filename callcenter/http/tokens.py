"""Who may change things over HTTP: tokens, kept as SHA-256 in the state folder, shown once when made.

Two ways in. `callcenter token create --for api` makes a named token for another machine; the file `tokens.json` holds
only its hash. On the same host an operator needs no ceremony: at its start the service writes a token of its own into
`api.token`, which only its own user (and root) can read, and the command line finds it there. Both files are 0600.

Whoever changes `tokens.json` holds the kernel's lock on a file beside it from reading to writing, so that of two commands at
the same time neither undoes the other. Who only reads needs no lock: the file is replaced in one step.
"""

import fcntl
import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

LOCAL_NAME = "api.token"
STORE_NAME = "tokens.json"
LOCK_NAME = "tokens.lock"
ENTRY = "it has 'for' (board or api), 'created_at' and 'sha256' (64 hexadecimal digits)"
LOCAL = "local"
"""Owner of the local token: whoever of this host can read it."""

_SHA256 = re.compile("[0-9a-f]{64}")


class Audience(StrEnum):
    """What a token opens."""

    BOARD = "board"
    """Reading: boards."""
    API = "api"
    """Reading and changing."""


class TokenStoreError(Exception):
    """The token file cannot be used."""


@dataclass(frozen=True, slots=True)
class TokenEntry:
    """One token that was made, without its secret."""

    token_id: str
    audience: Audience
    created_at: str
    """ISO 8601, UTC."""


class TokenStore:
    """The tokens of one state folder. Reads the file at each question: a revoked token is out at once."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._path = state_dir / STORE_NAME

    def create(self, audience: Audience, created_at: str) -> tuple[TokenEntry, str]:
        """Make a token. Returns its entry and the token itself, which nobody can show again."""
        entry = TokenEntry(secrets.token_hex(4), audience, created_at)
        token = f"cc_{entry.token_id}_{secrets.token_urlsafe(32)}"
        with self._alone():
            stored = self._read()
            stored[entry.token_id] = {"for": audience.value, "created_at": created_at, "sha256": _hash(token)}
            self._write(stored)
        return entry, token

    def revoke(self, token_id: str) -> bool:
        """Make a token worthless; return whether there was one of this id."""
        if token_id not in self._read():
            return False
        with self._alone():
            stored = self._read()
            if stored.pop(token_id, None) is None:
                return False
            self._write(stored)
        return True

    def entries(self) -> list[TokenEntry]:
        """Return all tokens, in the order in which they were made."""
        return [TokenEntry(token_id, Audience(one["for"]), one["created_at"]) for token_id, one in self._read().items()]

    def owner_of(self, token: str, audience: Audience) -> str | None:
        """Return whose token this is, if it opens `audience`: its id, or `LOCAL`; None: it does not. One for `api` opens
        boards too."""
        given = _hash(token)
        if (local := read_local_token(self._state_dir)) and secrets.compare_digest(_hash(local), given):
            return LOCAL
        opens = (audience.value, Audience.API.value)
        for token_id, one in self._read().items():
            if secrets.compare_digest(one["sha256"], given) and one["for"] in opens:
                return token_id
        return None

    def is_valid(self, token: str, audience: Audience) -> bool:
        """Return whether this token opens `audience`."""
        return self.owner_of(token, audience) is not None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Change the file while nobody else does, no thread and no process. The file itself cannot be the lock: it is replaced."""
        self._state_dir.mkdir(parents=True, exist_ok=True)
        fd = os.open(self._state_dir / LOCK_NAME, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise TokenStoreError(f"{self._path} cannot be read: {error}") from error
        if not isinstance(stored, dict):
            raise TokenStoreError(f"{self._path} does not hold tokens")
        for token_id, one in stored.items():
            if not _is_entry(one):
                raise TokenStoreError(
                    f"{self._path}: {token_id!r} is no entry of a token: {ENTRY}; correct it or take it out"
                )
        return stored

    def _write(self, stored: Mapping[str, Mapping[str, str]]) -> None:
        _write_private(self._path, json.dumps(stored, indent=1) + "\n")


def write_local_token(state_dir: Path) -> str:
    """Make the token for the operator on this host, anew at each start; returns it."""
    token = f"cc_local_{secrets.token_urlsafe(32)}"
    _write_private(state_dir / LOCAL_NAME, token + "\n")
    return token


def read_local_token(state_dir: Path) -> str | None:
    """Return the local token; None when there is none, or not for our eyes."""
    try:
        return (state_dir / LOCAL_NAME).read_text(encoding="ascii").strip() or None
    except (OSError, ValueError):
        return None


def _is_entry(one: object) -> bool:
    """Return whether this is what `create` stores. One entry that is not spoils the file: nobody knows whom it was to let in."""
    if not isinstance(one, dict) or one.get("for") not in list(Audience):
        return False
    digest = one.get("sha256")
    return isinstance(one.get("created_at"), str) and isinstance(digest, str) and bool(_SHA256.fullmatch(digest))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _write_private(path: Path, text: str) -> None:
    """Replace the file in one step; it is never readable to others, not even for a moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(fresh, path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise

"""Checks of this host: state folder, HTTP port, database, the look-up of the host's own name."""

import errno
import fcntl
import os
import socket
import time
from pathlib import Path

from callcenter.check.finding import Finding, Scene, State, beside
from callcenter.storage.database import open_engine
from callcenter.storage.errors import LedgerAway, SchemaOutdated, StorageError
from callcenter.storage.migrate import make_ready
from config.settings import Settings

LOOKUP_S = 1.0
"""A look-up of the host's own name that takes longer than this holds Asterisk's threads."""


async def check_state(scene: Scene) -> Finding:
    """Whether the state folder can be written, and whether a service runs on it."""
    folder = scene.settings.state_dir.absolute()
    do = f"make it writable for user {os.geteuid()}, or name another with CALLCENTER_STATE_DIR"
    try:
        return await beside(lambda: _look_at_state(folder))
    except OSError as error:
        return Finding("state", State.FAIL, f"{folder}: {error.strerror}", do)


def _look_at_state(folder: Path) -> Finding:
    if not folder.exists():
        parent = next(one for one in folder.parents if one.exists())
        if not parent.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{parent} is no folder")
        if not os.access(parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, f"{parent} cannot be written")
        return Finding("state", State.OK, f"{folder} is made at the first start")
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "cannot be written")
    holder = lock_holder(folder)
    if holder:
        return Finding("state", State.OK, f"{folder}, in use by {holder}")
    owner = folder.stat().st_uid
    if owner != os.geteuid():
        do = "run the service and its commands as one and the same user"
        return Finding("state", State.WARN, f"{folder} belongs to user {owner}, not to us ({os.geteuid()})", do)
    return Finding("state", State.OK, f"{folder}, free")


def lock_holder(folder: Path) -> str:
    """Return who runs on a state folder; empty when nobody does. The lock is tried for an instant only, shared."""
    try:
        fd = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # there is none, or it is not for our eyes: the state folder's own check says so
        return ""
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(fd, 200, 0).decode("utf-8", "replace").strip() or "another process"
    finally:
        os.close(fd)
    return ""


async def check_http(scene: Scene) -> Finding:
    """Whether the HTTP address can be listened on."""
    settings = scene.settings
    where = f"{settings.http_host}:{settings.http_port}"
    if await beside(lambda: lock_holder(settings.state_dir)):
        return Finding("http", State.OK, f"{where}, not tried: the running service has it")
    try:
        await beside(lambda: _try_to_listen(settings))
    except OSError as error:
        do = "end what listens there, or choose another CALLCENTER_HTTP_PORT or CALLCENTER_HTTP_HOST"
        return Finding("http", State.FAIL, f"{where}: {error.strerror or error}", do)
    return Finding("http", State.OK, f"{where} is free")


def _try_to_listen(settings: Settings) -> None:
    address = (settings.http_host, settings.http_port)
    family = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0][0]
    socket.create_server(address, family=family).close()


async def check_database(scene: Scene) -> Finding:
    """Whether the ledger's database answers and has this program's schema; an SQLite file is brought up to date."""
    settings = scene.settings
    label = settings.database_label
    if settings.database.startswith("sqlite") and settings.database_url is None:
        if not settings.state_dir.exists():
            return Finding("database", State.OK, f"{label} is made at the first start")
        if not os.access(settings.state_dir, os.W_OK | os.X_OK):
            return Finding("database", State.SKIPPED, "not checked: the state folder cannot be written")
    engine = open_engine(settings.database)
    try:
        if engine.url.host:
            await beside(lambda: socket.getaddrinfo(engine.url.host, None))
        await make_ready(engine)
    except SchemaOutdated as error:
        found = f"is at {error.current or 'no version'}, this program needs {error.head}"
        return Finding("database", State.FAIL, f"{label} {found}", "run 'callcenter db upgrade'")
    except LedgerAway as error:
        do = "start it, or correct CALLCENTER_DATABASE_URL (calls go on meanwhile; records wait on disk)"
        return Finding("database", State.FAIL, f"{label} does not answer: {error}", do)
    except (StorageError, OSError) as error:
        return Finding("database", State.FAIL, f"{label}: {error}", "correct CALLCENTER_DATABASE_URL")
    finally:
        await engine.dispose()
    return Finding("database", State.OK, f"{label} is up to date")


async def check_name(scene: Scene) -> Finding:
    """Whether this host's own name is found quickly: Asterisk looks it up for SDP, and a slow answer holds calls up."""
    name = socket.gethostname()
    if not await beside(lambda: is_this_host(scene.settings.ami_host)):
        return Finding("host name", State.SKIPPED, "not checked: Asterisk runs on another host")
    began = time.monotonic()
    do = f"put {name} into /etc/hosts, and media_address into each endpoint of pjsip.conf"
    try:
        await beside(lambda: socket.getaddrinfo(name, None))
    except OSError as error:
        return Finding("host name", State.WARN, f"{name} is not found: {error.strerror}", do)
    took_s = time.monotonic() - began
    if took_s > LOOKUP_S:
        return Finding("host name", State.WARN, f"{name} is found after {took_s:.1f} s: calls would wait for it", do)
    return Finding("host name", State.OK, f"{name} is found in {took_s * 1000:.0f} ms")


def is_this_host(host: str) -> bool:
    """Return whether an address is one of this machine's own: it can be bound. Blocks."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.bind(address)
    except OSError:
        return False
    return True

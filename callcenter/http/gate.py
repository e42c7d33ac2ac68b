"""The door of the HTTP side: who comes in, and who makes place when more want in than there are places.

Theory of operation. Whoever connects costs one of the process's file descriptors, and the PBX, the ledger and the next scrape
need some too. So there is a number of places, below the number of descriptors by a reserve. A guest is *silent* while he has sent
no whole request, or none since his last answer; otherwise he is being served, or he is a board, which stays (boards have a limit
of their own, well below the number of places).

While there is a place, everybody comes in. When there is none, a newcomer gets that of the guest who has been silent for longest;
where nobody is silent he is told so at once (503, and why) and let go. So thousands who connect and say nothing push each other
out and nobody else: who asks as soon as he is in, as a scrape does, is served.

The loop that routes calls does this work too, so it takes `A_TURN` newcomers in one of its turns and no more; the others wait in the
kernel, where they cost no descriptor of ours.
"""

import asyncio
import json
import logging
import resource
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, Protocol

from callcenter.board.fanout import MOST_SCREENS, RETRY_S

log = logging.getLogger(__name__)

MOST_PLACES = 600
RESERVE = 256
"""File descriptors that are never a guest's: AMI, database, outbox, files."""
FEWEST_PLACES = 12
A_TURN = 8
"""Newcomers in one turn of the loop: some 0.5 ms."""
REST_S = 0.2
"""How long nobody is taken when the machine has no descriptor left."""
SAY_AGAIN_S = 60.0
FIRST_BYTES = 256
DRAINED_BYTES = 65536


class Room(NamedTuple):
    """How many may be connected at the same time."""

    places: int
    boards: int
    """Of the places; the others are for those who ask once: scrapes, commands, pages."""


class Guest(Protocol):
    """A connection, as the door sees it."""

    def show_out(self) -> None:
        """Close it: another one needs the place."""
        ...


def room_for(descriptors: int) -> Room:
    """Return how many connections a process with so many file descriptors takes."""
    places = max(min(MOST_PLACES, descriptors - RESERVE), FEWEST_PLACES)
    return Room(places, min(MOST_SCREENS, places * 2 // 3))


def room_here() -> Room:
    """Return how many this process takes. Its limit of descriptors is raised first, as far as it may be and is needed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_PLACES + RESERVE
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
    room = room_for(wanted if soft == resource.RLIM_INFINITY else soft)
    if room.places < MOST_PLACES:
        log.warning(
            "this process may have %d files open: only %d connections and %d boards at the same time; allow it %d (ulimit -n, LimitNOFILE)",
            soft,
            *room,
            wanted,
        )
    return room


def refusal_text(sentence: str) -> bytes:
    """Return a whole answer that refuses whatever was asked: 503, and why, in JSON as all paths give errors."""
    body = json.dumps({"error": sentence, "problems": []}).encode()
    head = (
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
        f"Retry-After: {RETRY_S}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


NO_PLACE = refusal_text("there are as many connections as this service takes: close some, or try again later")


Refuses = Callable[[bytes], bytes | None]
"""Is asked with the first bytes of a connection; what it returns is sent as it is, and the connection closed."""


def refuse_nothing(data: bytes) -> bytes | None:
    """Let everybody ask."""
    return None


class Gate:
    """Takes connections from a listening socket, while it is open."""

    def __init__(
        self,
        listener: socket.socket,
        places: int,
        invite: Callable[[socket.socket], Guest],
        refuses: Refuses = refuse_nothing,
    ) -> None:
        """invite: makes a guest of a connection; it tells `asked`, `rests`, `gone` of him."""
        self._listener, self._places, self._invite, self._refuses = listener, places, invite, refuses
        self._guests: set[Guest] = set()
        self._silent: dict[Guest, None] = {}
        """Who has been so for longest stands first."""
        self._loop = asyncio.get_running_loop()
        self._later: asyncio.TimerHandle | None = None
        self._said_at = -SAY_AGAIN_S

    def open(self) -> None:
        """Take newcomers from now on."""
        self._later = None
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener.fileno(), self._let_in)

    def close(self) -> None:
        """Take no more; guests stay."""
        if self._later is not None:
            self._later.cancel()
        self._loop.remove_reader(self._listener.fileno())

    # what guests tell

    def asked(self, guest: Guest) -> None:
        """His request is whole."""
        self._silent.pop(guest, None)

    def rests(self, guest: Guest) -> None:
        """He was answered."""
        if guest in self._guests:
            self._silent.pop(guest, None)
            self._silent[guest] = None

    def gone(self, guest: Guest) -> None:
        """His connection is no more."""
        self._guests.discard(guest)
        self._silent.pop(guest, None)

    # inside

    def _let_in(self) -> None:
        for _ in range(A_TURN):
            try:
                newcomer, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:  # no descriptor, no memory: whoever waits, waits in the kernel
                self._say("nobody can connect for a moment: %s", error)
                self._loop.remove_reader(self._listener.fileno())
                self._later = self._loop.call_later(REST_S, self.open)
                return
            newcomer.setblocking(False)
            if (answer := self._refuses(_first_bytes(newcomer))) is not None:
                _refuse(newcomer, answer)
            elif self._has_place():
                guest = self._invite(newcomer)
                self._guests.add(guest)
                self._silent[guest] = None
            else:
                _refuse(newcomer, NO_PLACE)

    def _has_place(self) -> bool:
        if len(self._guests) < self._places:
            return True
        self._say("all %d connections are taken: silent ones make place, else the next ones are refused", self._places)
        if not self._silent:
            return False
        oldest = next(iter(self._silent))
        self.gone(oldest)
        oldest.show_out()
        return True

    def _say(self, words: str, value: object) -> None:
        now = self._loop.time()
        if now - self._said_at >= SAY_AGAIN_S:
            self._said_at = now
            log.warning(words, value)


def _first_bytes(newcomer: socket.socket) -> bytes:
    """Return what he has sent already, and leave it there."""
    try:
        return newcomer.recv(FIRST_BYTES, socket.MSG_PEEK)
    except OSError:
        return b""


def _refuse(newcomer: socket.socket, answer: bytes) -> None:
    with newcomer, suppress(OSError):
        with suppress(BlockingIOError):
            newcomer.recv(DRAINED_BYTES)  # closing over unread bytes is a reset, which may overtake the answer
        newcomer.send(answer)
        newcomer.shutdown(socket.SHUT_WR)

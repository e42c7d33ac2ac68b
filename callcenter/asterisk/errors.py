"""What can go wrong on an AMI link, in one small family.

Only these leave the adapter: errors of the socket, of TLS and of the library are translated at its one edge
(`translated`). A refusal that belongs to an action ("No such channel") is no error here but an `AmiReply`
whose `ok` is False: hang-up races make such answers normal, and what they mean is decided by whoever sent
the action.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager


class AmiError(Exception):
    """Something went wrong between us and the PBX's manager interface."""


class AmiBadValue(AmiError, ValueError):
    """A header of an action cannot be sent as it is (CR, LF, NUL, too long): our caller's fault, nothing
    was sent.

    `header` is its name as given.
    """

    def __init__(self, header: str, why: str) -> None:
        super().__init__(f"header {header!r} {why}")
        self.header = header


class AmiDisconnected(AmiError):
    """There is no session: the action was not sent, or its answer can no longer come. Nothing is sent
    again.
    """


class AmiUnreachable(AmiDisconnected):
    """The PBX could not be connected to (address, port, network, TLS)."""


class AmiTimeout(AmiError):
    """No answer came within the deadline; whether the PBX did what was asked is unknown.

    `action` is its name, `timeout_s` the deadline that passed.
    """

    def __init__(self, action: str, timeout_s: float) -> None:
        super().__init__(f"{action}: no answer within {timeout_s:g} s")
        self.action = action
        self.timeout_s = timeout_s


class AmiRefused(AmiError):
    """The PBX refused our log-in; trying again cannot help, the configuration must change. `username` was
    used.
    """

    def __init__(self, username: str, why: str) -> None:
        super().__init__(f"log-in of {username!r} refused: {why or 'no reason given'}")
        self.username = username


class AmiWrongPeer(AmiDisconnected):
    """Whoever answers there does not speak AMI as Asterisk does; the connection is given up."""


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn errors of socket and TLS into ours; `where` is "host:port" for the message."""
    try:
        yield
    except ssl.SSLError as error:
        raise AmiUnreachable(f"{where}: TLS failed: {error.reason or error}") from error
    except TimeoutError as error:
        raise AmiUnreachable(f"{where}: no connection within the deadline") from error
    except (OSError, UnicodeError) as error:
        raise AmiUnreachable(f"{where}: {error}") from error

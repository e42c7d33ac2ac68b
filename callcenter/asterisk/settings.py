"""Where a PBX's manager port is, every deadline of a link to it, and what a ping tells.

Plain values, made by the bootstrap from the service's settings; nothing here reads the environment.
"""

import enum
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from config.settings import AmiLogin, Settings


class LinkState(enum.Enum):
    """Where a link is."""

    IDLE = "idle"  # run() was not called yet
    CONNECTING = "connecting"  # not logged in; actions are refused
    UP = "up"  # logged in
    REFUSED = "refused"  # the PBX refused the log-in; final
    CLOSED = "closed"  # closed by us; final


@dataclass(frozen=True, slots=True)
class AmiSettings:
    """Where the PBX is, as whom to log in, and every deadline (all in seconds)."""

    host: str
    port: int
    username: str
    secret: str = field(repr=False)
    keep: frozenset[str] = frozenset()
    """Names of the events to deliver, as Asterisk writes them; empty asks the PBX for no events at all."""
    tls: bool = False
    tls_ca_file: Path | None = None  # None: the system's certificate authorities
    tls_check_name: bool = True  # False accepts a certificate of our CA for another host name
    connect_timeout_s: float = 5.0  # TCP and TLS
    login_timeout_s: float = 5.0  # banner and log-in
    action_timeout_s: float = 5.0  # default of each action
    ping_interval_s: float = 1.0
    pong_timeout_s: float = 5.0  # an action that blocks the session this long (Originate without Async) costs the link
    backoff_first_s: float = 0.2
    backoff_max_s: float = 8.0

    @classmethod
    def of(cls, settings: Settings, login: AmiLogin) -> Self:
        """The PBX of the service's settings, with one of its two accounts."""
        return cls(
            host=settings.ami_host,
            port=settings.ami_port,
            username=login.username,
            secret=login.secret.get_secret_value(),
            tls=settings.ami_tls,
            tls_ca_file=settings.ami_tls_ca,
        )

    @property
    def where(self) -> str:
        """host:port, for messages."""
        return f"{self.host}:{self.port}"

    def tls_context(self) -> ssl.SSLContext | None:
        """The TLS context, None for plain TCP; OSError or ssl.SSLError when the CA file cannot be used."""
        if not self.tls:
            return None
        context = ssl.create_default_context(cafile=self.tls_ca_file)
        context.check_hostname = self.tls_check_name
        return context


@dataclass(frozen=True, slots=True)
class Pong:
    """One verified ping: what the PBX's clock said and when we read it."""

    received_at: float  # seconds of our monotonic clock
    round_trip_s: float
    pbx_at_us: int | None  # the PBX's own wall clock, microseconds since the epoch; None if it did not say

    @property
    def offset_s(self) -> float | None:
        """Receive minus Timestamp: an upper bound of (our monotonic clock - the PBX's clock), tight when
        the way was short.
        """
        return None if self.pbx_at_us is None else self.received_at - self.pbx_at_us / 1e6

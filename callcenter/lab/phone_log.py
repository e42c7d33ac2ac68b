"""What a phone itself saw of its calls: the third witness, independent of the service and of the PBX.

Instants are this machine's wall clock in seconds since the epoch, as the phone (or its message log) noted them.
"""

from dataclasses import dataclass, field
from typing import Literal

Role = Literal["caller", "agent", "specialist", "outside"]
EndedBy = Literal["self", "peer"]


@dataclass(slots=True)
class PhoneCall:
    """One SIP dialog, from the phone's own side."""

    role: Role
    number: str
    """The phone's own number."""
    direction: Literal["in", "out"]
    sip_call_id: str
    """Call-ID of this phone's own leg (the PBX has another one on each leg)."""
    peer_number: str
    """User part of the other side's address, as the phone shows it."""
    peer_name: str = ""
    """Display name, as the phone shows it."""
    started_at: float = 0.0
    """INVITE sent or received."""
    answered_at: float | None = None
    """200 sent or received; None: never. A caller's 200 is no person: the dialplan answers before it plays music."""
    ended_at: float | None = None
    """None: it still goes on."""
    ended_by: EndedBy | None = None
    status: int | None = None
    """Last final SIP status of the INVITE (200, 486, 487); None where the phone does not tell."""
    reason: str = ""
    """The phone's own words on the end."""
    digits: str = ""
    """DTMF digits heard."""
    notes: list[str] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether the call still goes on."""
        return self.ended_at is None

    def row(self) -> dict[str, object]:
        """Return the row of `phones.jsonl`."""
        return {
            "role": self.role,
            "number": self.number,
            "sip_call_id": self.sip_call_id,
            "peer_number": self.peer_number,
            "started_at": self.started_at,
            "answered_at": self.answered_at,
            "ended_at": self.ended_at,
            "ended_by": self.ended_by,
            "status": self.status,
        }

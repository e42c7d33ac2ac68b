"""The target of a wish: the extension that a waiting caller goes to, and its one way of being written and read.

`<kind>*<digits>*<offer>*<epoch>*<ring_s>`, where the offer is `<epoch>-<n>`. Only letters, digits, `+`, `_`, `-` may stand in a
field, so nothing can be smuggled into the dialplan by a number.
"""

import re
from dataclasses import dataclass

from callcenter.asterisk.errors import AmiBadValue

_FIELD = re.compile(r"[A-Za-z0-9+_.-]+")
MAX_LENGTH = 78
"""The dialplan cuts what is longer: Asterisk's extensions have 79 characters."""

REJECT = "reject"
OUT = "out"
VOICEMAIL = "voicemail"
SAY = "say"
"""A prompt, and back to hold."""
HOLD = "hold"
EXITS = frozenset({REJECT, OUT, VOICEMAIL, SAY})
"""Kinds that take a caller out of his line."""
INSURANCE = "three"
"""Digits of the wish for hold that lies on a caller while a third person is rung for him."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a wish sends a caller."""

    kind: str
    """Extension of the dialplan's kinds: `endpoint`, `trunk`, ..., or `reject`, `out`, `voicemail`, `say`, `hold`."""
    digits: str
    """Phone, outside number, mailbox or reason word."""
    offer: str
    epoch: int
    ring_s: int
    """Seconds; 0 where nothing rings."""

    def __str__(self) -> str:
        for value in (self.kind, self.digits, self.offer):
            if not _FIELD.fullmatch(value):
                raise AmiBadValue("CC_GO", f"may hold letters, digits, + . _ - in a field only, not {value!r}")
        text = f"{self.kind}*{self.digits}*{self.offer}*{self.epoch}*{self.ring_s}"
        if len(text) > MAX_LENGTH:
            raise AmiBadValue("CC_GO", f"is longer than {MAX_LENGTH} characters: {text!r}")
        return text


def parse_target(text: str) -> Target | None:
    """Return the target written in `text`, None when it is not one of ours (a foreign extension: never raises)."""
    parts = text.split("*")
    if len(parts) != 5 or not all(parts):
        return None
    kind, digits, offer, epoch, ring = parts
    if not (text.isascii() and epoch.isdigit() and ring.isdigit()):
        return None
    return Target(kind, digits, offer, int(epoch), int(ring))

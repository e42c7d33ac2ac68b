"""What a called party can learn of who calls, on the wire."""

import re

from callcenter.lab.sip_phone import header

_NAMES = ("From", "Contact", "P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Diversion", "Call-Info")


def shown(invite: str) -> list[str]:
    """Return every name and user part of an INVITE's headers about the one who calls."""
    found = []
    for name in _NAMES:
        value = header(invite, name).split(";tag=")[0]
        found += re.findall(r'"([^"]*)"|sip:([^@>;]*)@', value)
    return sorted({name or user for name, user in found} - {"", "asterisk"})

"""Callers who are turned away by their number: the list of the plan, and the judgement over one caller (pure).

Theory of operation: a caller is judged once, when we first see him: at his arrival, or (he came while the service was away,
or it was started anew) when he is found and nobody has answered him yet. What the plan in force says then holds for his
whole call: a list that is changed later concerns who calls later. Who is on it is never queued and never offered; he hears a
refusal and is let go. He has no outcome and is in no figure (`excluded`), so the outcomes of the others still add up to the
calls offered. In the PBX's own fallback queue nobody judges: who was answered there was not turned away, and counts.

A caller's number is whatever he or his carrier wrote, so it is believed only where it is one: digits, 3 to 20 of them, with a
`+` or without (separators that people write are left out). A withheld number, a name or anything else is nobody's and matches
no entry. Both sides are compared as one spelling (`spelt`): `+` reads as `00`, and the own country's code is left out.
A number that is listed exactly goes before beginnings, and a longer beginning before a shorter one.
"""

from typing import TYPE_CHECKING

from acd.dialout import clean
from acd.plan import BlockedNumber, Plan
from acd.records import CallBlocked

if TYPE_CHECKING:
    from acd.calls import Call
    from acd.floor import Floor


def spelt(number: str, country_code: str) -> str:
    """Return a number (digits, with a `+` before them or without) in the one spelling in which numbers are compared."""
    digits = f"00{number[1:]}" if number.startswith("+") else number
    return digits.removeprefix(f"00{country_code}") if country_code else digits


class Blocklist:
    """The plan's blocked numbers, found by a caller's number in a few steps however long the list is."""

    def __init__(self, plan: Plan) -> None:
        self._country_code = plan.country_code
        self._whole: dict[str, BlockedNumber] = {}
        self._beginnings: dict[str, BlockedNumber] = {}
        for entry in plan.blocked:
            book = self._beginnings if entry.is_beginning else self._whole
            book.setdefault(spelt(entry.number, plan.country_code), entry)
        self._lengths = sorted({len(one) for one in self._beginnings if one}, reverse=True)

    def entry_for(self, caller_number: str) -> BlockedNumber | None:
        """Return why a caller with this number, as received, is turned away; None: he is not."""
        number = clean(caller_number)
        if not number:
            return None
        number = spelt(number, self._country_code)
        if number in self._whole:
            return self._whole[number]
        found = (self._beginnings.get(number[:length]) for length in self._lengths if length <= len(number))
        return next((entry for entry in found if entry is not None), None)


def judge(floor: "Floor", call: "Call") -> None:
    """Say whether a caller whom we see for the first time is turned away, and put it on record if he is."""
    entry = floor.blocklist.entry_for(call.caller_number)
    if entry is not None:
        call.blocked = entry
        floor.records.append(CallBlocked(call.id, floor.at(call), entry.text, entry.why))

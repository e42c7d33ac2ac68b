"""Callers' numbers as a wall may show them."""

KEPT = frozenset("0123456789+*#")
LONGEST = 20
LONG, HEAD, TAIL = 11, 3, 4
SHORT_TAIL = 2
SHORTEST = 5


def masked(number: str) -> str:
    """Return a caller's number with its middle hidden: `138****5678`; empty for one that is withheld.

    Of a number of fewer than 11 digits the last two are shown, of one of fewer than 5 none. Whatever is not a digit, `+`,
    `*` or `#` is left out: the text is the caller's.
    """
    plain = "".join(ch for ch in number if ch in KEPT)[:LONGEST]
    if len(plain) >= LONG:
        return plain[:HEAD] + "*" * (len(plain) - HEAD - TAIL) + plain[-TAIL:]
    if len(plain) >= SHORTEST:
        return "*" * (len(plain) - SHORT_TAIL) + plain[-SHORT_TAIL:]
    return "*" * len(plain)

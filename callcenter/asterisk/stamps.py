"""Instants as the dialplan writes them: seconds and microseconds of the PBX's clock, cut to milliseconds once."""


def milliseconds(text: str | None) -> int | None:
    """Whole milliseconds of `seconds.microseconds`, cut; None where there is none."""
    seconds, _, fraction = (text or "").partition(".")
    digits = (fraction or "0")[:3].ljust(3, "0")
    if not (seconds.isascii() and seconds.isdigit() and digits.isascii() and digits.isdigit()):
        return None
    return int(seconds) * 1000 + int(digits)

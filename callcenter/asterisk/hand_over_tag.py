"""The hand-over that stands on a caller's channel (CC_HANDOVER), and its one way of being written and read.

`<seq>*<mode>*<topic>*<seat>` while it is under way, `<seq>**<specialist>` when it is over (nobody reached: `<seq>**`). The number
says how many the caller has seen, so that the next leadership counts on. Digits and our own words only, never a caller's text.
"""

from acd.commands import TagHandOver
from acd.events import FoundHandOver
from acd.names import HandOverMode


def hand_over_text(tag: TagHandOver) -> str:
    """Return what is to be written on the channel."""
    return f"{tag.seq}**{tag.reached}" if tag.mode is None else f"{tag.seq}*{tag.mode}*{tag.topic}*{tag.by}"


def parse_hand_over(text: str) -> FoundHandOver | None:
    """Return the hand-over written in `text`, None when it is none of ours (never raises)."""
    seq, *rest = text.split("*")
    if not (seq.isascii() and seq.isdigit() and len(seq) < 10):
        return None
    if len(rest) == 2 and not rest[0]:
        return FoundHandOver(int(seq), None, reached=rest[1])
    if len(rest) != 3 or rest[0] not in set(HandOverMode):
        return None
    mode, topic, by = rest
    return FoundHandOver(int(seq), HandOverMode(mode), topic, by)

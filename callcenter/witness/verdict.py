"""Who ended a call, and with which outcome, from CEL alone (pure).

Theory of operation: the outcome is a SET of what the rows allow, mostly of one word; it is compared as such, never
guessed down to one:
- ever in a bridge with a phone of ours: agent_answered, whatever followed;
- else in a bridge with an outside line: overflowed_out;
- else in the context where a message is told to have been left: voicemail, whoever hung up;
- else hung up by the dialplan's own Hangup(): rejected; by nobody on the line: failed (the PBX dropped it);
- else the caller hung up: while he was dialled for, abandoned_ringing; otherwise by where his channel stood.

"While he was dialled for" is told by `dialstatus` in his HANGUP row: CEL's own memory of how the last dial ended, CANCEL
when the caller's hang-up ended it, in Queue() too; clearing the variable DIALSTATUS does not change it. His legs alone do
not tell: Asterisk hangs a ringing leg up just BEFORE the caller whose hang-up cancels it (0.3 to 2 ms on a quiet
machine), and a leg that rang its time out before the caller gave up looks the same. So a CANCEL counts when a leg lived
in the last `DIAL_GRACE_MS` (an older one is of a dial that he came out of alive), or he stood where callers are dialled for
(whoever comes out alive stands elsewhere, so there a busy machine's delay does not matter), or the rows have no leg of his at all.
ANSWER with such a leg, which nobody met: a phone was picked up in the instant in which the caller hung up; nobody spoke, so
he was being dialled for (a leg outside may also have been picked up and not taken: then both). Without any dialstatus
and with such a leg, both stay allowed.

Where a channel stood (`Places`) is the context of its HANGUP row: the six kinds of rows have no other trace of a
greeting or a refusal's prompt. Without it (`Places.unknown()`) abandoned_ivr and abandoned_queue are one class.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from acd.names import EndedBy, Outcome
from callcenter.witness.cel import CelRow
from callcenter.witness.channels import Channel, endpoint_of

DIAL_GRACE_MS = 50
"""How long before the caller's HANGUP that of the leg that it cancels may be."""

_BUILTIN = "dialplan/builtin"
_VOICEMAIL = frozenset({Outcome.VOICEMAIL})


@dataclass(frozen=True, slots=True)
class Places:
    """What a caller's hang-up means by the context his channel stood in, when nobody had answered or was dialled."""

    outcomes: Mapping[str, frozenset[Outcome]]
    elsewhere: frozenset[Outcome]
    people: frozenset[str] = frozenset()
    """Where a caller stands who is with a person of ours, also when that one came over an outside line (a specialist)."""
    legs: frozenset[str] = frozenset()
    """Where only legs stand that the PBX rings without a caller's dial (a three-way's specialist), never a caller."""

    @classmethod
    def of_our_dialplan(cls) -> "Places":
        """The shipped dialplan: `callcenter-tone` plays for a missing greeting and for a missing refusal's prompt."""
        rejected = frozenset({Outcome.REJECTED})
        return cls(
            {
                "callcenter-menu": frozenset({Outcome.ABANDONED_IVR}),
                "callcenter-tone": frozenset({Outcome.ABANDONED_IVR, Outcome.REJECTED}),
                "callcenter-reject": rejected,
                "callcenter-say": rejected,
                "callcenter-out": frozenset({Outcome.OVERFLOWED_OUT}),
                "callcenter-voicemail-left": _VOICEMAIL,
            },
            frozenset({Outcome.ABANDONED_QUEUE}),
            people=frozenset({"callcenter-connect"}),
            legs=frozenset({"callcenter-three"}),
        )

    @classmethod
    def unknown(cls) -> "Places":
        """No context is believed: greeting and queue are one class, and so is a caller tired of an exit's prompt."""
        unknown = {Outcome.ABANDONED_IVR, Outcome.ABANDONED_QUEUE, Outcome.REJECTED, Outcome.OVERFLOWED_OUT}
        return cls({}, frozenset(unknown) | _VOICEMAIL)


def ended_by(caller: Channel, outside: frozenset[str]) -> EndedBy | None:
    """Who hung up, by the source in the caller's HANGUP row; None: he has not ended. `outside`: endpoints of trunks."""
    if caller.hangup is None:
        return None
    source = caller.hangup.hangup_source
    if source == caller.name:
        return EndedBy.CALLER
    if source in ("", _BUILTIN):
        return EndedBy.SYSTEM
    return EndedBy.UNKNOWN if endpoint_of(source) in {"", *outside} else EndedBy.AGENT


def unanswered(caller: Channel, legs: Iterable[Channel], outside: frozenset[str], places: Places) -> frozenset[Outcome]:
    """Return what the outcome may be of a call that no phone of ours and no outside line ever took.

    `legs`: the channels born with his Linkedid, but for his own. Empty: he has not ended.
    """
    by = ended_by(caller, outside)
    if caller.hangup is None or by is None:
        return frozenset()
    if places.outcomes.get(caller.hangup.context) == _VOICEMAIL:
        return _VOICEMAIL
    if caller.hangup.hangup_source == _BUILTIN:
        return frozenset({Outcome.REJECTED}) | (places.elsewhere & _VOICEMAIL)
    if by is not EndedBy.CALLER:
        return frozenset({Outcome.FAILED})
    return _abandoned(caller.hangup, list(legs), outside, places)


def _abandoned(hangup: CelRow, born: list[Channel], outside: frozenset[str], places: Places) -> frozenset[Outcome]:
    """What the caller gave up in: was anybody dialled for him, and where did he stand?"""
    standing = places.outcomes.get(hangup.context, places.elsewhere)
    legs = [
        leg
        for leg in born
        if not leg.stays
        and leg.seen_ms <= hangup.at_ms
        and (leg.ended_ms is None or leg.ended_ms >= hangup.at_ms - DIAL_GRACE_MS)
    ]
    ringing = frozenset({Outcome.ABANDONED_RINGING})
    if any(leg.endpoint in outside for leg in legs):
        ringing |= {Outcome.OVERFLOWED_OUT}
    if any(leg.ended_ms is None or leg.ended_ms > hangup.at_ms for leg in legs):
        return ringing
    if hangup.dial_status == "CANCEL":
        return ringing if legs or not born or hangup.context in places.people else standing
    if hangup.dial_status == "ANSWER" and legs and not any(leg.endpoint in outside for leg in legs):
        return ringing
    return standing | ringing if legs and hangup.dial_status in ("", "ANSWER") else standing

"""How an offer ended, from what the dialplan says in `CcOfferEnd`.

Asterisk's DIALSTATUS alone cannot tell a phone that refuses from one that cannot be reached, and HANGUPCAUSE alone may
be that of an earlier offer (a ring-out sets none; our dialplan says 0 then). So the pair is looked up in a table.
NOANSWER is two things: a phone that says 480 (do not disturb) at any moment, and one that rang its time out. A phone
that forwards (302) is BUSY with cause 0, since the dialplan follows no forwarding. Measured on Asterisk 22.10.1;
`tests/integration/dialplan/test_offers.py` repeats the measurement against the real one.
"""

from acd.names import OfferResult
from callcenter.asterisk.tracks import Invite

CAUSE_REJECTED = 21
"""Q.850 call rejected: SIP 403 and 603."""

SLACK_S = 0.1
"""How much before its time a ring-out may end by the dialplan's clock."""

_BY_STATUS = {
    "ANSWER": OfferResult.ACCEPTED,
    "BUSY": OfferResult.BUSY,
    "CONGESTION": OfferResult.UNREACHABLE,
    "CHANUNAVAIL": OfferResult.UNREACHABLE,
    "INVALIDARGS": OfferResult.UNREACHABLE,
    "CANCEL": OfferResult.CALLER_GONE,
    "NOCONFIRM": OfferResult.NOT_ANSWERED,
    "NOTALK": OfferResult.REFUSED,
    "BADTARGET": OfferResult.FAILED,
}
"""DIALSTATUS, and the dialplan's own words: NOCONFIRM (picked up, nobody pressed 1), NOTALK (picked up, and hung up while the
agent's number was announced: he does not want the call), BADTARGET (wish unreadable)."""


def offer_result(status: str, cause: int, elapsed_s: float, ring_s: float) -> OfferResult:
    """Return how an offer ended.

    `status` and `cause` are the headers Status and Cause of CcOfferEnd, `elapsed_s` its ElapsedMs in seconds, `ring_s`
    the ring time of the offer's target. A word that is not known counts as failed: nobody's miss, and the call is
    offered to somebody else.
    """
    if status == "NOANSWER":
        return OfferResult.NOT_ANSWERED if cause == 0 or elapsed_s >= ring_s - SLACK_S else OfferResult.BUSY
    if status == "CHANUNAVAIL" and cause == CAUSE_REJECTED:
        return OfferResult.REFUSED
    return _BY_STATUS.get(status, OfferResult.FAILED)


_BY_CAUSE = {"17": OfferResult.BUSY, "21": OfferResult.REFUSED}
"""Cause of a leg's hang-up that nobody's Dial() told of, where it says enough."""
CAUSE_NO_ANSWER = "19"
"""At the ring time's end, and when a phone says 480."""


def invite_result(invite: Invite, cause: str, ended_ms: int) -> tuple[OfferResult, str]:
    """Return how the offer of a third person's leg ended that never joined, and the detail for its record."""
    if invite.is_unconfirmed:
        return OfferResult.NOT_ANSWERED, "NOCONFIRM"
    if invite.has_picked_up:
        return OfferResult.FAILED, "not joined"
    detail = f"invited/{cause}"
    if cause in _BY_CAUSE:
        return _BY_CAUSE[cause], detail
    if ended_ms - invite.begun_ms >= (invite.ring_s - SLACK_S) * 1000:
        return OfferResult.NOT_ANSWERED, detail
    return OfferResult.BUSY if cause == CAUSE_NO_ANSWER else OfferResult.UNREACHABLE, detail


def outbound_end(status: str, cause: str) -> str:
    """Return the word for the end of a call that an agent dialled: DIALSTATUS, but REFUSED where somebody said no."""
    return "REFUSED" if status == "CHANUNAVAIL" and cause == str(CAUSE_REJECTED) else status

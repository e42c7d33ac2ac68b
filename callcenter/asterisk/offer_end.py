"""How an offer ended, from what the dialplan says in `CcOfferEnd`.

Asterisk's DIALSTATUS alone cannot tell a phone that refuses from one that cannot be reached, and HANGUPCAUSE alone may
be that of an earlier offer (a ring-out sets none; our dialplan says 0 then). So the pair is looked up in a table.
NOANSWER is two things: a phone that says 480 (do not disturb) at any moment, and one that rang its time out. A phone
that forwards (302) is BUSY with cause 0, since the dialplan follows no forwarding. Measured on Asterisk 22.10.1;
`tests/integration/dialplan/test_offers.py` repeats the measurement against the real one.
"""

from acd.names import OfferResult

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
    "BADTARGET": OfferResult.FAILED,
}
"""DIALSTATUS, and the dialplan's own two words: NOCONFIRM (picked up, nobody pressed 1), BADTARGET (wish unreadable)."""


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

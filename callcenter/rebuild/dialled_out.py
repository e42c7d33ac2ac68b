"""What CEL knows of a call that an agent dialled out and whose end nobody saw (pure).

A phone's channel is the call; its HANGUP row says when it was over, who hung up and how the dial had ended, the bridge with
the outside line when they talked. A call that nobody saw begin is not told: its line and number would be guesses.
"""

from collections.abc import Mapping, Sequence

from acd.names import CallId, EndedBy, Via
from acd.records import CallClosed, CallRebuilt, TalkClosed, TalkOpened
from callcenter.rebuild.gaps import SAME_MS
from callcenter.storage.call_fold import CallRecord, CallStory
from callcenter.witness.cel import CelRow
from callcenter.witness.channels import channels_of, endpoint_of
from callcenter.witness.dialled import CelDialled, dialled


def dialled_out(known: Mapping[CallId, CallStory], rows: Sequence[CelRow]) -> dict[CallId, CelDialled]:
    """Return what CEL has of the ledger's calls dialled out. `rows` in the order of time."""
    ours = {key.uniqueid: key for key, story in known.items() if story.row and story.row["direction"] == "outbound"}
    if not ours:
        return {}
    channels = channels_of(rows).values()
    outside = {leg.endpoint for leg in channels if leg.linkedid in ours and leg.uniqueid not in ours}
    return {ours[one.uniqueid]: one for one in dialled(rows, outside) if one.uniqueid in ours}


def tell_dialled_out(key: CallId, cel: CelDialled, story: CallStory, at_ms: int) -> list[CallRecord]:
    """Tell talk and end of a call that is over. `at_ms`: when this was found out."""
    row = story.row
    assert row is not None and cel.ended_ms is not None
    records: list[CallRecord] = [CallRebuilt(key, at_ms)]
    talk_ended_ms = cel.ended_ms if cel.talk_ended_ms is None else cel.talk_ended_ms
    if cel.answered_ms is not None and not story.talks:
        offer, who = f"dialled-{key.uniqueid}", row["agent"] or cel.device
        records.append(TalkOpened(key, offer, cel.answered_ms, who, "seat", cel.device, Via.ENGINE))
        records.append(TalkClosed(key, offer, talk_ended_ms, 0))
    late = [
        TalkClosed(key, talk["offer"], talk_ended_ms, talk["hold_ms"])
        for talk in story.talks.values()
        if talk["closed_ms"] is None or talk["closed_ms"] > talk_ended_ms + SAME_MS
    ]
    return [*records, *late, CallClosed(key, cel.ended_ms, _ended_by(cel), None, cel.status)]


def _ended_by(cel: CelDialled) -> EndedBy:
    """Who hung up, as it would have been told live: the called party is the call's `caller`."""
    endpoint = endpoint_of(cel.ended_source)
    if not endpoint:
        return EndedBy.SYSTEM
    return EndedBy.AGENT if endpoint == cel.device else EndedBy.CALLER

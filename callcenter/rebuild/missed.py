"""What a command may tell of a gap, long after it or while the service is still away (pure).

Theory of operation: `tell` wants to know whose channels lived at the gap's end, so that it tells the others' ends. The service
sees that on the PBX. Here CEL itself says it: who hung up later, or not at all and was not dropped by a restart of Asterisk
(Uniqueids begin again at a low number), lived on. A call that the service closed as gone at its snapshot (`ended_by` unknown)
did not, whatever rows are lost. Of who lives on and has not ended in the ledger nothing is told: he is the service's to tell.
"""

from collections.abc import Collection, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import chain

from acd.names import CallId, EndedBy
from acd.plan import Plan
from acd.records import CallRebuilt, Record
from callcenter.rebuild.gaps import Gap
from callcenter.rebuild.source import CelText
from callcenter.rebuild.tell import Stories, tell
from callcenter.storage.call_fold import CallRecord, CallStory
from callcenter.storage.call_settle import settle
from callcenter.storage.ledger_rows import CHILDREN
from callcenter.witness.channels import Channel, channels_of
from callcenter.witness.conversations import is_anew, made_of, pbx_of
from metrics.lengths import DAY_MS

BEFORE_MS = 2_000
"""Rows of so long before a call arrived are read too."""
NO_END = "CEL does not have its end"
NO_BEGINNING = "CEL does not have its beginning"
TWO_WAYS = "CEL's rows allow more than one outcome"
NOT_TOLD = "CEL does not reach so far"


@dataclass(frozen=True, slots=True)
class Missed:
    """What the ledger lacks of a gap."""

    gap: Gap
    """As CEL has it: with whether Asterisk was started anew within it."""
    records: tuple[Record, ...]
    missing: frozenset[CallId]
    """Calls that are over and whose end CEL does not have."""
    after: Stories
    """The calls that are told, as they are then."""

    @property
    def calls(self) -> int:
        """How many calls are told, whole or in part."""
        return len({one.call for one in self.records if isinstance(one, CallRebuilt)})


def reading_from(gap: Gap, known: Stories) -> int:
    """Return from when on CEL is read for a gap: from the arrival of the oldest call that lived in it."""
    arrived = [int(row["arrived_ms"]) for story in known.values() if (row := story.row) is not None]
    return max(min([gap.from_ms, *arrived]), gap.from_ms - DAY_MS) - BEFORE_MS


def missed(gap: Gap, text: CelText, known: Stories, plan: Plan) -> Missed:
    """Say what the ledger lacks. `text`: CEL of the gap (a table may have that of several PBXes), `known`: the ledger's calls that
    lived in it."""
    rows = [row for row in text.rows if pbx_of(row.uniqueid, gap.pbx) == gap.pbx]
    spoken = {name: said for name, said in text.spoken.items() if pbx_of(name, gap.pbx) == gap.pbx}
    channels = channels_of(rows)
    anew_ms = _begun_anew_ms(channels.values(), gap)
    if anew_ms is None and gap.has_restarted:
        anew_ms = gap.to_ms
    living = {
        one.uniqueid
        for one in channels.values()
        if (one.ended_ms > gap.to_ms if one.ended_ms is not None else anew_ms is None or one.seen_ms >= anew_ms)
    }
    living -= {call.uniqueid for call, story in known.items() if _was_closed_unseen(story, gap)}
    gap = replace(gap, has_restarted=anew_ms is not None)
    account = tell(gap, rows, spoken, known, living, plan)
    not_ours = {CallId(gap.pbx, name) for name in living if not _is_over(known.get(CallId(gap.pbx, name)))}
    told: dict[CallId, list[CallRecord]] = {}
    for one in account.records:
        told.setdefault(one.call, []).append(one)
    after = {call: _told(known.get(call) or CallStory(call), told[call]) for call in told if call not in not_ours}
    news = {call: story for call, story in after.items() if _is_news(known.get(call), story)}
    records = chain.from_iterable(told[call] for call in news)
    return Missed(gap, tuple(records), frozenset(account.missing), news)


def still_unknown(gap: Gap, known: Stories, missing: Collection[CallId]) -> list[tuple[CallId, str]]:
    """Return the inbound calls that ended in a gap and have no outcome, each with the reason. `known`: as they are now."""
    found = []
    for call, story in sorted(known.items()):
        row = story.row
        if row is None or row["direction"] != "inbound" or row["excluded"] or row["outcome"] is not None:
            continue
        if row["ended_ms"] is None or row["ended_ms"] > gap.to_ms:
            continue
        if call in missing:
            found.append((call, NO_END))
        elif row["rebuilt_ms"] is not None:
            found.append((call, NO_BEGINNING if row["ended_by"] == EndedBy.UNKNOWN else TWO_WAYS))
        elif row["ended_by"] == EndedBy.UNKNOWN:
            found.append((call, NOT_TOLD))
    return found


def _told(story: CallStory, records: Sequence[CallRecord]) -> CallStory:
    after = deepcopy(story)
    for one in records:
        after.take(one)
    settle(after)
    return after


def _is_news(story: CallStory | None, after: CallStory) -> bool:
    """Whether the ledger would change by it: what was told once is not told again."""
    return story is None or any(getattr(after, name) != getattr(story, name) for name in ("row", *CHILDREN))


def _begun_anew_ms(channels: Iterable[Channel], gap: Gap) -> int | None:
    """When Asterisk's last run within a gap made its first channel; None: no row tells of another run."""
    newest, anew_ms = (0, -1), None
    for one in sorted(channels, key=lambda one: one.seen_ms):
        made = made_of(one.uniqueid)
        if made is None or one.seen_ms > gap.to_ms:
            continue
        if is_anew(made, newest):
            newest = made
            anew_ms = one.seen_ms if one.seen_ms >= gap.from_ms else None
        newest = max(newest, made)
    return anew_ms


def _was_closed_unseen(story: CallStory, gap: Gap) -> bool:
    row = story.row
    ended_ms = None if row is None else row["ended_ms"]
    return row is not None and ended_ms is not None and row["ended_by"] == EndedBy.UNKNOWN and ended_ms <= gap.to_ms


def _is_over(story: CallStory | None) -> bool:
    return story is not None and story.row is not None and story.row["ended_ms"] is not None

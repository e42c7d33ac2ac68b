"""What was decided and what became of it: the engine's diary, from which the ledger, metrics and boards are made.

Each record is one fact with its instant (`at_ms`, PBX clock). The ledger applies them in order; applying one twice
changes nothing, because every record names the row and the milestone that it sets.
"""

from typing import TypeAlias

from acd.records.after import (
    CallRated,
    RecordingClosed,
    RecordingJudged,
    RecordingOpened,
    RecordingPaused,
    SupervisorActed,
)
from acd.records.calls import (
    CallBlocked,
    CallClosed,
    CallInMenu,
    CallLeft,
    CallOpened,
    CallRebuilt,
    CallWaiting,
    StepTaken,
)
from acd.records.floor import GapTold, Ignored, Noted, PresenceChanged
from acd.records.offers import (
    HandOverClosed,
    HandOverOpened,
    OfferClosed,
    OfferMade,
    OfferRang,
    PassedOver,
    TalkClosed,
    TalkOpened,
)

Record: TypeAlias = (
    CallOpened
    | CallBlocked
    | CallInMenu
    | CallWaiting
    | StepTaken
    | OfferMade
    | OfferRang
    | OfferClosed
    | TalkOpened
    | TalkClosed
    | HandOverOpened
    | HandOverClosed
    | CallLeft
    | CallClosed
    | PresenceChanged
    | Ignored
    | Noted
    | GapTold
    | RecordingOpened
    | RecordingPaused
    | RecordingClosed
    | RecordingJudged
    | CallRated
    | SupervisorActed
    | CallRebuilt
)

__all__ = [
    "CallBlocked",
    "CallClosed",
    "CallInMenu",
    "CallLeft",
    "CallOpened",
    "CallRated",
    "CallRebuilt",
    "CallWaiting",
    "GapTold",
    "HandOverClosed",
    "HandOverOpened",
    "Ignored",
    "Noted",
    "OfferClosed",
    "OfferMade",
    "OfferRang",
    "PassedOver",
    "PresenceChanged",
    "Record",
    "RecordingClosed",
    "RecordingJudged",
    "RecordingOpened",
    "RecordingPaused",
    "StepTaken",
    "SupervisorActed",
    "TalkClosed",
    "TalkOpened",
]

"""What happened: facts in the past tense, told to the engine by its shell.

Every event carries `at_ms`, the PBX's own instant in integer milliseconds since the epoch, for the records; the
engine's clock (`now`, seconds, an argument of `Engine.handle`) decides deadlines. Late, duplicate and foreign
events are harmless: they become `Ignored` records.
"""

from typing import TypeAlias

from acd.events.after import RatingAsked, RatingGiven, RecordingEnded, RecordingHeld, RecordingStarted
from acd.events.agents import (
    AgentLoggedIn,
    AgentLoggedOut,
    AgentNotReady,
    AgentReady,
    DeviceChanged,
    WrapUpEnded,
    WrapUpExtended,
)
from acd.events.calls import CallArrived, CallerGone, CallHolding, CallQueued, MenuStarted
from acd.events.consults import ConsultAsked, ConsultEnded, ConsultFound
from acd.events.exits import VoicemailLeft
from acd.events.offers import (
    HandOverAsked,
    HoldEnded,
    HoldStarted,
    OfferAnswered,
    OfferConnecting,
    OfferEnded,
    OfferRinging,
    PartyJoined,
    PartyLeft,
    TalkEnded,
)
from acd.events.orders import AgentOrdered, CallMoved, LineOrdered
from acd.events.outbound import OutboundAnswered, OutboundEnded, OutboundStarted
from acd.events.resync import (
    AgentRestored,
    CallFound,
    ClockStepped,
    FoundHandOver,
    FoundParty,
    LastDial,
    LinkLost,
    PlanChanged,
    SnapshotDone,
)

Event: TypeAlias = (
    CallArrived
    | MenuStarted
    | CallQueued
    | CallHolding
    | OfferConnecting
    | OfferRinging
    | OfferAnswered
    | OfferEnded
    | TalkEnded
    | HoldStarted
    | HoldEnded
    | CallerGone
    | VoicemailLeft
    | HandOverAsked
    | PartyJoined
    | PartyLeft
    | ConsultAsked
    | ConsultFound
    | ConsultEnded
    | AgentLoggedIn
    | AgentLoggedOut
    | AgentReady
    | AgentNotReady
    | WrapUpEnded
    | WrapUpExtended
    | DeviceChanged
    | AgentOrdered
    | LineOrdered
    | CallMoved
    | OutboundStarted
    | OutboundAnswered
    | OutboundEnded
    | AgentRestored
    | CallFound
    | SnapshotDone
    | LinkLost
    | PlanChanged
    | ClockStepped
    | RecordingStarted
    | RecordingHeld
    | RecordingEnded
    | RatingAsked
    | RatingGiven
)

__all__ = [
    "AgentLoggedIn",
    "AgentLoggedOut",
    "AgentNotReady",
    "AgentOrdered",
    "AgentReady",
    "AgentRestored",
    "CallArrived",
    "CallFound",
    "CallHolding",
    "CallMoved",
    "CallQueued",
    "CallerGone",
    "ClockStepped",
    "ConsultAsked",
    "ConsultEnded",
    "ConsultFound",
    "DeviceChanged",
    "Event",
    "FoundHandOver",
    "FoundParty",
    "HandOverAsked",
    "HoldEnded",
    "HoldStarted",
    "LastDial",
    "LineOrdered",
    "LinkLost",
    "MenuStarted",
    "OfferAnswered",
    "OfferConnecting",
    "OfferEnded",
    "OfferRinging",
    "OutboundAnswered",
    "OutboundEnded",
    "OutboundStarted",
    "PartyJoined",
    "PartyLeft",
    "PlanChanged",
    "RatingAsked",
    "RatingGiven",
    "RecordingEnded",
    "RecordingHeld",
    "RecordingStarted",
    "SnapshotDone",
    "TalkEnded",
    "VoicemailLeft",
    "WrapUpEnded",
    "WrapUpExtended",
]

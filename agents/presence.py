"""What an agent is doing, one state at a time, and how states may follow each other."""

from enum import StrEnum


class Presence(StrEnum):
    """One agent's state; times in these states are what occupancy figures add up."""

    LOGGED_OUT = "logged_out"
    READY = "ready"
    RINGING = "ringing"
    TALKING = "talking"
    HOLD = "hold"
    ACW = "acw"
    DIALLING = "dialling"
    CASE_WORK = "case_work"
    NOT_READY = "not_ready"


class DeviceState(StrEnum):
    """What the PBX says of a phone, folded to what routing needs to know."""

    UNKNOWN = "unknown"
    IDLE = "idle"
    BUSY = "busy"
    UNREACHABLE = "unreachable"

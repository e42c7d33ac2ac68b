"""What callers do and where they are: facts about the calls themselves."""

from dataclasses import dataclass

from acd.names import CallId, EndedBy


@dataclass(frozen=True, slots=True)
class CallArrived:
    """A caller's channel reached us; he hears ringback and rests (dialplan: CcArrived)."""

    call: CallId
    at_ms: int
    did: str
    line: str | None = None
    """Line code that the dialplan knew for the DID; None or unknown: the plan decides, else the default line."""
    caller_number: str = ""
    caller_name: str = ""
    sip_call_id: str = ""
    has_menu: bool = False
    """A greeting or menu plays first: the call is queued only when `CallQueued` comes."""
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class MenuStarted:
    """The line's greeting or menu began (CcMenu)."""

    call: CallId
    at_ms: int


@dataclass(frozen=True, slots=True)
class CallQueued:
    """The greeting is over: from here the caller waits for a person (CcQueued; never sent for a line without greeting)."""

    call: CallId
    at_ms: int


@dataclass(frozen=True, slots=True)
class CallHolding:
    """The caller is (back) in the hold loop, where a wish can reach him (CcHolding)."""

    call: CallId
    at_ms: int


@dataclass(frozen=True, slots=True)
class CallerGone:
    """The caller's channel ended (CcEnd and Hangup): the call is over, whatever it was doing."""

    call: CallId
    at_ms: int
    by: EndedBy

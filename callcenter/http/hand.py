"""The supervisor's hand over HTTP: small JSON orders, each answered with a sentence. All of it needs a token for `api`.

| path | body |
|---|---|
| POST /hand/agent | `{"agent": number or name, "order": "ready" or "not-ready" or "logout", "reason": word, "why": text}` |
| POST /hand/line | `{"line": code or name, "order": "drain" or "open" or "emergency", "to": where to, "why": text}` |
| POST /hand/call | `{"call": Uniqueid, "to": line or agent, "why": text}` |
| GET /hand/calls | answers `{"calls": [...], "living": how many}` |

Who ordered is the token's id. On the same host, where all share the local token, it is `local:<user>`: the command line
says who it runs as in the header `X-Callcenter-User` (percent-encoded), which counts only with that token. That is an entry
in a diary, not a proof: whoever can read the local token can write any name there.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal, TypeVar
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from callcenter.hand import By, Refused, clean
from callcenter.http.body import BodyRefused, body_of
from callcenter.http.port import ServicePort
from callcenter.http.tokens import LOCAL

MAX_BYTES = 16 * 1024
MAX_WHO = 64
MAX_WHY = 300
USER_HEADER = "x-callcenter-user"

Handler = Callable[[Request], Awaitable[Response]]
Name = Annotated[str, StringConstraints(min_length=1, max_length=160)]
Text = Annotated[str, StringConstraints(max_length=4000)]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    why: Text = ""


class AgentOrder(_Order):
    """Of an agent."""

    agent: Name
    order: Literal["ready", "not-ready", "logout"]
    reason: Annotated[str, StringConstraints(max_length=160)] = ""


class LineOrder(_Order):
    """Of a line."""

    line: Name
    order: Literal["drain", "open", "emergency"]
    to: Annotated[str, StringConstraints(max_length=160)] = ""


class CallOrder(_Order):
    """Of a caller."""

    call: Name
    to: Name


_O = TypeVar("_O", bound=_Order)


def routes(service: ServicePort, guarded: Callable[[Handler], Handler]) -> list[Route]:
    """Return the routes; `guarded` lets a handler see only requests with a token, and says whose in `request.state`."""

    async def agent(request: Request) -> Response:
        order = await _read(request, AgentOrder)
        return _done(service.hand.agent(order.agent, order.order, order.reason, _by(request, order)))

    async def line(request: Request) -> Response:
        order = await _read(request, LineOrder)
        return _done(service.hand.line(order.line, order.order, order.to, _by(request, order)))

    async def call(request: Request) -> Response:
        order = await _read(request, CallOrder)
        return _done(service.hand.move(order.call, order.to, _by(request, order)))

    async def calls(request: Request) -> Response:
        return JSONResponse(service.hand.calls())

    return [
        Route("/hand/agent", guarded(agent), methods=["POST"]),
        Route("/hand/line", guarded(line), methods=["POST"]),
        Route("/hand/call", guarded(call), methods=["POST"]),
        Route("/hand/calls", guarded(calls)),
    ]


class Unreadable(Refused):
    """A body that is no order."""

    def __init__(self, status: int, sentence: str, problems: tuple[str, ...] = ()) -> None:
        self.problems = problems
        super().__init__(status, sentence)


async def refused(request: Request, error: Exception) -> Response:
    """Answer an order that was not carried out."""
    assert isinstance(error, Refused)
    problems = list(error.problems) if isinstance(error, Unreadable) else []
    return JSONResponse({"error": str(error), "problems": problems}, status_code=error.status)


async def _read(request: Request, shape: type[_O]) -> _O:
    try:
        values = json.loads(await body_of(request, MAX_BYTES))
    except BodyRefused as error:
        raise Unreadable(error.status, f"the order was not taken: {error}") from None
    except (ValueError, RecursionError):
        raise Unreadable(422, "the order is not JSON") from None
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        problems = (f"{clean('.'.join(map(str, one['loc'])), 40) or 'order'}: {one['msg']}" for one in error.errors())
        raise Unreadable(422, "the order is wrong", tuple(problems)) from None


def _by(request: Request, order: _Order) -> By:
    who = str(request.state.owner)
    if who == LOCAL:
        user = clean(unquote(request.headers.get(USER_HEADER, "")), MAX_WHO)
        who = f"{LOCAL}:{user or 'unknown'}"
    return By(who, clean(order.why, MAX_WHY))


def _done(sentence: str) -> Response:
    return JSONResponse({"done": sentence})

"""Who may look, and who may change things, over HTTP.

| what | from this host's loopback | from elsewhere |
|---|---|---|
| /healthz, /readyz | anybody | anybody |
| /metrics, /status, /plan | anybody | a token for `board` or `api` |
| the board's stream | a token; none in the demo (`CALLCENTER_BOARD_WITHOUT_TOKEN`) | a token for `board` or `api` |
| everything that changes something | a token for `api` | a token for `api` |

A token comes in the header `Authorization: Bearer`, or, for the board, in a cookie that the page's own scripts cannot read.
Never in an address: addresses are logged. "From this host" is judged by the connection and by the name that was asked for,
so that a page of elsewhere that has its own name resolved to 127.0.0.1 is a stranger. A proxy on this host must say for
whom it asks (X-Forwarded-For), else all its clients count as this host.
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from callcenter.http.tokens import Audience

COOKIE = "callcenter_board"
"""Beginning of its name. Browsers do not tell the ports of a host apart, so each of a pair on one host has a name of its own."""
OPEN = "demo"
"""Owner of a board that needed no token."""

_NAME = re.compile(r"(localhost|[0-9.]+|\[[0-9a-f:.]+\])(?::[0-9]*)?", re.IGNORECASE)
"""What a loopback name can look like in the header Host. It is read here: the library takes one that it cannot read for none, and
then says that our own address was asked for."""

Handler = Callable[[Request], Awaitable[Response]]
OwnerOf = Callable[[str, Audience], str | None]


def refusal(status: int, sentence: str, headers: dict[str, str] | None = None) -> Response:
    """Return an error as all paths give it."""
    return JSONResponse({"error": sentence, "problems": []}, status_code=status, headers=headers)


def is_from_here(request: Request) -> bool:
    """Return whether a request came over this host's loopback, by a loopback name (or by none, as no browser asks)."""
    if request.client is None or not _is_loopback(request.client.host):
        return False
    return all(
        (name := _NAME.fullmatch(host)) is not None and _is_loopback(name[1].strip("[]").lower())
        for host in request.headers.getlist("host")
    )


class Door:
    """Judges requests. `owner_of` judges tokens (`TokenStore.owner_of`); it runs in a worker thread."""

    def __init__(self, owner_of: OwnerOf, instance: str, *, board_without_token: bool = False) -> None:
        """instance: name of this service among others."""
        self.cookie = f"{COOKIE}_{instance}"
        self._owner_of = owner_of
        self._board_without_token = board_without_token

    async def owner_of(self, token: str, audience: Audience) -> str | None:
        """Return whose token this is, if it opens `audience`."""
        return await run_in_threadpool(self._owner_of, token, audience) if token else None

    async def who_looks(self, request: Request) -> str | None:
        """Return who may see the board with this request; None: nobody."""
        if self._board_without_token and is_from_here(request):
            return OPEN
        token = _bearer(request) or request.cookies.get(self.cookie, "")
        return await self.owner_of(token, Audience.BOARD)

    def for_readers(self, handler: Handler) -> Handler:
        """Let a handler see only requests from this host, or with a token that opens boards."""

        async def check_first(request: Request) -> Response:
            if not is_from_here(request) and await self.owner_of(_bearer(request), Audience.BOARD) is None:
                return _needs_token("board")
            return await handler(request)

        return check_first

    def for_api(self, handler: Handler) -> Handler:
        """Let a handler see only requests with a token for `api`, and say whose in `request.state.owner`."""

        async def check_first(request: Request) -> Response:
            owner = await self.owner_of(_bearer(request), Audience.API)
            if owner is None:
                return _needs_token("api")
            request.state.owner = owner
            return await handler(request)

        return check_first


def _needs_token(audience: str) -> Response:
    how = f"a token is needed: Authorization: Bearer TOKEN ('callcenter token create --for {audience}')"
    return refusal(401, how, {"WWW-Authenticate": "Bearer"})


def _bearer(request: Request) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""The wallboard over HTTP: its page, the way in, and the stream of what happens.

| path | answers |
|---|---|
| GET /board | the page; without a token (401) the page that asks for one |
| POST /board/login | body `token=...` (a form): 303 to /board and the cookie, or 401 and the page that says so |
| GET /board/login | 303 to /board: the address that a refused log-in leaves in the browser |
| POST /board/logout | 303 to /board, the cookie is gone |
| GET /board/events | server-sent events `state`, `delta`, `beat`, `end` (`callcenter.board`); 401, or 503 when there are too many |
| GET /board/static/NAME | the page's own files: nothing of it is fetched from outside |

A screen in a hall logs in by itself: opened as `/board#token=...`, its page posts what stands behind the `#`, which no browser
sends, and takes it out of the address. Only a token for boards logs in: one for the API, which may change things, is not
left in a browser. The cookie holds the token (HttpOnly, SameSite=Strict, this path alone), so a
restart of the service logs nobody out; a token that is revoked ends its screens within `TOKENS_EVERY_S`.
"""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from callcenter.board.fanout import RETRY_S, Fanout, Screen, TooManyScreens
from callcenter.http.access import OPEN, Door, refusal
from callcenter.http.body import BodyRefused, body_of
from callcenter.http.gate import refusal_text
from callcenter.http.tokens import LOCAL, Audience, TokenStore, TokenStoreError

log = logging.getLogger(__name__)

FOLDER = Path(__file__).resolve().parents[1] / "board" / "page"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
MAX_LOGIN_BYTES = 2048
YEAR_S = 365 * 24 * 3600
TOKENS_EVERY_S = 2.0
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

GOES = {"Connection": "close"}
"""With a stream that is refused: who may not see it shall not keep a connection either, which a scrape may want."""


STREAM = "/board/events"
TOO_MANY = refusal_text(str(TooManyScreens()))
TOO_MANY_HEAD = TOO_MANY[: TOO_MANY.index(b"\r\n\r\n") + 4]
"""To who asks for the head alone: a page whose stream was refused does so, to know why."""


class BoardPort(Protocol):
    """What is asked of the board of the running service."""

    @property
    def is_full(self) -> bool:
        """Whether `join` would raise."""
        ...

    def join(self, owner: str) -> Screen:
        """Open a screen. Raises TooManyScreens."""
        ...

    def leave(self, screen: Screen) -> None:
        """Forget a screen."""
        ...


class _Files:
    """The page's files, read once; `build` changes with any of them."""

    def __init__(self) -> None:
        self.bytes = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.is_file()}
        self.build = hashlib.sha256(b"\0".join(self.bytes.values())).hexdigest()[:12]

    def page(self, name: str, status: int = 200) -> Response:
        return Response(self.bytes[name], status, SECURITY, media_type="text/html")

    def refused(self) -> Response:
        """The way in, once more, with the line that the token was refused."""
        page = self.bytes["login.html"].replace(b'id="refused" role="alert" hidden', b'id="refused" role="alert"')
        return Response(page, 401, SECURITY, media_type="text/html")


FILES = _Files()


class _Stream(StreamingResponse):
    """Whatever ends the stream, the screen is forgotten."""

    def __init__(self, board: BoardPort, screen: Screen) -> None:
        self._board, self._screen = board, screen
        headers = {**SECURITY, "X-Accel-Buffering": "no"}
        super().__init__(_messages(screen), media_type="text/event-stream", headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._board.leave(self._screen)


async def _messages(screen: Screen) -> AsyncIterator[bytes]:
    while (text := await screen.taken()) is not None:
        yield text


class _Pages:
    def __init__(self, board: BoardPort, door: Door) -> None:
        self._board, self._door = board, door

    async def page(self, request: Request) -> Response:
        owner = await self._door.who_looks(request)
        return FILES.page("board.html") if owner is not None else FILES.page("login.html", 401)

    async def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        kind = KINDS.get(Path(name).suffix)
        if kind is None or name not in FILES.bytes:
            return refusal(404, "there is no such file")
        headers = SECURITY | {"Cache-Control": "no-cache", "ETag": f'"{FILES.build}"'}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(FILES.bytes[name], headers=headers, media_type=kind)

    async def login(self, request: Request) -> Response:
        try:
            token = _token(await body_of(request, MAX_LOGIN_BYTES))
        except BodyRefused:
            return FILES.refused()
        # who may change things is not left in the browser of a hall: a token for boards is enough there
        is_too_much = await self._door.owner_of(token, Audience.API) is not None
        if is_too_much or await self._door.owner_of(token, Audience.BOARD) is None:
            return FILES.refused()
        answer = RedirectResponse("/board", 303, SECURITY)
        answer.set_cookie(
            self._door.cookie,
            token,
            max_age=YEAR_S,
            path="/board",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return answer

    async def login_address(self, request: Request) -> Response:
        return RedirectResponse("/board", 303, SECURITY)

    async def logout(self, request: Request) -> Response:
        answer = RedirectResponse("/board", 303, SECURITY)
        answer.delete_cookie(self._door.cookie, path="/board", httponly=True, samesite="strict")
        return answer

    async def events(self, request: Request) -> Response:
        owner = await self._door.who_looks(request)
        if owner is None:
            return refusal(
                401, "a token is needed: 'callcenter token create --for board'", {"WWW-Authenticate": "Bearer"} | GOES
            )
        try:
            screen = self._board.join(owner)
        except TooManyScreens as error:
            return refusal(503, str(error), {"Retry-After": str(RETRY_S)} | GOES)
        if request.method == "GET":
            return _Stream(self._board, screen)
        self._board.leave(screen)  # who asks for the head alone wants to know whether there is room
        return Response(headers=SECURITY, media_type="text/event-stream")


def routes(board: BoardPort, door: Door) -> list[Route]:
    """Return the board's routes."""
    pages = _Pages(board, door)
    return [
        Route("/board", pages.page),
        Route(STREAM, pages.events),
        Route("/board/login", pages.login, methods=["POST"]),
        Route("/board/login", pages.login_address),
        Route("/board/logout", pages.logout, methods=["POST"]),
        Route("/board/static/{name}", pages.static),
    ]


def at_the_door(board: BoardPort) -> Callable[[bytes], bytes | None]:
    """Return what refuses a stream, or its head, by a connection's first bytes while there are as many boards as may be: thousands who
    ask for one, and then why not, cost as little as can be, and so nobody looks at their tokens."""
    answers = {f"GET {STREAM} ".encode(): TOO_MANY, f"HEAD {STREAM} ".encode(): TOO_MANY_HEAD}

    def refused(data: bytes) -> bytes | None:
        if not board.is_full:
            return None
        return next((answer for asks, answer in answers.items() if data.startswith(asks)), None)

    return refused


async def follow_tokens(tokens: TokenStore, fanout: Fanout) -> None:
    """End the screens of tokens that were revoked, until cancelled."""
    while True:
        await asyncio.sleep(TOKENS_EVERY_S)
        if not fanout.screens:
            continue
        try:
            known = {entry.token_id for entry in await asyncio.to_thread(tokens.entries)}
        except TokenStoreError as error:
            log.error("revoked tokens cannot be told: %s", error)
            continue
        fanout.keep((known | {LOCAL, OPEN}).__contains__)


def _token(body: bytes) -> str:
    try:
        fields: Mapping[str, list[str]] = parse_qs(body.decode("ascii"), max_num_fields=4)
    except ValueError:
        return ""
    return fields.get("token", [""])[0].strip()

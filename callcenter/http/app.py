"""The service over HTTP: metrics, health, status, and the plan.

| path | for | answers |
|---|---|---|
| GET /metrics | Prometheus | text; rendered in a worker thread |
| GET /healthz | a supervisor of processes | 200 while the loop runs |
| GET /readyz | a load balancer | 200, or 503 with what is missing |
| GET /status | `callcenter status` | JSON |
| GET /plan | `callcenter plan` | version of the plan in force |
| POST /plan/diff | `callcenter plan diff` | body: a plan file; what it would change. Token |
| POST /plan/reload | `callcenter plan reload` | the file that the service was started with is read again. Token |

Errors are JSON, `{"error": sentence, "problems": [...]}`; what went wrong inside goes to the log, never to the client.
"""

import logging
from collections.abc import Awaitable, Callable

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from callcenter.http.port import ServicePort
from callcenter.http.tokens import Audience
from config.errors import PlanError
from config.plan import parse_plan
from config.plan_diff import plan_diff
from metrics.exposition import render

MAX_PLAN_BYTES = 4 * 1024 * 1024
"""A province's plan (3,115 agents) is about 0.4 MB."""

log = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response]]
IsAllowed = Callable[[str, Audience], bool]


def create_app(service: ServicePort, is_allowed: IsAllowed) -> Starlette:
    """Return the ASGI application. `is_allowed` judges tokens (`TokenStore.is_valid`); it runs in a worker thread."""
    pages = _Pages(service)

    def guarded(handler: Handler) -> Handler:
        async def check_first(request: Request) -> Response:
            kind, _, token = request.headers.get("authorization", "").partition(" ")
            if kind.lower() != "bearer" or not await run_in_threadpool(is_allowed, token.strip(), Audience.API):
                return _error(401, "a token is needed: Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})
            return await handler(request)

        return check_first

    return Starlette(
        routes=[
            Route("/metrics", pages.metrics),
            Route("/healthz", pages.healthz),
            Route("/readyz", pages.readyz),
            Route("/status", pages.status),
            Route("/plan", pages.plan),
            Route("/plan/diff", guarded(pages.diff), methods=["POST"]),
            Route("/plan/reload", guarded(pages.reload), methods=["POST"]),
        ],
        exception_handlers={HTTPException: _http_error, PlanError: _plan_error, Exception: _our_error},
    )


class _Pages:
    def __init__(self, service: ServicePort) -> None:
        self._service = service

    async def metrics(self, request: Request) -> Response:
        text = await run_in_threadpool(render, self._service.freeze(), REGISTRY)
        return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def healthz(self, request: Request) -> Response:
        return JSONResponse({"alive": True})

    async def readyz(self, request: Request) -> Response:
        is_ready, conditions = self._service.ready()
        return JSONResponse({"ready": is_ready, **conditions}, status_code=200 if is_ready else 503)

    async def status(self, request: Request) -> Response:
        return JSONResponse(self._service.status())

    async def plan(self, request: Request) -> Response:
        plan = self._service.plan()
        return JSONResponse({"version": plan.version, "lines": len(plan.lines), "agents": len(plan.agents)})

    async def diff(self, request: Request) -> Response:
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_PLAN_BYTES:
                    return _error(413, f"a plan has at most {MAX_PLAN_BYTES} bytes")
        except ClientDisconnect:
            return Response(status_code=400)
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            return _error(422, "the plan is not UTF-8 text")
        loaded = await run_in_threadpool(parse_plan, text)
        return JSONResponse(
            {
                "running": self._service.plan().version,
                "version": loaded.plan.version,
                "changes": plan_diff(self._service.plan(), loaded.plan),
                "warnings": loaded.warnings,
            }
        )

    async def reload(self, request: Request) -> Response:
        changes = await self._service.reload_plan()
        return JSONResponse({"version": self._service.plan().version, "changes": changes})


def _error(status: int, sentence: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": sentence, "problems": []}, status_code=status, headers=headers)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _error(error.status_code, error.detail, dict(error.headers or {}))


async def _plan_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PlanError)
    return JSONResponse({"error": "the plan is wrong", "problems": list(error.problems)}, status_code=422)


async def _our_error(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _error(500, "internal error: the service's log says more")

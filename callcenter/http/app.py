"""The service over HTTP: metrics, health, status, and the plan.

| path | for | answers |
|---|---|---|
| GET /metrics | Prometheus | text, or OpenMetrics where it is asked for; rendered in a worker thread |
| GET /healthz | a supervisor of processes | 200 while the loop runs |
| GET /readyz | a load balancer | 200, or 503 with what is missing; `?stand_by=ok`: 200 from a sound stand-by too |
| GET /status | `callcenter status` | JSON |
| GET /plan | `callcenter plan` | version of the plan in force |
| /board... | supervisors | the wallboard: `callcenter.http.board` |
| POST /plan/diff | `callcenter plan diff` | body: a plan file; what it would change. Token |
| POST /plan/reload | `callcenter plan reload` | the file that the service was started with is read again. Token |
| /hand/... | `callcenter agent`, `line`, `call` | the supervisor's hand: `callcenter.http.hand`. Token |

Who may see what is in `callcenter.http.access`.

Errors are JSON, `{"error": sentence, "problems": [...]}`; what went wrong inside goes to the log, never to the client.
"""

import logging

from prometheus_client import REGISTRY
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from callcenter.courtesy import giving_way
from callcenter.hand import Refused
from callcenter.http import board
from callcenter.http.access import Door, OwnerOf, refusal
from callcenter.http.body import BodyRefused, body_of
from callcenter.http.hand import refused, routes
from callcenter.http.port import ServicePort
from callcenter.http.tokens import TokenStoreError
from config.errors import PlanError
from config.plan import parse_plan
from metrics.exporter import Frozen
from metrics.exposition import render_as

MAX_PLAN_BYTES = 4 * 1024 * 1024
"""A province's plan (3,115 agents) is about 0.4 MB."""

log = logging.getLogger(__name__)


def create_app(service: ServicePort, owner_of: OwnerOf, *, board_without_token: bool = False) -> Starlette:
    """Return the ASGI application. `owner_of` judges tokens (`TokenStore.owner_of`); it runs in a worker thread."""
    pages, door = _Pages(service), Door(owner_of, service.instance, board_without_token=board_without_token)
    return Starlette(
        routes=[
            Route("/metrics", door.for_readers(pages.metrics)),
            Route("/healthz", pages.healthz),
            Route("/readyz", pages.readyz),
            Route("/status", door.for_readers(pages.status)),
            Route("/plan", door.for_readers(pages.plan)),
            Route("/plan/diff", door.for_api(pages.diff), methods=["POST"]),
            Route("/plan/reload", door.for_api(pages.reload), methods=["POST"]),
            *routes(service, door.for_api),
            *board.routes(service.board, door),
        ],
        exception_handlers={
            HTTPException: _http_error,
            PlanError: _plan_error,
            Refused: refused,
            TokenStoreError: _nobody_known,
            Exception: _our_error,
        },
    )


class _Pages:
    def __init__(self, service: ServicePort) -> None:
        self._service = service

    async def metrics(self, request: Request) -> Response:
        accept = request.headers.get("accept", "")
        text, content_type = await run_in_threadpool(_rendered, accept, self._service.freeze())
        return Response(text, headers={"Content-Type": content_type})

    async def healthz(self, request: Request) -> Response:
        return JSONResponse({"alive": True})

    async def readyz(self, request: Request) -> Response:
        is_ready, conditions = self._service.ready()
        is_sound = request.query_params.get("stand_by") == "ok" and conditions.get("stand_by") is True
        return JSONResponse({"ready": is_ready, **conditions}, status_code=200 if is_ready or is_sound else 503)

    async def status(self, request: Request) -> Response:
        return JSONResponse(self._service.status())

    async def plan(self, request: Request) -> Response:
        plan = self._service.plan()
        return JSONResponse({"version": plan.version, "lines": len(plan.lines), "agents": len(plan.agents)})

    async def diff(self, request: Request) -> Response:
        try:
            text = (await body_of(request, MAX_PLAN_BYTES)).decode("utf-8")
        except BodyRefused as error:
            return refusal(error.status, f"the plan was not taken: {error}")
        except UnicodeDecodeError:
            return refusal(422, "the plan is not UTF-8 text")
        loaded = await run_in_threadpool(parse_plan, text)
        return JSONResponse(
            {
                "running": self._service.plan().version,
                "version": loaded.plan.version,
                "changes": self._service.plan_changes(loaded),
                "warnings": loaded.warnings,
            }
        )

    async def reload(self, request: Request) -> Response:
        changes = await self._service.reload_plan()
        return JSONResponse({"version": self._service.plan().version, "changes": changes})


def _rendered(accept: str, frozen: Frozen) -> tuple[bytes, str]:
    """The work of a scrape's thread: the loop that routes calls must get Python's lock when it wants it."""
    with giving_way():
        return render_as(accept, frozen, REGISTRY)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refusal(error.status_code, error.detail, dict(error.headers or {}))


async def _plan_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PlanError)
    return JSONResponse({"error": "the plan is wrong", "problems": list(error.problems)}, status_code=422)


async def _nobody_known(request: Request, error: Exception) -> Response:
    """Nobody is let in by a file of tokens that cannot be read; 500, not 401: the client's token may well be a good one."""
    log.error("%s %s refused: %s", request.method, request.url.path, error)
    return refusal(500, "tokens cannot be read: the service's log says more")


async def _our_error(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return refusal(500, "internal error: the service's log says more")

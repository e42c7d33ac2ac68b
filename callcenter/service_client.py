"""How a command reaches the running service: HTTP on the address of the settings, with the local operator's token.

It comes from `api.token` in the state folder (same host, same user or root), or, on another
host, from CALLCENTER_TOKEN. Every failure is one sentence that says what to do.
"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from callcenter.http.tokens import read_local_token
from config.settings import Settings

TIMEOUT_S = 10.0


class ServiceError(Exception):
    """The service could not be asked, or refused; `problems` holds what it said in detail."""

    def __init__(self, sentence: str, problems: tuple[str, ...] = ()) -> None:
        self.problems = problems
        super().__init__(sentence)


@dataclass(frozen=True, slots=True)
class ServiceClient:
    """Asks the service that these settings name."""

    settings: Settings

    def get(self, path: str) -> dict[str, Any]:
        """Return a page's JSON; with a token if we have one, which the service asks for from other hosts. Raises ServiceError."""
        token = self._token_if_any()
        return self._ask("GET", path, None, {"Authorization": f"Bearer {token}"} if token is not None else {})

    def post(self, path: str, body: bytes = b"") -> dict[str, Any]:
        """Post with the token and return the answer's JSON. Raises ServiceError."""
        return self._ask("POST", path, body, {"Authorization": f"Bearer {self._token()}"})

    def guarded(self, path: str) -> dict[str, Any]:
        """Return a page's JSON that only a token opens. Raises ServiceError."""
        return self._ask("GET", path, None, {"Authorization": f"Bearer {self._token()}"})

    def order(self, path: str, values: Mapping[str, str], user: str) -> dict[str, Any]:
        """Post a supervisor's order, saying as which (percent-encoded) user we run. Raises ServiceError."""
        headers = {"Authorization": f"Bearer {self._token()}", "X-Callcenter-User": user}
        return self._ask("POST", path, json.dumps(values).encode(), headers)

    def _token_if_any(self) -> str | None:
        if self.settings.token is not None:
            return self.settings.token.get_secret_value()
        return read_local_token(self.settings.state_dir)

    def _token(self) -> str:
        token = self._token_if_any()
        if token is None:
            raise ServiceError(
                f"no token: {self.settings.state_dir / 'api.token'} cannot be read. Run this on the service's host as its "
                "user, with its CALLCENTER_STATE_DIR, or set CALLCENTER_TOKEN ('callcenter token create --for api')"
            )
        return token

    def _ask(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> dict[str, Any]:
        host, port = self.settings.http_host, self.settings.http_port
        reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        connection = http.client.HTTPConnection(reached, port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ServiceError(
                f"the service does not answer on {reached}:{port} ({error}): start it with "
                "'callcenter serve', or name its address with CALLCENTER_HTTP_HOST and CALLCENTER_HTTP_PORT"
            ) from error
        finally:
            connection.close()
        return _read(answer.status, text, f"{reached}:{port}")


def _read(status: int, text: bytes, where: str) -> dict[str, Any]:
    try:
        page = json.loads(text)
    except ValueError as error:
        raise ServiceError(f"what answers on {where} is not this service (status {status})") from error
    if not isinstance(page, dict):
        raise ServiceError(f"what answers on {where} is not this service (status {status})")
    if status == 401:
        raise ServiceError("the service refuses the token: it is wrong, revoked, or of another state folder")
    if status >= 400 and "error" in page:
        raise ServiceError(str(page["error"]), tuple(str(one) for one in page.get("problems", ())))
    return page

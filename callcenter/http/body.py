"""Reading a request's body: not longer than it may be, and not slower than anybody's network is."""

import asyncio

from starlette.requests import ClientDisconnect, Request

BODY_S = 10.0


class BodyRefused(Exception):
    """A body that was not read: why, in words, and as an HTTP status."""

    def __init__(self, status: int, why: str) -> None:
        self.status = status
        super().__init__(why)


async def body_of(request: Request, most: int) -> bytes:
    """Return a body of at most `most` bytes. Raises BodyRefused: 413 longer, 408 not there after `BODY_S`, 400 cut off."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise BodyRefused(413, f"it has more than {most} bytes")
    except ClientDisconnect:
        raise BodyRefused(400, "it did not arrive whole") from None
    except TimeoutError:
        raise BodyRefused(408, f"it was not whole after {BODY_S:g} s: send it again") from None
    return bytes(body)

"""Tasks that go on by themselves beside the routing: one that fails must not fail unseen."""

import asyncio
import logging
from typing import Any

log = logging.getLogger(__name__)


def told_if_it_failed(task: "asyncio.Task[Any]") -> None:
    """Say in the log that a task ended with an error; for `add_done_callback`."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("%s ended: the service goes on without it", task.get_name(), exc_info=error)

"""`callcenter serve`: the service for production."""

import asyncio
import logging
import sys
from typing import Any

import typer

from acd.errors import AcdError
from callcenter.asterisk.errors import AmiRefused
from callcenter.asterisk.leader import HeldByAnother
from callcenter.asterisk.put_back import ClockPutBack
from callcenter.bootstrap import Service
from callcenter.http.server import HttpAddressError
from callcenter.storage.errors import StateLocked, StorageError
from config.errors import ConfigError
from config.settings import load_settings, unknown_variables

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_HELD = 4


def serve() -> None:
    """Run the service: connect to Asterisk, distribute calls, keep the ledger, serve /metrics.

    Settings come from CALLCENTER_* variables or a file .env in the current folder; lines, agents and skills from the plan.

    \b
    Example, with the settings in .env:
        callcenter check      (what is wrong, before anyone calls)
        callcenter serve
    Signals: TERM or INT ends it (callers keep hearing music; start again within 12 s and nobody notices),
    HUP reads the plan again.
    With CALLCENTER_REDIS_URL a second service on the same PBX stands by, and takes over when the first is gone.
    Exit codes: 0 ended by a signal, 1 failed, 2 settings or plan are wrong, 4 another instance holds the PBX.
    """
    sys.exit(run())


def run(**overrides: Any) -> int:
    """Run the service until it ends and return its exit code; errors are one sentence on standard error."""
    try:
        settings = load_settings(**overrides)
        _log_to_stderr(settings.log_level)
        for warning in (*unknown_variables(), *settings.doubts):
            logging.getLogger("callcenter").warning("%s", warning)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(settings))
    except ConfigError as error:
        return _fail(str(error), EXIT_USAGE)
    except AmiRefused as error:
        return _fail(f"{error}: correct CALLCENTER_AMI_USERNAME and CALLCENTER_AMI_SECRET", EXIT_USAGE)
    except (HeldByAnother, StateLocked) as error:
        return _fail(str(error), EXIT_HELD)
    except (AcdError, HttpAddressError) as error:
        return _fail(str(error), EXIT_USAGE)
    except (ClockPutBack, StorageError, OSError) as error:
        return _fail(str(error), EXIT_FAILED)
    return 0


async def _serve(settings: Any) -> None:
    await Service(settings).run()


def _loop_factory() -> Any:
    """uvloop where it is installed: it halves the time from event to action."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _log_to_stderr(level: str) -> None:
    logging.basicConfig(
        stream=sys.stderr, level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )


def _fail(message: str, code: int) -> int:
    typer.echo(message, err=True)
    return code

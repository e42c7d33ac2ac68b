"""`make demo`: the main job on a real Asterisk with real phones; see `callcenter.demo.run`.

DEMO_SECONDS, DEMO_KEEP, DEMO_FAULT (drop, ledger), DEMO_SEED, DEMO_CALLS_PER_S. The last line is one JSON object.
Exit code 0: everything was right; 1: something was not; 2: wrong use.
"""

import asyncio
import os
import sys

from rich.console import Console

from callcenter.demo.errors import DemoUseError
from callcenter.demo.foreground import own_foreground
from callcenter.demo.options import Options
from callcenter.demo.run import Demo
from callcenter.lab.errors import LabError
from callcenter.storage.errors import StorageError
from callcenter.witness.errors import WitnessError

PRINTED_COLUMNS = 100
"""Where there is no terminal to ask."""


async def _play(options: Options) -> int:
    console = Console()
    if not console.is_terminal:
        console = Console(width=PRINTED_COLUMNS)
    return await Demo(options, console).run()


def main() -> int:
    """Run the demo by the environment's wishes."""
    try:
        options = Options.read(os.environ)
        if options.keep is not None:
            options.keep.mkdir(parents=True, exist_ok=True)
    except (DemoUseError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        with own_foreground():
            return asyncio.run(_play(options))
    except KeyboardInterrupt:
        return 1
    except (LabError, StorageError, WitnessError) as error:
        sys.stderr.write(f"the demo could not go on: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())

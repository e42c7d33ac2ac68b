"""`make calls`: every kind of call on a real Asterisk with real phones, each compared with what must come out of it."""

import argparse
import asyncio
import json
import sys
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from callcenter.calls.errors import CallsUseError, ScenarioError
from callcenter.calls.run import Fault, Result, run
from callcenter.calls.scenario import Scenario, chosen, load
from callcenter.demo.foreground import own_foreground
from callcenter.lab.errors import LabError
from callcenter.storage.errors import StorageError
from callcenter.witness.errors import WitnessError

EACH = 5
PRINTED_COLUMNS = 150
"""Where there is no terminal to ask."""
_EXAMPLES = """\
examples:
  make calls                                            every kind, five calls of each
  make calls ARGS="--only rona_then_next --each 1"      one call of one kind
  make calls ARGS="--only busy --only refused"          two kinds
  make calls ARGS=--list                                the kinds, and what happens in each
  make calls ARGS="--only abandoned_in_queue --fault ledger"   shows that the run then fails

What happens in a kind of call and what must come out of it stands in callcenter/calls/scenarios/*.toml. The last line is
one JSON object; exit code 0: all of it but kinds and calls is 0; 1: something was not as written; 2: wrong use.
"""


def _wishes(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make calls",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", action="append", default=[], metavar="KIND", help="this kind only; may be repeated")
    parser.add_argument("--each", type=int, default=EACH, metavar="N", help="calls of each kind, 1 to 999 (5)")
    parser.add_argument(
        "--proof", action="store_true", help="also the further kinds of the long proof of the witnesses"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="folder for what phones, CEL and ledger said")
    parser.add_argument("--fault", choices=[fault.value for fault in Fault], help="make a fault on purpose")
    parser.add_argument("--list", action="store_true", help="name the kinds and end")
    wishes = parser.parse_args(arguments)
    if not 1 <= wishes.each <= 999:
        parser.error("--each is a number from 1 to 999")
    return wishes


def _table(result: Result, scenarios: list[Scenario]) -> Table:
    table = Table(title="Calls on the real PBX, each compared with what its scenario says")
    table.add_column("kind")
    table.add_column("calls", justify="right")
    table.add_column("what is wrong", overflow="fold")
    for scenario in scenarios:
        verdicts = [one for one in result.verdicts if one.kind == scenario.kind]
        words = [f"{one.turn + 1} {one.caller}: {text}" for one in verdicts for text in one.words]
        words += [f"{p.turn + 1}: {p.failure}" for p in result.played if p.place.kind == scenario.kind and p.failure]
        table.add_row(scenario.kind, str(len(verdicts)), Text("\n".join(words) or "-"))
    return table


def main(arguments: list[str]) -> int:
    """Run what is wished; returns the exit code."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=PRINTED_COLUMNS)
    wishes = _wishes(arguments)
    try:
        scenarios = chosen(load(), wishes.only, proof=wishes.proof)
        if wishes.keep is not None:
            wishes.keep.mkdir(parents=True, exist_ok=True)
    except (CallsUseError, ScenarioError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if wishes.list:
        for one in scenarios:
            console.print(f"{one.kind:24} {one.what}", highlight=False)
        return 0
    fault = Fault(wishes.fault) if wishes.fault else None
    try:
        with own_foreground():
            report = partial(console.print, highlight=False, markup=False)
            result = asyncio.run(run(scenarios, wishes.each, report, keep=wishes.keep, fault=fault))
    except KeyboardInterrupt:
        return 1
    except (LabError, StorageError, WitnessError) as error:
        sys.stderr.write(f"the calls could not go on: {error}\n")
        return 1
    console.print(_table(result, scenarios))
    for words in result.mismatches:
        console.print(f"the witnesses differ: {words}", highlight=False, markup=False)
    sys.stdout.write(json.dumps(result.totals.document()) + "\n")
    return 0 if result.totals.is_right else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

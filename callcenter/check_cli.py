"""`callcenter check`: says before anyone calls what is wrong, one line each."""

import asyncio
import logging
import sys

from rich.console import Console
from rich.text import Text

from callcenter.check.finding import Finding, Scene, State
from callcenter.check.run import check_all, check_plan, check_settings
from config.errors import SettingsError
from config.settings import load_settings

EXIT_WRONG = 1
EXIT_CONFIGURATION = 2
CONFIGURATION = frozenset({"settings", "plan"})
_COLOURS = {State.OK: "green", State.WARN: "yellow", State.FAIL: "bold red", State.SKIPPED: "dim"}


def check() -> None:
    """Say what is wrong before anyone calls: settings, plan, database, Asterisk, CEL, sounds; one line each.

    Looks at the same settings as `callcenter serve`, touches no call, and may run beside the service.

    \b
    Each line: ok, warn (works, but should be known), FAIL, - (not checked); what was found -> what to do.
    Exit codes: 0 all well (warnings allowed), 1 something is wrong, 2 settings or plan are wrong.
    Example:
        callcenter check && callcenter serve
    """
    sys.exit(run())


def run() -> int:
    """Print all findings and return the exit code."""
    logging.getLogger("callcenter").addHandler(logging.NullHandler())  # the findings say it, in one line
    try:
        settings = load_settings()
    except SettingsError as error:
        _show([Finding("settings", State.FAIL, problem) for problem in error.problems])
        return EXIT_CONFIGURATION
    plan, findings = check_plan(settings)
    findings = [*check_settings(settings), *findings]
    _show(findings)
    rest = asyncio.run(check_all(Scene(settings, plan)))
    _show(rest)
    return exit_code([*findings, *rest])


def exit_code(findings: list[Finding]) -> int:
    """Return 2 when settings or plan are wrong, 1 when anything else is, else 0."""
    wrong = {finding.item for finding in findings if finding.state is State.FAIL}
    if wrong & CONFIGURATION:
        return EXIT_CONFIGURATION
    return EXIT_WRONG if wrong else 0


def _show(findings: list[Finding]) -> None:
    """One line each, never wrapped, so that it can be searched; coloured on a terminal."""
    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        line = Text(f"{finding.state.value:<4} ", style=_COLOURS[finding.state])
        line.append(f"{finding.item:<14} ", style="bold")
        line.append(finding.says, style="")
        if finding.do:
            line.append(f" -> {finding.do}", style="cyan")
        console.print(line)

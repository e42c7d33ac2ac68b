"""Every command explains itself: what it does, an example that can be typed, and no options unknown to it."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from callcenter.__main__ import app


def commands(command: Any, *words: str) -> Iterator[tuple[str, ...]]:
    """Every command that does something, as it is typed after `callcenter`."""
    below = getattr(command, "commands", None)
    if below is None:
        yield words
    for name in below or ():
        yield from commands(below[name], *words, name)


ALL = list(commands(typer.main.get_command(app)))
OPTION = re.compile(r"(?<![\w-])--[a-z-]+")


def help_of(words: tuple[str, ...]) -> str:
    done = CliRunner().invoke(app, [*words, "--help"])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize(("words", "is_light"), [(("agent", "--help"), True), (("serve", "--help"), False)])
def test_supervisor_starts_a_command_only_what_it_needs_is_loaded(words: tuple[str, ...], is_light: bool) -> None:
    program = (
        "import sys; from callcenter.start import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print('loaded:', 'sqlalchemy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)

    assert f"callcenter {words[0]}" in done.stdout, "its own help"
    assert done.stdout.endswith(f"loaded: {not is_light}\n"), done


def test_commands_of_this_version_are_all_there() -> None:
    wanted = "serve check status report agent line call|plan diff reload pin|db upgrade|lab up down status|token create revoke list"
    first, *groups = wanted.split("|")
    expected = {(name,) for name in first.split()}
    for group in groups:
        name, *below = group.split()
        expected |= {(name, one) for one in below}
    assert set(ALL) >= expected


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_user_asks_a_command_for_help_it_shows_an_example_that_can_be_typed(words: tuple[str, ...]) -> None:
    shown = help_of(words)
    lines = [line.strip(" │") for line in shown.splitlines()]
    examples = [line for line in lines if line.startswith(" ".join(("callcenter", *words)))]
    assert any(line.startswith("Example") for line in lines) and examples, shown
    for example in examples:
        typed = shlex.split(example.split("  ")[0].split("&&")[0])
        for option in (word for word in typed if word.startswith("--")):
            assert option in OPTION.findall(shown.split("Options", 1)[1]), f"{example}: {option}"


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("plan", "pin"),
        ("token", "create"),
        ("check", "--now"),
        ("agent", "1001"),
        ("line",),
    ],
)
def test_user_types_it_wrong_code_2_and_what_is_wrong(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 2
    assert "--help" in done.stderr and ("Missing" in done.stderr or "No such" in done.stderr)

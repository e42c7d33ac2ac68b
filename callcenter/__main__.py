"""The command line: `callcenter --help`."""

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def root() -> None:
    """Automatic call distribution for public hotlines on Asterisk."""


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()

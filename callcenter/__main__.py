"""The command line: `callcenter --help`."""

import typer

from callcenter import plan_cli
from callcenter.check_cli import check
from callcenter.lab.cli import lab_app
from callcenter.report_cli import db_app, report
from callcenter.serve_cli import serve

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)

app.command("serve")(serve)
app.command("check")(check)
app.command("report")(report)
app.add_typer(db_app, name="db")
app.add_typer(lab_app, name="lab")
plan_cli.register(app)


@app.callback()
def root() -> None:
    """Automatic call distribution for public hotlines on Asterisk."""


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()

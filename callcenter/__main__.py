"""The command line: `callcenter --help`."""

import typer

from callcenter import metrics_cli, plan_cli, supervisor_cli
from callcenter.check_cli import check
from callcenter.import_cli import import_calls
from callcenter.lab.cli import lab_app
from callcenter.reconcile_cli import reconcile
from callcenter.report_cli import db_app, report
from callcenter.serve_cli import serve
from callcenter.sounds.cli import sounds_app

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)

app.command("serve")(serve)
app.command("check")(check)
app.command("report")(report)
app.command("reconcile")(reconcile)
app.command("import")(import_calls)
app.add_typer(db_app, name="db")
app.add_typer(lab_app, name="lab")
app.add_typer(sounds_app, name="sounds")
plan_cli.register(app)
metrics_cli.register(app)
supervisor_cli.register(app)


@app.callback()
def root() -> None:
    """Automatic call distribution for public hotlines on Asterisk."""


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()

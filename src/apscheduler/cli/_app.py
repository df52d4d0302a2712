"""The commands put together, and how wrong input is told: in one line on standard error, with exit status 2."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from apscheduler.cli import changes, check, jobs, next, nodes, run, runs
from apscheduler.cli._errors import RefusedError
from apscheduler.cli._screen import printable


class OneLineErrors(TyperGroup):
    """A group of commands that ends with a line instead of a box or a traceback where the input is wrong."""

    def main(  # type: ignore[override]  # click has overloads; this group never returns
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command and end the process with its exit status."""
        try:
            done = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except RefusedError as exc:
            _refuse(str(exc), 2)
        except typer.Abort:
            sys.exit(130)  # what shells report for a program that Ctrl-C has ended
        except Exception as exc:
            # Found by what it has, because Typer has brought its own copy of Click since 0.26.
            message = getattr(exc, "format_message", None)
            if message is None:
                raise
            _refuse(_with_help(message(), getattr(exc, "ctx", None)), getattr(exc, "exit_code", 2))
        sys.exit(done if isinstance(done, int) else 0)


def _refuse(message: str, status: int) -> None:
    sys.stderr.write(f"Error: {printable(' '.join(message.split()))}\n")
    sys.exit(status)


def _with_help(message: str, context: Any) -> str:
    path = getattr(context, "command_path", None) or "apscheduler"
    return f"{message.rstrip().rstrip('.')}; see {path} --help"


app = typer.Typer(
    cls=OneLineErrors,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    help="Run schedulers, look into their job stores, and say when a trigger fires.",
)
app.command("run")(run.run)
app.command("next")(next.next_times)
app.command("jobs")(jobs.jobs)
app.command("runs")(runs.runs)
app.command("nodes")(nodes.nodes)
app.command("pause")(changes.pause)
app.command("resume")(changes.resume)
app.command("remove")(changes.remove)
app.command("trigger")(changes.trigger)
app.command("check")(check.check)

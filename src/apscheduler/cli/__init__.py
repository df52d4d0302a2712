"""The command line `apscheduler`, for which the extra `cli` is needed.

Nothing but `main()` is made for programs to import, and nothing else of the package imports Typer or Rich.
"""

from __future__ import annotations

import sys

__all__ = ("main",)

_NEEDED = ("typer", "rich")


def main() -> None:
    """Run the command that the arguments of the process name, and end with its exit status.

    0 is success, 1 a finding (of `check`, or something that could not be done), 2 wrong input, told in one line.
    """
    try:
        from apscheduler.cli._app import app
    except ImportError as exc:
        name = (exc.name or "").partition(".")[0]
        if name not in _NEEDED:
            raise
        sys.stderr.write(f"Error: the command line needs {name}: pip install 'apscheduler[cli]'\n")
        sys.exit(2)
    app(prog_name="apscheduler")

"""The options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

DEFAULT_TABLE = "apscheduler_jobs"

Zone = Annotated[
    str | None,
    typer.Option(
        "--tz",
        metavar="ZONE",
        help="Zone of the times, such as Europe/Berlin; default the local one.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Store = Annotated[
    str,
    typer.Option(
        "--store",
        metavar="URL",
        envvar="APSCHEDULER_STORE",
        help="The job store: sqlite:///jobs.sqlite, postgresql://..., redis://..., zookeeper://...",
        show_default=False,
    ),
]
Table = Annotated[
    str,
    typer.Option(
        "--table",
        metavar="NAME",
        help="Name of the table of jobs; collection on MongoDB, both keys on Redis.",
    ),
]

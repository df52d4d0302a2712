"""`apscheduler run`: a scheduler as a program, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated

import typer

from apscheduler.cli._driving import drive
from apscheduler.cli._live import LiveTable
from apscheduler.cli._options import Zone
from apscheduler.cli._screen import console
from apscheduler.cli._target import load_target
from apscheduler.cli._times import read_zone

_FORMAT = "%(asctime)s %(levelname)-7s %(message)s"


def run(
    target: Annotated[
        str,
        typer.Argument(
            help="module:scheduler, or a file such as app.py or app.py:scheduler. What it names is a scheduler, or a"
            " callable that returns one.",
            show_default=False,
        ),
    ],
    plain: Annotated[bool, typer.Option("--plain", help="Print log lines also on a terminal.")] = False,
    tz: Zone = None,
) -> None:
    """Run the scheduler that TARGET names until Ctrl-C or SIGTERM, then wait for the runs in flight.

    On a terminal it shows a live table of the jobs, elsewhere log lines on standard error. A second Ctrl-C stops
    waiting.
    """
    zone = read_zone(tz)
    scheduler = load_target(target)
    screen = console()
    live = screen.is_terminal and not plain

    def shown() -> AbstractContextManager[None]:
        # Where the program has configured logging itself, this changes nothing.
        logging.basicConfig(level=logging.WARNING if live else logging.INFO, format=_FORMAT)
        return LiveTable(scheduler, screen, zone) if live else nullcontext()

    drive(scheduler, target, shown)

"""The live table of `apscheduler run`: jobs with their next run, last outcome and how long that took.

Rich's own thread asks for it once a second; it is read from the job stores, so runs of other nodes show too. Where
reading takes long it is done less often, so that it never takes more than a tenth of the time.
"""

from __future__ import annotations

import logging
import sys
from datetime import tzinfo
from types import TracebackType
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from apscheduler._clock import SYSTEM
from apscheduler.cli._english import describe
from apscheduler.cli._screen import add_row, duration_text, make_table, printable, time_text
from apscheduler.cli._stored import Stored, load_all
from apscheduler.cli._target import stores_of
from apscheduler.cli._words import plural
from apscheduler.runs import Run
from apscheduler.schedulers.base import STATE_PAUSED, BaseScheduler

_NEWEST = 200
_LINES_AROUND = 6


class LiveTable:
    """Shows a scheduler on a terminal while entered."""

    def __init__(self, scheduler: BaseScheduler, screen: Console, zone: tzinfo) -> None:
        self._scheduler = scheduler
        self._screen = screen
        self._zone = zone
        self._last: dict[str, Run | None] = {}
        self._shown: RenderableType = Text("")
        self._number = "no"
        self._ended = False
        self._started = False
        self._read_at = 0.0
        self._moved: list[tuple[logging.StreamHandler[Any], Any]] = []
        self._live = Live(
            console=screen, get_renderable=self._render, refresh_per_second=2, vertical_overflow="crop"
        )

    def __enter__(self) -> None:
        streams = (sys.stderr, sys.stdout)
        self._live.start()
        # What handlers write to the terminal itself would break the table; Rich prints it above the table.
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream in streams:
                self._moved.append((handler, handler.setStream(sys.stderr)))

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._ended = True
        self._live.stop()
        for handler, stream in self._moved:
            handler.setStream(stream)

    def _render(self) -> RenderableType:
        now = SYSTEM.monotonic()
        self._started = self._started or self._scheduler.running
        if self._scheduler.running and now >= self._read_at:
            try:
                self._shown = self._table()
            except Exception as exc:  # of whatever a store's client raises; the scheduler itself tries on
                self._shown = Text(
                    printable(f"The job store cannot be read now: {type(exc).__name__}: {exc}")
                )
            after = SYSTEM.monotonic()
            self._read_at = after + max(0.9, 10 * (after - now))
        return Group(Text(self._title()), Text(""), self._shown)

    def _title(self) -> str:
        name = type(self._scheduler).__name__
        if self._ended:
            return f"{name} stopped."
        if not self._started:
            return f"{name} is starting."
        if not self._scheduler.running:
            return f"{name} is stopping and waits for the runs in flight; Ctrl-C stops waiting."
        state = "paused" if self._scheduler.state == STATE_PAUSED else "running"
        return f"{name} {state}, {self._number}; Ctrl-C ends it."

    def _table(self) -> RenderableType:
        found = [stored for store in stores_of(self._scheduler).values() for stored in load_all(store)]
        found.sort(
            key=lambda stored: (stored.next_run_time is None, stored.next_run_time or 0.0, stored.job_id)
        )
        most = max(1, self._screen.size.height - _LINES_AROUND)
        shown = found[:most]
        self._read_last(shown)
        rows = make_table("JOB", "NEXT RUN", "LAST", "TOOK>", "RESULT", "TRIGGER")
        for stored in shown:
            add_row(rows, *self._cells(stored))
        self._number = plural(len(found), "job")
        if len(found) > most:
            self._number += f", of which the next {most} are shown"
        return rows

    def _cells(self, stored: Stored) -> tuple[str, ...]:
        last = self._last.get(stored.job_id)
        when = "paused" if stored.next_run_time is None else time_text(stored.next_run_time, self._zone)
        if stored.job is None:
            meaning = f"unreadable here: {stored.problem}"
        else:
            meaning = describe(stored.job.trigger, self._zone)
        if last is None:
            return stored.job_id, when, "-", "-", "", meaning
        outcome = last.error or last.reason or ("" if last.result is None else str(last.result))
        return stored.job_id, when, last.status, duration_text(last.duration), outcome[:60], meaning

    def _read_last(self, shown: list[Stored]) -> None:
        """Bring the last run of each shown job up to date: from the newest runs of all, or asked for once."""
        newest: dict[str, Run] = {}
        for run in self._scheduler.get_runs(limit=_NEWEST):
            newest.setdefault(run.job_id, run)
        self._last.update(newest)
        for stored in shown:
            if stored.job_id not in self._last:
                runs = self._scheduler.get_runs(stored.job_id, limit=1)
                self._last[stored.job_id] = runs[0] if runs else None

"""The executor for debugging: jobs run right where they are submitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apscheduler.executors._feed import CLOSED
from apscheduler.executors._run import run
from apscheduler.executors.base import BaseExecutor, Report, Submission

__all__ = ("DebugExecutor",)


class DebugExecutor(BaseExecutor):
    """Runs jobs in the thread that submits them, one after another, before `submit()` returns.

    A coroutine is run to its end in an event loop of its own (in a helper thread where this one runs a loop).
    """

    _closed = False

    def start(self, scheduler: Any, alias: str) -> None:
        """Get ready to run jobs."""
        super().start(scheduler, alias)
        self._closed = False

    def shutdown(self, wait: bool = True) -> None:
        """Take no more submissions."""
        self._closed = True

    def submit(self, submissions: Sequence[Submission], report: Report) -> None:
        """Run `submissions`, each to its end.

        Raises:
            RuntimeError: the executor was shut down.
        """
        if self._closed:
            raise RuntimeError(CLOSED)
        for submission in submissions:
            try:
                run(submission, self.clock.time, report, self._logger)
            except Exception:  # of `report`; the other submissions go on
                self._logger.exception('Could not report job "%s"', submission.job)

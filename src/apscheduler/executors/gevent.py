"""The executor on gevent: each job in a greenlet of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from apscheduler.executors._feed import CLOSED
from apscheduler.executors._run import run, run_coroutine
from apscheduler.executors.base import BaseExecutor, Report, Submission

try:
    import gevent

    from apscheduler._gevent_hub import HubCalls
except ImportError as exc:
    raise ImportError("GeventExecutor needs gevent: pip install 'apscheduler[gevent]'") from exc

__all__ = ("GeventExecutor",)


class GeventExecutor(BaseExecutor):
    """Runs each submission in a greenlet of the thread that has started the scheduler.

    A coroutine is run to its end in an event loop of its own, in a thread of the hub's pool, because an event loop of
    asyncio would hold up all other greenlets. As in 3.x a shutdown lets the greenlets at hand go on, does not wait for
    them, and what they end with is reported.
    """

    _hub: Any = None
    _closed = False

    def start(self, scheduler: Any, alias: str) -> None:
        """Get ready to run jobs in greenlets of the calling thread."""
        super().start(scheduler, alias)
        self._hub = HubCalls()
        self._closed = False

    def shutdown(self, wait: bool = True) -> None:
        """Take no more submissions."""
        self._closed = True

    def submit(self, submissions: Sequence[Submission], report: Report) -> None:
        """Begin `submissions`, from any thread.

        Raises:
            RuntimeError: the executor was shut down.
        """
        if self._closed:
            raise RuntimeError(CLOSED)
        for submission in submissions:
            self._hub.call(partial(gevent.spawn, self._run, submission, report))

    def _run(self, submission: Submission, report: Report) -> None:
        try:
            run(submission, self.clock.time, report, self._logger, self._finish)
        except Exception:  # of `report`
            self._logger.exception('Could not report job "%s"', submission.job)

    def _finish(self, coroutine: Any) -> Any:
        return self._hub.in_a_thread(partial(run_coroutine, coroutine))

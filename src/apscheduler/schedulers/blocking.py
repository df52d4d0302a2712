"""A scheduler that is the program: `start()` returns when it has been shut down."""

from __future__ import annotations

from typing import Any

from apscheduler.schedulers._loop_driver import Wakeup, loop
from apscheduler.schedulers.base import STATE_STOPPED, TIMEOUT_MAX, BaseScheduler

__all__ = ("STATE_STOPPED", "TIMEOUT_MAX", "BlockingScheduler")


class BlockingScheduler(BaseScheduler):
    """Runs in the thread that starts it.

    Ctrl-C and SIGTERM end it gracefully: nothing more is started, what runs is waited for, then `start()` raises
    `KeyboardInterrupt` or `SystemExit`, as a program would expect. A second signal stops waiting.
    """

    _event: Any = None
    _sleeper: Any = None

    def start(self, paused: bool = False) -> None:
        """Start, and run until `shutdown()` is called from another thread, from a job, or by a signal."""
        self._new_event()
        from apscheduler.schedulers._signals import (  # a background scheduler needs none
            SleepingEvent,
            StopSignals,
        )

        with StopSignals() as signals:
            super().start(paused)
            try:
                self._sleeper = SleepingEvent(self._event, signals)
                self._main_loop()
                with signals.raising():  # what has come during the last turn
                    pass
            except (KeyboardInterrupt, SystemExit):
                with signals.raising():
                    self._shut_down_by_signal()
                raise

    def shutdown(self, wait: bool = True, timeout: float | None = None) -> None:
        """Stop; `start()` returns. See `BaseScheduler.shutdown()`."""
        super().shutdown(wait, timeout)
        self._event.set()

    def wakeup(self) -> None:
        """Make a turn now; may be called from any thread."""
        self._event.set()

    def _new_event(self) -> None:
        if self.state == STATE_STOPPED:
            self._event = Wakeup()

    def _main_loop(self) -> None:
        own = (
            self._event
        )  # another one after a restart, which a job or a listener may have made in this thread
        loop(
            self._sleeper or own,
            lambda: self._event is own and self.state != STATE_STOPPED,
            self._process_jobs,
        )

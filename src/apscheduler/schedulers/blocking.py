"""A scheduler that is the program: `start()` returns when it has been shut down."""

from __future__ import annotations

from functools import partial
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
        own = Wakeup()
        from apscheduler.schedulers._signals import (  # a background scheduler needs none
            SleepingEvent,
            StopSignals,
        )

        with StopSignals() as signals:
            self._start(paused, partial(self._use, own, SleepingEvent(own, signals)))
            try:
                self._main_loop()
                with signals.raising():  # what has come during the last turn
                    pass
            except (KeyboardInterrupt, SystemExit):
                with signals.raising():
                    self._shut_down_by_signal()
                raise

    def wakeup(self) -> None:
        """Make a turn now; may be called from any thread."""
        self._event.set()

    def _use(self, event: Any, sleeper: Any) -> None:
        self._event, self._sleeper = event, sleeper

    def _head_start(self) -> float:
        return self._engine.clock.head_start

    def _end_turn(self, timeout: float | None = None) -> None:
        self._event.set()
        super()._end_turn(timeout)

    def _main_loop(self) -> None:
        own = self._event  # another one after a restart, which a job or a listener may have made meanwhile
        loop(
            self._sleeper,
            lambda: self._event is own and self.state != STATE_STOPPED,
            self._process_jobs,
        )

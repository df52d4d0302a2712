"""A scheduler in a thread of its own, beside whatever else the program does."""

from __future__ import annotations

import threading
from functools import partial
from threading import Thread
from typing import Any

from apscheduler.schedulers._lifecycle import LONGEST_TURN
from apscheduler.schedulers._loop_driver import Wakeup
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.util import asbool

__all__ = ("BackgroundScheduler",)


class BackgroundScheduler(BlockingScheduler):
    """Runs in a thread of its own; `start()` returns at once.

    Option `daemon` (default True): the thread does not keep the program alive.
    """

    _known_options = (*BlockingScheduler._known_options, "daemon")
    _thread: Thread | None = None
    _daemon = True

    def _configure(self, config: dict[str, Any]) -> None:
        self._daemon = asbool(config.pop("daemon", True))
        super()._configure(config)

    def start(self, paused: bool = False) -> None:
        """Start the thread and return. See `BaseScheduler.start()`."""
        event = Wakeup()
        self._start(paused, partial(self._use, event, event), self._launch)

    def _launch(self) -> None:
        thread = Thread(target=self._main_loop, name="APScheduler", daemon=self._daemon)
        thread.start()
        self._thread = thread

    def _loop_alive(self) -> bool:
        thread = self._thread
        return thread is not None and thread.is_alive()

    def _end_turn(self, timeout: float | None = None) -> None:
        super()._end_turn(timeout)
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(LONGEST_TURN if timeout is None else timeout)

    def _leave_parent(self, parent: int) -> None:
        self._thread = None
        super()._leave_parent(parent)

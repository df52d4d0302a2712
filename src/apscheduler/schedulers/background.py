"""A scheduler in a thread of its own, beside whatever else the program does."""

from __future__ import annotations

import threading
from threading import Thread
from typing import Any

from apscheduler.schedulers.base import BaseScheduler
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
        self._new_event()
        BaseScheduler.start(self, paused)
        self._thread = Thread(target=self._main_loop, name="APScheduler", daemon=self._daemon)
        self._thread.start()

    def _loop_alive(self) -> bool:
        thread = self._thread
        return thread is not None and thread.is_alive()

    def shutdown(self, wait: bool = True, timeout: float | None = None) -> None:
        """Stop, and end the thread. See `BaseScheduler.shutdown()`."""
        super().shutdown(wait, timeout)
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

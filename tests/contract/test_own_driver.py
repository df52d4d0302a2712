"""The promises of every scheduler, over one of a user's own, written as for 3.x: `start`, `shutdown`, `wakeup`."""

import queue
import threading

import pytest

from apscheduler.schedulers.base import BaseScheduler
from apscheduler.testing.driver import DriverContract


class QueueScheduler(BaseScheduler):
    """Sleeps on a queue, in a thread."""

    _thread = None

    def start(self, paused=False):
        self._queue = queue.Queue()
        super().start(paused)
        self._thread = threading.Thread(target=self._main_loop, args=(self._queue,), daemon=True)
        self._thread.start()

    def shutdown(self, wait=True):
        super().shutdown(wait)
        self._queue.put("end")
        if self._thread is not threading.current_thread():
            self._thread.join(10)

    def wakeup(self):
        self._queue.put("wake")

    def _main_loop(self, orders):
        order = "wake"
        while order != "end":
            seconds = self._process_jobs()
            try:
                order = orders.get(timeout=seconds)
            except queue.Empty:
                order = "wake"


class TestQueueScheduler(DriverContract):
    make_scheduler = QueueScheduler


def test_a_scheduler_without_wakeup_cannot_be_made():
    with pytest.raises(TypeError, match="wakeup"):
        type("Incomplete", (BaseScheduler,), {})()

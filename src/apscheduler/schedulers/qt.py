"""A scheduler on a Qt event loop: PySide6, PyQt6, PySide2 or PyQt5."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apscheduler.schedulers._qt_bridge import Bridge, QTimer, pkgname, qtcore, version
from apscheduler.schedulers._timer_driver import TimerDriver

__all__ = ("QTimer", "QtScheduler", "pkgname", "qtcore", "version")


class QtScheduler(TimerDriver):
    """Runs on the event loop of the Qt thread that calls `start()`, which may be before the application is made.

    Called from a thread that is not one of Qt's, `start()` takes the application's event loop. Jobs run in ten threads
    unless other executors are given, coroutine functions each in an event loop of its own. A shutdown on the loop's
    thread waits for the runs at hand, and the loop with it, unless `wait=False`.
    """

    _bridge: Bridge | None = None

    def start(self, paused: bool = False) -> None:
        """Start and return. See `BaseScheduler.start()`."""
        if not self.running:
            self._bridge = Bridge()
        super().start(paused)

    def _end_turn(self, timeout: float | None = None) -> None:
        super()._end_turn(timeout)
        bridge, self._bridge = self._bridge, None
        if bridge is not None:
            bridge.close()

    def _leave_parent(self, parent: int) -> None:
        self._bridge = None
        super()._leave_parent(parent)

    def _loop_alive(self) -> bool:
        return self._bridge is not None and self._bridge.alive()

    def _on_loop(self) -> bool:
        return self._bridge is not None and self._bridge.here()

    def _call_soon(self, callback: Callable[[], Any]) -> None:
        bridge = self._bridge  # None where a store answers after the shutdown
        if bridge is not None:
            bridge.call_soon(callback)

    def _call_later(self, seconds: float, callback: Callable[[], Any]) -> Any:
        bridge = self._bridge
        return None if bridge is None else bridge.call_later(seconds, callback)

    def _cancel(self, timer: Any) -> None:
        timer.stop()

"""What a scheduler needs of Qt: calls into the thread of an event loop, at once or later, whichever binding there is.

The bindings differ in how they name signals and slots, and in nothing else that matters here.
"""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Callable
from importlib import import_module
from typing import Any

BINDINGS = ("PySide6", "PyQt6", "PySide2", "PyQt5")
LONGEST = 2**31 - 1
"""Milliseconds; a timer of Qt takes no more."""


def _find() -> tuple[str, Any]:
    """Return the name and the QtCore module of a binding: one that the program has loaded, else one that is there."""
    loaded = [name for name in BINDINGS if f"{name}.QtCore" in sys.modules]
    error: ImportError | None = None
    for name in (*loaded, *BINDINGS):
        try:
            return name, import_module(f"{name}.QtCore")
        except ImportError as exc:
            error = error or exc
    raise ImportError(
        f"QtScheduler needs one of {', '.join(BINDINGS)}: pip install 'apscheduler[qt]' for PySide6 ({error})"
    ) from error


_binding, qtcore = _find()
pkgname, version = _binding[:-1], int(_binding[-1])
QTimer = qtcore.QTimer
_QObject: Any = qtcore.QObject
_Signal = getattr(qtcore, "Signal", None) or qtcore.pyqtSignal
_Slot = getattr(qtcore, "Slot", None) or qtcore.pyqtSlot
_QUEUED = getattr(qtcore.Qt, "ConnectionType", qtcore.Qt).QueuedConnection
# Because the default may be 5 % early or late, which is three seconds in a minute.
_PRECISE = getattr(qtcore.Qt, "TimerType", qtcore.Qt).PreciseTimer


class Bridge(_QObject):  # type: ignore[misc]  # of a class that is not known when types are checked
    """Lives in the Qt thread that makes it; made in another thread, it moves to that of the application."""

    _wanted = _Signal()

    def __init__(self) -> None:
        super().__init__()
        self._soon: deque[Callable[[], Any]] = deque()
        self._later: Callable[[], Any] | None = None
        self._timer: Any = None
        self._closed = False
        application = qtcore.QCoreApplication.instance()
        if qtcore.QAbstractEventDispatcher.instance() is None and application is not None:
            self.moveToThread(application.thread())
        self._wanted.connect(self._call_all, _QUEUED)

    def here(self) -> bool:
        """Return whether the calling thread is that of the loop."""
        return bool(qtcore.QThread.currentThread() == self.thread())

    def alive(self) -> bool:
        """Return whether there is a loop that may still make the calls."""
        try:
            return qtcore.QCoreApplication.instance() is not None and bool(self.thread().isRunning())
        except RuntimeError:  # the thread's object is gone
            return False

    def call_soon(self, callback: Callable[[], Any]) -> None:
        """Have the loop make a call; from any thread."""
        if self._closed:
            return
        self._soon.append(callback)
        try:
            self._wanted.emit()
        except RuntimeError:  # Qt has taken this object apart, as it does when the program ends
            self._soon.clear()

    def call_later(self, seconds: float, callback: Callable[[], Any]) -> Any:
        """Have the loop make a call after `seconds`, instead of an earlier one that waits; return the timer.

        On the loop's thread. There is one timer, which is kept.
        """
        if self._timer is None:
            self._timer = QTimer(self)
            self._timer.setSingleShot(True)
            self._timer.setTimerType(_PRECISE)
            self._timer.timeout.connect(self._call_later_one)
        self._later = callback
        # Rounded up, because a timer that is early has the turn find nothing, and set it again.
        self._timer.start(min(math.ceil(seconds * 1000), LONGEST))
        return self._timer

    def close(self) -> None:
        """Make no more calls; from any thread."""
        self._closed = True
        self._soon.clear()
        self._later = None
        self.deleteLater()

    @_Slot()  # type: ignore[misc]  # of a class that is not known when types are checked
    def _call_all(self) -> None:
        # As many as there are now, because what they ask for in turn must not keep the loop from everything else.
        for _ in range(len(self._soon)):
            try:
                callback = self._soon.popleft()
            except IndexError:
                return  # closed by one of them
            callback()

    @_Slot()  # type: ignore[misc]  # of a class that is not known when types are checked
    def _call_later_one(self) -> None:
        callback, self._later = self._later, None
        if callback is not None:
            callback()

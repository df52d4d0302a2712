"""Ctrl-C and SIGTERM for a scheduler that owns the main thread: they end it between turns, never within one.

A signal that came between winning a claim and handing it to an executor would leave a run that nobody started.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

LONGEST_PIECE = 1.0


class StopSignals:
    """While entered, and in the main thread, holds SIGINT and SIGTERM back until the scheduler sleeps.

    Only handlers that nobody has replaced are taken over, and they are put back at the end.
    """

    def __init__(self) -> None:
        self._pending: BaseException | None = None
        self._may_raise = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():
            self._take_over(signal.SIGTERM, signal.SIG_DFL, lambda: SystemExit(0))
            self._take_over(signal.SIGINT, signal.default_int_handler, KeyboardInterrupt)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()

    def _take_over(self, number: int, expected: Any, make: Callable[[], BaseException]) -> None:
        if signal.getsignal(number) is not expected:
            return

        def handler(_: int, frame: FrameType | None) -> None:
            if self._may_raise:
                self._may_raise = (
                    False  # because a second one at the same moment would take the place of the first
                )
                raise make()
            self._pending = make()

        self._previous[number] = signal.signal(number, handler)

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Let signals through: raises at once what came before, and whatever comes inside the block."""
        self._may_raise = True
        try:
            pending, self._pending = self._pending, None
            if pending is not None:
                raise pending
            yield
        finally:
            self._may_raise = False


class SleepingEvent:
    """An event whose `wait()` lets signals through."""

    def __init__(self, event: Any, signals: StopSignals) -> None:
        self._event = event
        self._signals = signals
        self.clear = event.clear

    def wait(self, seconds: float) -> bool:
        """Sleep until the event is set or `seconds` have passed; a signal is heard within a second.

        Return whether it was set.
        """
        while True:
            # In pieces, because a signal that comes just before the thread falls asleep, or to another thread of the
            # process, does not wake it.
            piece = min(seconds, LONGEST_PIECE)
            with self._signals.raising():
                woken: bool = self._event.wait(piece)
            seconds -= piece
            if woken or seconds <= 0:
                return woken

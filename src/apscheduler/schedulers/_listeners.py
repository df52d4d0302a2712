"""Who is told of events, and the telling.

A mask of all listeners together makes an event that nobody asked for cost one comparison.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import RLock
from typing import Any

from apscheduler.events import EVENT_ALL, SchedulerEvent

Listener = Callable[[Any], Any]


class Listeners:
    """The listeners of one scheduler; any thread may add, remove and tell."""

    def __init__(self, logger: logging.Logger) -> None:
        self.logger = logger
        self.mask = 0
        """All codes that somebody listens for; look here before making an event."""
        self._lock = RLock()
        self._listeners: tuple[tuple[Listener, int], ...] = ()

    def add(self, callback: Listener, mask: int = EVENT_ALL) -> None:
        """Have `callback` called with every event whose code is in `mask`."""
        if not callable(callback):
            raise TypeError(f"callback must be callable with one argument, the event; got {callback!r}")
        if not isinstance(mask, int):
            raise TypeError(f"mask must be a combination of EVENT_* codes (an int), got {mask!r}")
        with self._lock:
            self._set((*self._listeners, (callback, mask)))

    def remove(self, callback: Listener) -> None:
        """Stop calling `callback`; where it was added several times, the first time counts. Unknown: no effect."""
        with self._lock:
            listeners = list(self._listeners)
            for entry in listeners:
                if entry[0] == callback:
                    listeners.remove(entry)
                    break
            self._set(tuple(listeners))

    def copy(self) -> Listeners:
        """Return the same listeners anew."""
        copy = Listeners(self.logger)
        copy._set(self._listeners)
        return copy

    def _set(self, listeners: tuple[tuple[Listener, int], ...]) -> None:
        self._listeners = listeners
        mask = 0
        for _, wanted in listeners:
            mask |= wanted
        self.mask = mask

    def tell(self, event: SchedulerEvent) -> None:
        """Call the listeners of this event in the order they were added; what they raise is logged, no more."""
        if not event.code & self.mask:
            return
        for callback, mask in self._listeners:
            if event.code & mask:
                try:
                    callback(event)
                except BaseException:
                    self.logger.exception(
                        "The listener %r failed on %r", callback, event, extra={"event": "listener_failed"}
                    )

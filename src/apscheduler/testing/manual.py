"""A scheduler that makes a turn when a test says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apscheduler.events import SchedulerEvent
from apscheduler.executors.base import BaseExecutor
from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.testing.clock import FakeClock

__all__ = ("EventRecorder", "ManualScheduler")

EVERYTHING = (1 << 31) - 1


class EventRecorder:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def __call__(self, event: SchedulerEvent) -> None:
        """Keep `event`."""
        self.events.append(event)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    @property
    def codes(self) -> list[int]:
        """The codes of the events, in order."""
        return [event.code for event in self.events]

    def clear(self) -> None:
        """Forget what was recorded."""
        self.events.clear()


class ManualScheduler(BaseScheduler):
    """Runs on a `FakeClock`, and runs jobs in the calling thread, within `turn()`.

    Attributes:
        clock: the clock; `advance()` it.
        recorder: the events since the last `recorder.clear()`.
        wakeups: how often the scheduler has asked for a turn.
    """

    clock: FakeClock

    def __init__(self, gconfig: Any = {}, **options: Any) -> None:  # noqa: B006 - that of 3.x, not changed
        self.wakeups = 0
        self.recorder = EventRecorder()
        options.setdefault("clock", FakeClock())
        options.setdefault("timezone", "UTC")
        super().__init__(gconfig, **options)
        self.add_listener(self.recorder, EVERYTHING)

    def wakeup(self) -> None:
        """Count the request; nothing happens before `turn()`."""
        self.wakeups += 1

    def turn(self) -> float:
        """Make a turn now, and those it asks for; return the seconds until the next would be made."""
        while True:
            asked = self.wakeups
            seconds = self._process_jobs()
            if self.wakeups == asked:
                return seconds

    def pass_time(self, step: float = 1.0, steps: int = 1) -> None:
        """Advance the clock by `step` seconds and make a turn, `steps` times."""
        for _ in range(steps):
            self.clock.advance(seconds=step)
            self.turn()

    def _create_default_executor(self) -> BaseExecutor:
        return DebugExecutor()

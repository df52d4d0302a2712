"""What the tests of the schedulers share: jobs that can be found by name, and parts to build schedulers of."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

from apscheduler.executors.base import BaseExecutor, Outcome
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.triggers.base import BaseTrigger

PATIENCE = 10.0  # seconds after which a test gives up; nothing that works comes near
RAN: list[Any] = []


def note(*args: Any, **kwargs: Any) -> Any:
    """Note what it was called with: the argument, or all of them."""
    value = args[0] if len(args) == 1 and not kwargs else (args, kwargs) if args or kwargs else None
    RAN.append(value)
    return value


def two(one: Any, two: Any = None) -> None:
    RAN.append((one, two))


def fail(message: str = "no such luck") -> None:
    raise ValueError(message)


async def anote(value: Any = None) -> Any:
    await asyncio.sleep(0)
    RAN.append(value)
    return value


class Notes:
    """Has every kind of method; can be pickled."""

    def __init__(self, name: str) -> None:
        self.name = name

    def plain(self, value: Any = None) -> None:
        RAN.append((self.name, value))

    @classmethod
    def of_class(cls, value: Any = None) -> None:
        RAN.append((cls.__name__, value))

    @staticmethod
    def static(value: Any = None) -> None:
        RAN.append(("static", value))

    def __call__(self, value: Any = None) -> None:
        RAN.append(("called", value))


class Every(BaseTrigger):
    """Fires every so many seconds; a trigger of the user's own."""

    def __init__(self, seconds: float) -> None:
        self.step = timedelta(seconds=seconds)

    def get_next_fire_time(self, previous_fire_time, now):
        return (previous_fire_time or now) + self.step


class Held(BaseExecutor):
    """Keeps submissions until a test ends them."""

    def __init__(self) -> None:
        self.held: list[Any] = []
        self.shutdowns: list[bool] = []

    def submit(self, submissions, report) -> None:
        self.held += [(submission, report) for submission in submissions]

    def shutdown(self, wait: bool = True) -> None:
        self.shutdowns.append(wait)

    def end_all(self, status: str = "succeeded") -> None:
        while self.held:
            submission, report = self.held.pop(0)
            for index in range(len(submission.stamps)):
                now = self.clock.time()
                report(submission, Outcome(index, status, now, now))


class WaitingStore(MemoryJobStore):
    """A memory store that passes for one which waits for I/O, and outlives the schedulers that use it."""

    blocks: ClassVar[bool] = True
    shared: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.threads: dict[str, set[int]] = {}
        self.shutdowns = 0

    def shutdown(self) -> None:
        self.shutdowns += 1

    def _note(self, name: str) -> None:
        self.threads.setdefault(name, set()).add(threading.get_ident())

    def read_due(self, now, limit):
        self._note("read_due")
        return super().read_due(now, limit)

    def claim(self, node, claims):
        self._note("claim")
        return super().claim(node, claims)

    def finish(self, outcomes, keep=True):
        self._note("finish")
        super().finish(outcomes, keep)

    def heartbeat(self, node):
        self._note("heartbeat")
        super().heartbeat(node)


def until(true: Callable[[], Any]) -> None:
    """Return when `true()` is; for what another thread does. Gives up with an AssertionError."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.002)

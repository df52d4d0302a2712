"""A store that answers when a test lets it."""

from __future__ import annotations

from threading import get_native_id
from typing import Any, ClassVar

from apscheduler._native import Flag
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.testing._jobs import PATIENCE


class SlowStore(MemoryJobStore):
    """A memory store that passes for one which waits for I/O, and lets a test say how long."""

    blocks: ClassVar[bool] = True
    shared: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.answers = Flag()
        self.answers.set()
        self.asked = Flag()
        self.fails_with: list[BaseException] = []
        self.callers: set[int] = set()
        self.beats = 0

    def hold(self) -> None:
        """Answer no reading from now on until `self.answers` is set."""
        self.asked, self.answers = Flag(), Flag()

    def read_due(self, now: float, limit: int) -> Any:
        """Wait for the test, fail as it wants it, and read."""
        self.callers.add(get_native_id())
        self.asked.set()
        self.answers.wait(PATIENCE)
        if self.fails_with:
            raise self.fails_with.pop()
        return super().read_due(now, limit)

    def claim(self, node: str, claims: Any) -> Any:
        """Note the thread, and claim."""
        self.callers.add(get_native_id())
        return super().claim(node, claims)

    def finish(self, outcomes: Any, keep: bool = True) -> None:
        """Finish."""
        super().finish(outcomes, keep)

    def heartbeat(self, node: Any) -> None:
        """Count."""
        self.beats += 1
        super().heartbeat(node)

    def dump(self, job: Any) -> Any:
        """Keep functions that have no name, too."""
        return job

    def shutdown(self) -> None:
        """Keep the jobs."""

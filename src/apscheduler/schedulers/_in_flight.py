"""The submissions that executors have, and who waits for their end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Event, RLock

from apscheduler.executors.base import Submission


class InFlight:
    """Submissions that are not reported to their end; any thread may add, end and wait.

    `on_idle` is called, in the thread of the report, when none is left; `on_quiet` when none is left but the one that
    asked for the shutdown, which cannot wait for itself. Both only after `begin_wait()`: until somebody waits, nothing
    is spent on telling.
    """

    def __init__(self) -> None:
        self.on_idle: Callable[[], None] | None = None
        self.on_quiet: Callable[[], None] | None = None
        self._live: set[Submission] = set()
        self._guard = RLock()
        self._quiet = Event()
        self._awaited = False
        self._asking: Submission | None = None

    def __len__(self) -> int:
        return len(self._live)

    def __contains__(self, submission: object) -> bool:
        return submission in self._live

    def now(self) -> set[Submission]:
        """Return those that are in flight at this moment."""
        return self._live.copy()

    def add(self, submissions: Iterable[Submission]) -> None:
        """Note what is handed to an executor."""
        with self._guard:
            self._live.update(submissions)
            if self._awaited:
                self._quiet.clear()

    def let_go(self, submissions: Iterable[Submission]) -> None:
        """Forget submissions that nobody will report; nobody is called."""
        with self._guard:
            self._live.difference_update(submissions)
            if not self.others:
                self._quiet.set()

    def end(self, submission: Submission) -> None:
        """Note that a submission is reported to its end."""
        # First, because who begins to wait looks what is left after having said so.
        self._live.discard(submission)
        if self._awaited and (not self._live or self._asking is not None):
            self._tell()

    @property
    def others(self) -> int:
        """How many there are, not counting the one that asked for the shutdown."""
        return len(self._live) - (self._asking in self._live)

    def begin_wait(self, asking: Submission | None) -> None:
        """Have the end of all be told, but for `asking`, which is not waited for."""
        with self._guard:
            self._asking, self._awaited = asking, True
            if self.others:
                self._quiet.clear()
            else:
                self._quiet.set()

    def end_wait(self) -> None:
        """Nobody waits any more, because the scheduler was started again."""
        with self._guard:
            self._asking, self._awaited, self.on_idle = None, False, None

    def wait(self, timeout: float | None) -> bool:
        """Wait until no other is in flight, for so many seconds at most; return whether that is so."""
        if not self._awaited:
            self.begin_wait(None)
        return self._quiet.wait(timeout)

    def _tell(self) -> None:
        with self._guard:  # look again, because a submission may have come since
            quiet, idle = not self.others, not self._live
            if quiet:
                self._quiet.set()
        for call in (self.on_quiet if quiet else None, self.on_idle if idle else None):
            if call is not None:
                call()

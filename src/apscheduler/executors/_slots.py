"""The places of a process pool: each is a pool of the standard library with one worker.

One worker each, because `concurrent.futures` takes the death of one worker for the death of its whole pool: it kills
the others and fails what they run. This way a job that kills its process is alone in it.
"""

from __future__ import annotations

import concurrent.futures
import signal
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess

from apscheduler._clock import SYSTEM
from apscheduler.executors._child import Packed, perform

Pool = concurrent.futures.ProcessPoolExecutor
Answer = concurrent.futures.Future[list[Packed]]

_REAP_POLL = 0.01
_REAP_TIMEOUT = 1.0  # seconds; it has closed its pipe already, so it is all but gone
_CODES_OF_A_START = ("exit code 0", "exit code 1", "reason")
_FIRST_CALL = (
    "It was its first call: an initializer must not raise, and the main module must start nothing when a worker imports"
    " it (if __name__ == '__main__':)"
)
_buried: list[Pool | None] = []


class Slot:
    """One worker process at a time, started when it is needed, replaced when it died or has run `max_tasks` calls."""

    def __init__(self, make: Callable[[], Pool], max_tasks: int | None = None) -> None:
        self._make = make
        self._max_tasks = max_tasks
        self._tasks = 0
        self._answered = False
        self._pool: Pool | None = None
        self._process: BaseProcess | None = None

    def submit(self, payload: bytes) -> Answer:
        """Run a packed submission in the worker; only one at a time may be on its way."""
        if self._process is not None and self._process.exitcode is not None:
            self._abandon()  # it died while it had nothing to do, which is nobody's fault
        for last in (False, True):
            if self._pool is None:
                self._pool = self._make()
                self._tasks, self._answered = 0, False
            try:
                answer = self._pool.submit(perform, payload)
            except BrokenProcessPool:
                self._abandon()
                if last:
                    raise
            else:
                break
        self._tasks += 1
        # Private, but the only way to its exit code; without it the message says less.
        processes = getattr(self._pool, "_processes", None) or {}
        self._process = next(iter(processes.values()), None)
        return answer

    def release(self) -> None:
        """Be told that the submission has ended. Ends a worker that has run its number of calls."""
        self._answered = True
        # Counted here and not by max_tasks_per_child, which can hang in Python 3.11 (cpython issue 115634).
        if self._max_tasks is not None and self._tasks >= self._max_tasks:
            self.close(wait=False)

    def cause_of_death(self) -> str:
        """Return how the worker ended, as far as can be known, and forget it."""
        process, fresh = self._process, not self._answered
        self._abandon()
        how = _describe_exit(None if process is None else _exit_code(process))
        return f"{how}. {_FIRST_CALL}" if fresh and how.endswith(_CODES_OF_A_START) else how

    def bury(self) -> None:
        """Keep the dead pool for good, because here it can neither be ended nor freed."""
        _buried.append(self._pool)

    def _abandon(self) -> None:
        # Not shut down, because a pool whose worker has died cleans up by itself.
        self._pool = self._process = None

    def close(self, wait: bool) -> None:
        """End the worker when it has nothing more to do; with `wait`, return when it has ended."""
        pool, self._pool, self._process = self._pool, None, None
        if pool is not None:
            pool.shutdown(wait)


class SharedSlot(Slot):
    """A place in a pool that belongs to somebody else, who may have given it any number of workers."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(lambda: pool)

    def submit(self, payload: bytes) -> Answer:
        """Run a packed submission in one of the pool's workers."""
        return self._make().submit(perform, payload)

    def _abandon(self) -> None:
        pass

    def close(self, wait: bool) -> None:
        """Do nothing: the pool is ended by whoever it belongs to."""


def _exit_code(process: BaseProcess) -> int | None:
    # Asked repeatedly, because the pool asks at the same time, and the operating system tells only one of the two.
    end = SYSTEM.monotonic() + _REAP_TIMEOUT
    while process.exitcode is None and SYSTEM.monotonic() < end:
        process.join(_REAP_POLL)
    return process.exitcode


def _describe_exit(code: int | None) -> str:
    if code is None:
        return "for an unknown reason"
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"of {signal.Signals(-code).name}"
    except ValueError:
        return f"of signal {-code}"

"""Worker processes, and the parent's end of the line to them.

Not a pool of `concurrent.futures`: that one takes the death of one process for its own, kills the others and fails what
they run; and it hands a call through three threads. Here a thread of ours holds the line to its process, so that a job
that kills its process is alone in it.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from typing import Any

from apscheduler.executors._child import READY, STOP, serve

_POLL = (
    1.0  # seconds between looks at the process itself, whose open files a child of its own may have inherited
)
_REAP_TIMEOUT = 1.0

_START_HINT = "the main module must start nothing when a worker imports it (if __name__ == '__main__':)"


class Worker:
    """One process and the line to it. Used by one thread at a time."""

    def __init__(
        self, context: Any, initializer: Callable[..., object] | None, initargs: tuple[Any, ...]
    ) -> None:
        self.calls = 0
        self._ready = False
        self._line, other_end = context.Pipe()
        try:
            self._process = context.Process(target=serve, args=(other_end, initializer, initargs))
            _start(self._process)
        except BaseException:
            self._line.close()
            raise
        finally:
            other_end.close()

    def ask(self, payload: bytes) -> bytes:
        """Have a packed submission performed, and return the packed outcomes.

        Raises:
            BrokenProcessPool: the process died, or could not begin to work; it cannot be asked again.
        """
        try:
            if not self._ready:
                said = self._receive()
                if said != READY:
                    raise BrokenProcessPool(f"the initializer of a worker process raised\n{said.decode()}")
                self._ready = True
            self.calls += 1
            self._line.send_bytes(payload)
            return self._receive()
        except (EOFError, OSError):
            how = self._cause_of_death()
        if self._ready:
            raise BrokenProcessPool(f"the worker process died while it had this job, {how}")
        raise BrokenProcessPool(f"a worker process died when it was started, {how}: {_START_HINT}")

    def is_alive(self) -> bool:
        """Return whether the process lives."""
        return self._process.exitcode is None

    def close(self, wait_for_it: bool = False) -> None:
        """Let the process end when it has nothing to do any more."""
        if not self._line.closed:
            try:
                self._line.send_bytes(STOP)
            except OSError:  # it has ended already
                pass
            self._line.close()
        if wait_for_it:
            self._process.join()

    def _receive(self) -> bytes:
        sources = [self._line, self._process.sentinel]
        ready: list[Any] = []
        while not ready and self.is_alive():
            ready = wait(sources, _POLL)
        # What it said before it died is there to be read.
        if self._line not in ready and not self._line.poll():
            raise EOFError
        answer: bytes = self._line.recv_bytes()
        return answer

    def _cause_of_death(self) -> str:
        self._process.join(_REAP_TIMEOUT)
        code = self._process.exitcode
        if code is None:
            return "or closed its line"
        if code >= 0:
            return f"with exit code {code}"
        try:
            return f"of {signal.Signals(-code).name}"
        except ValueError:
            return f"of signal {-code}"


class Workers:
    """The worker processes of one executor: started when they are needed, and then kept.

    `max_calls` is how many submissions a process performs before it is replaced. All methods may be called from any
    thread.
    """

    def __init__(
        self,
        context: BaseContext,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
        max_calls: int | None = None,
    ) -> None:
        self._context = context
        self._initializer = initializer
        self._initargs = initargs
        self._max_calls = max_calls
        self._guard = threading.RLock()
        self._idle: list[Worker] = []
        self._ending: list[Worker] = []
        _all.add(self)

    def ask(self, payload: bytes) -> bytes:
        """Have a packed submission performed by one of the processes, and return the packed outcomes.

        Raises:
            BrokenProcessPool: that process died.
        """
        worker = self._take()
        try:
            answer = worker.ask(payload)
        except BaseException:
            worker.close()
            raise
        with self._guard:
            if self._max_calls is None or worker.calls < self._max_calls:
                self._idle.append(worker)
                return answer
            self._ending.append(worker)
        worker.close()
        return answer

    def close(self, wait_for_them: bool = False) -> None:
        """End the processes that have nothing to do. More are started where more is asked."""
        with self._guard:
            idle, self._idle = self._idle, []
            ending, self._ending = self._ending, []
            if not wait_for_them:
                self._ending = ending + idle
        for worker in idle:
            worker.close()
        for worker in (*idle, *ending) if wait_for_them else ():
            worker.close(wait_for_it=True)

    def _take(self) -> Worker:
        """Return the process that was used last, so that few do the work, or a new one."""
        while True:
            with self._guard:
                self._ending = [worker for worker in self._ending if worker.is_alive()]
                worker = self._idle.pop() if self._idle else None
            if worker is None:
                return Worker(self._context, self._initializer, self._initargs)
            if worker.is_alive():
                return worker
            worker.close()  # it died while it had nothing to do, which is nobody's fault


_starting = threading.Lock()
_main_file: str | None = getattr(sys.modules.get("__main__"), "__file__", None)
_all: weakref.WeakSet[Workers] = weakref.WeakSet()


def _start(process: Any) -> None:
    main = sys.modules.get("__main__")
    with _starting:
        if main is not None and _main_file is not None and not hasattr(main, "__file__"):
            # The interpreter takes it away when the script has ended, and then runs what is still queued. A process
            # that is started now looks for the functions of the script, too.
            main.__file__ = _main_file
        process.start()


def _close_all() -> None:
    for workers in list(_all):
        workers.close()


# Registered after multiprocessing registered its own function, and so called before it: that one waits for all
# processes, and ours end only when they are told to.
atexit.register(_close_all)


def _leave_parent() -> None:
    global _starting
    _starting = threading.Lock()  # because another thread may have held it
    _all.clear()  # because the lines belong to the parent


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_parent)

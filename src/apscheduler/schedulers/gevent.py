"""A scheduler in a greenlet."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from apscheduler.executors.base import BaseExecutor
from apscheduler.schedulers.blocking import BlockingScheduler

try:
    import gevent

    from apscheduler._gevent_hub import HubWakeup
except ImportError as exc:
    raise ImportError("GeventScheduler needs gevent: pip install 'apscheduler[gevent]'") from exc

if TYPE_CHECKING:
    from apscheduler.schedulers._steps import Call

__all__ = ("GeventScheduler",)


class GeventScheduler(BlockingScheduler):
    """Runs in a greenlet of the thread that calls `start()`; so do the jobs, each in one of its own, which a shutdown
    lets go on.

    During a turn a job store that waits for I/O is called in a thread, while other greenlets go on.
    """

    _greenlet: Any = None

    def start(self, paused: bool = False) -> gevent.Greenlet:
        """Start, and return the greenlet, which ends with the shutdown. See `BaseScheduler.start()`."""
        event = HubWakeup()
        self._start(paused, partial(self._use, event, event), self._launch)
        return self._greenlet

    def _launch(self) -> None:
        self._greenlet = gevent.spawn(self._main_loop)

    def _head_start(self) -> float:
        return 0.0  # because the thread that would be held is the one of the other greenlets

    def _end_turn(self, timeout: float | None = None) -> None:
        super()._end_turn(timeout)
        greenlet, self._greenlet = self._greenlet, None
        if greenlet is not None and self._event.here() and greenlet is not gevent.getcurrent():
            greenlet.join(timeout)

    def _leave_parent(self, parent: int) -> None:
        self._greenlet = None
        super()._leave_parent(parent)

    def _main_loop(self) -> None:
        event = self._event
        try:
            super()._main_loop()
        except GeneratorExit:  # see `_make_call()`
            gevent.spawn(event.close)  # beside this one, because the store has not answered yet
            raise gevent.GreenletExit from None
        event.close()

    def _make_call(self, call: Call) -> Any:
        if not call.blocks:
            return call.make()
        try:
            return self._event.in_own_thread(call.make)
        except gevent.GreenletExit:
            raise GeneratorExit from None  # because the turn lets it through, and takes all else for a failure

    def _wait_for_runs(self, timeout: float) -> bool:
        in_flight = self._engine.in_flight
        with gevent.Timeout(timeout, False):
            while in_flight.others:
                gevent.sleep(0.01)  # not on its event, which the greenlets of this thread could never set
        return not in_flight.others

    def _create_default_executor(self) -> BaseExecutor:
        from apscheduler.executors.gevent import GeventExecutor

        return GeventExecutor()

    def _loop_alive(self) -> bool:
        return self._greenlet is not None and not self._greenlet.dead

"""The driver of schedulers that are called by somebody's event loop: turns in pieces, a timer between them.

Calls of a store that may wait are made in a thread of the driver's own, everything else on the loop's thread, so a
turn never keeps the loop waiting for a database.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import get_ident
from typing import Any

from apscheduler.schedulers._steps import Call, Steps
from apscheduler.schedulers._turn import turn
from apscheduler.schedulers.base import STATE_STOPPED, BaseScheduler


class TimerDriver(BaseScheduler):
    """What an event loop's scheduler is made of; a subclass only says how to call later and from other threads."""

    _timer: Any = None
    _steps: Steps | None = None
    _call: Future[Any] | None = None
    _again = False
    _io: ThreadPoolExecutor | None = None
    _at_turn_end: Callable[[], None] | None = None

    @abstractmethod
    def _call_soon(self, callback: Callable[[], Any]) -> None:
        """Have the loop call `callback` soon; called from any thread."""

    @abstractmethod
    def _call_later(self, seconds: float, callback: Callable[[], Any]) -> Any:
        """Have the loop call `callback` after `seconds`, and return what `_cancel()` takes; on the loop's thread."""

    @abstractmethod
    def _cancel(self, timer: Any) -> None:
        """Cancel what `_call_later()` returned; on the loop's thread."""

    def _on_loop(self) -> bool:
        """Return whether the calling thread is that of the loop."""
        return True

    def wakeup(self) -> None:
        """Make a turn soon; may be called from any thread."""
        self._call_soon(self._begin_turn)

    def shutdown(self, wait: bool = True, timeout: float | None = None) -> None:
        """Stop. From another thread than the loop's, the loop is asked to do it, and this returns at once.

        What becomes of the runs at hand is said by the executors. See `BaseScheduler.shutdown()`.
        """
        if self.running and self._loop_alive() and not self._on_loop():
            self._call_soon(partial(self._shut_down_once, wait, timeout))
        else:
            super().shutdown(wait, timeout)

    def _shut_down_once(self, wait: bool, timeout: float | None) -> None:
        if self.state != STATE_STOPPED:  # because two threads may have asked for it
            super().shutdown(wait, timeout)

    def _begin_turn(self) -> None:
        if self._steps is not None:
            self._again = True
            return
        self._stop_timer()
        if self.state != STATE_STOPPED:
            self._steps = turn(self._engine)
            self._advance(lambda steps: next(steps))

    def _advance(self, step: Callable[[Steps], Call]) -> None:
        """Go on with the turn until it asks for a call that may wait, or ends."""
        steps = self._steps
        if steps is None:
            return
        self._turn_thread = get_ident()
        try:
            call = step(steps)
            while not call.blocks:
                call = _answer(steps, call)
            self._hand_over(call)
        except StopIteration as stop:
            self._end(stop.value)
        except BaseException:  # an interrupt; the next wake-up must find no dead turn under way
            self._end(1.0)
            raise
        finally:
            self._turn_thread = None
            self._end_if_asked()

    def _hand_over(self, call: Call) -> None:
        """Have a call made in the driver's own thread, and the turn go on with its answer."""
        if self._io is None:
            self._io = ThreadPoolExecutor(1, "APScheduler-io")
        self._call = future = self._io.submit(call.make)
        future.add_done_callback(lambda done: self._call_soon(lambda: self._answered(done)))

    def _answered(self, done: Future[Any]) -> None:
        if self._call is not done:
            return  # the turn was brought to its end by a shutdown meanwhile
        self._call = None
        error = done.exception()
        if error is not None:
            self._advance(lambda steps: steps.throw(error))
        else:
            self._advance(lambda steps: steps.send(done.result()))

    def _end(self, seconds: float) -> None:
        self._steps = None
        if self._at_turn_end is not None:
            self._at_turn_end()
        if self.state == STATE_STOPPED:
            return
        again, self._again = self._again, False
        if again:
            self._call_soon(self._begin_turn)
        else:
            self._timer = self._call_later(max(seconds, 0.0), self._begin_turn)

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            self._cancel(timer)

    def _await_turn(self, timeout: float) -> None:
        """Wait for nothing, because the turn that would be waited for may need this thread."""

    def _end_elsewhere(self) -> None:
        if self._loop_alive():
            self._call_soon(self._end_if_asked)
        else:
            super()._end_elsewhere()

    def _end_turn(self, timeout: float | None = None) -> None:
        """Bring a turn that is under way to its end, in this thread."""
        self._stop_timer()
        steps, call = self._steps, self._call
        self._steps = self._call = None
        if steps is not None and call is not None:
            try:
                _drain(steps, call, timeout)
            except StopIteration:
                pass
        if self._io is not None:
            self._io.shutdown(wait=False)
            self._io = None

    def _leave_parent(self, parent: int) -> None:
        self._timer = self._steps = self._call = self._io = None
        super()._leave_parent(parent)


def _answer(steps: Steps, call: Call) -> Call:
    try:
        answer = call.make()
    except BaseException as exc:
        return steps.throw(exc)
    return steps.send(answer)


def _drain(steps: Steps, pending: Future[Any], timeout: float | None) -> None:
    try:
        answer = pending.result(timeout)
    except BaseException as exc:
        call = steps.throw(exc)
    else:
        call = steps.send(answer)
    while True:
        call = _answer(steps, call)

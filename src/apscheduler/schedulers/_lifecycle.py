"""The part of a scheduler that starts and ends: job stores, executors, the heartbeat, one after another.

Many threads may start and shut down at once. Of those, one starts and one ends; a start waits for an ending that is
under way, because the two would open and close the same stores and executors.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import partial
from threading import Event, RLock, Thread, get_ident
from typing import TYPE_CHECKING, Any

from apscheduler._clock import Clock
from apscheduler.errors import SchedulerAlreadyRunningError, SchedulerNotRunningError
from apscheduler.events import EVENT_SCHEDULER_SHUTDOWN, EVENT_SCHEDULER_STARTED, SchedulerEvent
from apscheduler.executors._current import current
from apscheduler.schedulers._components import Components
from apscheduler.schedulers._forking import abandoned
from apscheduler.schedulers._interrupted import in_our_own_call
from apscheduler.schedulers._others import listen
from apscheduler.schedulers._registry import StoreSlot
from apscheduler.schedulers._states import STATE_PAUSED, STATE_RUNNING, STATE_STOPPED

if TYPE_CHECKING:
    from apscheduler.executors.base import Submission
    from apscheduler.schedulers._heartbeat import Heartbeat
    from apscheduler.schedulers._steps import Call

LONGEST_TURN = 60.0
"""Seconds that a shutdown waits for a turn under way; a store that never answers must not keep it for ever."""

SHUT_DOWN = "the scheduler was shut down"
LATE = "it had not ended %g s after the scheduler was shut down"


class Lifecycle(Components):
    """Mixed into `BaseScheduler`."""

    state: int
    clock: Clock
    _lease: float
    _logger: logging.Logger
    _turn_thread: int | None = None
    _heartbeat: Heartbeat | None = None
    _ending: Callable[[], None] | None = None
    """What is left to do of a shutdown that was asked for where it could not be done."""
    _ender: int | None = None
    """The thread that is doing it."""
    _ended_by_signal = False
    _forked_from: int | None = None
    """The process that runs this scheduler, where this one was forked from it."""

    def _make_locks(self) -> None:
        self._lock = self._create_lock()
        # For starting and closing, which call stores and listeners; those may wait for threads that need `_lock`.
        self._lifecycle = self._create_lock()
        self._turn_guard = RLock()
        self._ended = Event()
        self._ended.set()

    # -- starting -----------------------------------------------------------------------------------------------

    def _start(
        self,
        paused: bool,
        prepare: Callable[[], None] | None = None,
        launch: Callable[[], None] | None = None,
    ) -> None:
        """Start; `prepare` is called before anything else and `launch` at the end, where no other thread interferes."""
        while True:
            self._await_ending()
            with self._lifecycle:
                if self._ender in (None, get_ident()):  # or another thread has started and ended it meanwhile
                    self._start_alone(paused, prepare, launch)
                    break
        self._logger.info("Scheduler started", extra={"event": "scheduler_started"})
        self._engine.listeners.tell(SchedulerEvent(EVENT_SCHEDULER_STARTED))
        self._wake()

    def _start_alone(
        self, paused: bool, prepare: Callable[[], None] | None, launch: Callable[[], None] | None
    ) -> None:
        if self.state != STATE_STOPPED:
            raise SchedulerAlreadyRunningError
        from apscheduler.schedulers._node import new_node  # here, because it needs sockets

        check_uwsgi()
        self._end_if_asked()  # by a listener that starts it again in the same turn
        self._ended_by_signal = False
        engine = self._engine
        if prepare is not None:
            prepare()
        engine.stopping, engine.executors_closed, engine.flush = False, False, None
        engine.paused = paused
        engine.in_flight.end_wait()
        if not engine.live:  # runs that outlast a restart go on as those of the same node
            for slot in engine.registry:
                engine.close_store(slot, "the scheduler was started again")
            engine.node = new_node(self.clock.time(), paused)
        if "default" not in engine.registry.executors:
            self.add_executor(self._create_default_executor(), "default")
        if "default" not in engine.registry.slots:
            self.add_jobstore(self._create_default_jobstore(), "default")
        try:
            for alias, executor in engine.registry.executors.items():
                executor.start(self, alias)
            for slot in engine.registry:
                self._start_store(slot)
            self._forked_from = None
            self._store_pending_jobs(STATE_PAUSED if paused else STATE_RUNNING)
            if launch is not None:
                launch()
        except BaseException:
            self.state = STATE_STOPPED
            self._close_stores("the scheduler could not be started")
            raise

    def _start_store(self, slot: StoreSlot) -> None:
        try:
            if not slot.started:
                slot.given.start(self, slot.alias)
            slot.store.heartbeat(self._engine.node)
            listen(self._engine, slot)
        except Exception as exc:
            # As a note, because the error is that of the driver, which programs may expect here as in 3.x.
            exc.add_note(
                f'The job store "{slot.alias}" ({slot.given!r}) could not be opened, so the scheduler was not started.'
                " Is its server running, and are its address and password right? Its jobs are untouched."
            )
            raise
        slot.dirty = slot.started = True
        if slot.store.blocks:
            slot.reruns_asked = True
            slot.beaten_at = self._engine.clock.time(), self._engine.clock.monotonic()
            if self._heartbeat is None:
                from apscheduler.schedulers import _at_exit  # only stores that wait need this and that
                from apscheduler.schedulers._heartbeat import Heartbeat

                self._heartbeat = Heartbeat(
                    self._engine, self._lease, self._loop_is_gone, self._close_after_loop
                )
                _at_exit.remember(self)
            self._heartbeat.look_after_others(slot)
            self._heartbeat.start()

    # -- ending -------------------------------------------------------------------------------------------------

    def _ask_to_end(
        self, ending: Callable[[Submission | None], None], ender: int
    ) -> Callable[[], None] | None:
        """Stop, and return what is left to do, if it is to be done now, by `ender`; no other thread takes it over.

        Within a turn, or another call, it is remembered, and done when that has ended.
        """
        with self._lock:
            if self.state == STATE_STOPPED:
                if self._ended_by_signal:
                    self._ended_by_signal = (
                        False  # the usual `except KeyboardInterrupt: scheduler.shutdown()`
                    )
                    return None
                if self._forked_from is not None:  # programs have it called at the exit of each process
                    self._logger.info(
                        "Nothing to shut down in this process: %s",
                        self._says_forked(),
                        extra={"event": "scheduler_forked"},
                    )
                    return None
            self._require_running()
            self.state = STATE_STOPPED
            self._engine.stopping = True
            left = partial(ending, current.get())
            in_turn = self._turn_thread == get_ident()
            if not in_turn and not in_our_own_call():
                self._begin_ending(ender)
                return left
            self._ending = left
        if not in_turn:
            self._end_elsewhere()
        return None

    def _end_elsewhere(self) -> None:
        """Have the rest of a shutdown done when the call has ended that a signal's handler has come into."""
        Thread(target=self._end_if_asked, name="APScheduler-shutdown").start()

    def _end_if_asked(self) -> None:
        """End what a shutdown was asked for, if that has not been done."""
        if self._ending is None:  # without the lock, because this is asked after each turn
            return
        with self._lock:
            ending, self._ending = self._ending, None
            if ending is None:
                return
            self._begin_ending(get_ident())
        self._end_by(ending)

    def _begin_ending(self, ender: int) -> None:
        self._ender = ender
        self._ended.clear()

    def _end_by(self, ending: Callable[[], None]) -> None:
        try:
            ending()
        finally:
            self._mark_ended()

    def _mark_ended(self) -> None:
        self._ender = None
        self._ended.set()

    def _await_ending(self) -> None:
        """Wait for a shutdown that another thread is making."""
        if self._ender in (None, get_ident()):
            return
        if current.get() in self._engine.in_flight:
            raise RuntimeError("A job cannot start its scheduler while a shutdown waits for that job")
        self._ended.wait()

    def _end_everything(self, wait: bool, timeout: float | None, asking: Submission | None) -> None:
        self._engine.in_flight.begin_wait(asking)
        self._end_turn(timeout)
        self._end_runs(wait, timeout)
        self._say_ended()

    def _say_ended(self) -> None:
        self._logger.info("Scheduler has been shut down", extra={"event": "scheduler_shutdown"})
        self._engine.listeners.tell(SchedulerEvent(EVENT_SCHEDULER_SHUTDOWN))

    def _make_call(self, call: Call) -> Any:
        """Have a store answer a call of the turn; a driver may have it do so in another thread."""
        return call.make()

    def _wait_for_runs(self, timeout: float) -> bool:
        """Return whether all runs but one that asked for the shutdown have ended within `timeout` seconds."""
        return self._engine.in_flight.wait(timeout)

    def _end_turn(self, timeout: float | None = None) -> None:
        """Bring a turn that is under way to its end, unless this is called from within it; no other begins."""
        self._await_turn(LONGEST_TURN if timeout is None else timeout)

    def _await_turn(self, timeout: float) -> None:
        """Wait until no turn is under way, unless this is called from within one."""
        if self._turn_thread != get_ident() and self._turn_guard.acquire(timeout=timeout):
            self._turn_guard.release()

    def _end_runs(self, wait: bool, timeout: float | None) -> None:
        in_flight = self._engine.in_flight
        if timeout is None:
            self._close_parts(wait)
        elif wait and self._wait_for_runs(timeout):
            self._close_parts(not in_flight)  # what is left is the run that asked, which cannot be waited for
        else:
            self._close_parts(False, SHUT_DOWN if not wait else LATE % timeout)

    def _close_parts(self, wait: bool, late: str | None = None) -> None:
        """End the executors and close the job stores: with `late` now, as the reason of runs that have not ended."""
        engine, in_flight = self._engine, self._engine.in_flight
        engine.executors_closed = True
        for executor in engine.registry.executors.values():
            try:
                executor.shutdown(wait)
            except Exception:
                self._logger.exception("Could not shut down %r", executor, extra={"event": "shutdown_failed"})
        if engine.live and late is None:
            # Nobody waits, or a run asked for the shutdown and cannot wait for itself: the last one to end closes
            # the stores, or the end of the program does.
            if wait and in_flight.others:
                self._logger.info(
                    "%d runs have not ended; the job stores stay open for their outcomes",
                    in_flight.others,
                    extra={"event": "runs_outlast"},
                )
            in_flight.on_idle = self._close_when_idle
            if engine.live:
                return
        self._close_stores(late or SHUT_DOWN)

    def _close_when_idle(self) -> None:
        self._close_stores(SHUT_DOWN)

    def _close_stores(self, reason: str) -> None:
        with self._lifecycle:
            engine = self._engine
            if not engine.stopping and self.state != STATE_STOPPED:
                return  # it has been started again before the last run ended
            engine.in_flight.on_idle = None
            heartbeat, self._heartbeat = self._heartbeat, None
            if heartbeat is not None:
                heartbeat.stop()  # first, because a beat after the sign-off would leave a node that nobody is
            for slot in engine.registry:
                engine.close_store(slot, reason)

    def _close_after_loop(self) -> None:
        """Sign off because nothing will run any more; called by the heartbeat."""
        if self._lifecycle.acquire(
            blocking=False
        ):  # else somebody is shutting it down, and waits for the heartbeat
            try:
                self._logger.warning(
                    "The event loop was closed, but the scheduler was not shut down: its job stores are closed now",
                    extra={"event": "loop_closed"},
                )
                self._engine.stopping = True
                self._close_stores("the event loop was closed")
            finally:
                self._lifecycle.release()

    def _close_at_exit(self) -> None:
        """Write what has ended since the last turn, and sign off, in a program that ends without `shutdown()`."""
        if self.state != STATE_STOPPED:
            self.state = STATE_STOPPED
            self._engine.stopping = True
            self._end_turn(5.0)
        self._close_stores("the program ended")

    def _leave_parent(self, parent: int) -> None:
        """Be stopped in the child of a fork: nothing may use, wait for or close here what is the parent's."""
        if self.state != STATE_STOPPED:
            self._forked_from = parent
        self.state = STATE_STOPPED
        self._turn_thread = self._ender = self._ending = self._heartbeat = None
        self._make_locks()
        self._engine = abandoned(self._engine)

    # -- what others bring --------------------------------------------------------------------------------------

    def _loop_is_gone(self) -> bool:
        """Return whether the loop that the scheduler runs on has ended for good."""
        return False

    def _require_running(self) -> None:
        if self.state == STATE_STOPPED:
            raise SchedulerNotRunningError(self._says_forked())

    def _says_forked(self) -> str:
        """Return why a scheduler that was started does not run in this process; nothing if that is not so."""
        if self._forked_from is None:
            return ""
        return (
            f"The scheduler was started in process {self._forked_from} and does not run in this one, which was forked"
            " from it: call start() here too, or leave the jobs to that process"
        )

    def _create_lock(self) -> Any:
        raise NotImplementedError

    def _create_default_executor(self) -> Any:
        raise NotImplementedError

    def _create_default_jobstore(self) -> Any:
        raise NotImplementedError

    def _store_pending_jobs(self, state: int) -> None:
        raise NotImplementedError

    def _wake(self) -> None:
        raise NotImplementedError


def check_uwsgi() -> None:
    """Refuse to start where no thread of ours would ever run.

    Raises:
        RuntimeError: this process is a uWSGI worker without threads.
    """
    uwsgi = sys.modules.get("uwsgi")
    if uwsgi is not None and not getattr(uwsgi, "opt", {}).get("enable-threads"):
        raise RuntimeError(
            "This program runs under uWSGI with threads disabled, so a scheduler would never run anything:"
            " start uWSGI with --enable-threads"
        )

"""The part of a scheduler that opens and closes what it runs with: job stores, executors, the heartbeat."""

from __future__ import annotations

import atexit
import logging
import sys
import weakref
from threading import Lock, get_ident
from typing import TYPE_CHECKING, Any

from apscheduler.schedulers._components import Components
from apscheduler.schedulers._others import listen
from apscheduler.schedulers._registry import StoreSlot
from apscheduler.schedulers._states import STATE_STOPPED

if TYPE_CHECKING:
    from apscheduler.schedulers._heartbeat import Heartbeat


class Lifecycle(Components):
    """Mixed into `BaseScheduler`."""

    state: int
    _lease: float
    _lifecycle: Any
    _logger: logging.Logger
    _turn_guard: Lock
    _turn_thread: int | None
    _heartbeat: Heartbeat | None

    def _start_store(self, slot: StoreSlot) -> None:
        if not slot.started:
            slot.given.start(self, slot.alias)
        slot.store.heartbeat(self._engine.node)
        listen(self._engine, slot)
        slot.dirty = slot.started = True
        if slot.store.blocks:
            slot.reruns_asked = True
            slot.beaten_at = self._engine.clock.time(), self._engine.clock.monotonic()
            if self._heartbeat is None:
                from apscheduler.schedulers._heartbeat import Heartbeat  # only stores that wait need it

                self._heartbeat = Heartbeat(self._engine, self._lease)
                atexit.register(_close_at_exit, weakref.ref(self))
            self._heartbeat.look_after_others(slot)
            self._heartbeat.start()

    def _end_turn(self, timeout: float | None = None) -> None:
        """Wait until no turn is under way, unless this is called from within one."""
        if self._turn_thread != get_ident() and self._turn_guard.acquire(
            timeout=60 if timeout is None else timeout
        ):
            self._turn_guard.release()

    def _end_runs(self, wait: bool, timeout: float | None) -> None:
        engine = self._engine
        if wait and timeout is not None:
            wait = engine.idle.wait(timeout)
            reason = f"it had not ended {timeout:g} s after the scheduler was shut down"
        else:
            reason = "the scheduler was shut down"
        engine.executors_closed = True
        for executor in engine.registry.executors.values():
            try:
                executor.shutdown(wait)
            except Exception:
                self._logger.exception("Could not shut down %r", executor, extra={"event": "shutdown_failed"})
        if engine.live and timeout is None:
            # Nobody waits, or a run asked for the shutdown and cannot wait for itself: the last one to end closes
            # the stores.
            engine.on_idle = lambda: self._close_stores(reason)
            if engine.live:
                return
        self._close_stores(reason)

    def _close_stores(self, reason: str) -> None:
        with self._lifecycle:
            engine = self._engine
            if not engine.stopping and self.state != STATE_STOPPED:
                return  # it has been started again before the last run ended
            engine.on_idle = None
            heartbeat, self._heartbeat = self._heartbeat, None
            if heartbeat is not None:
                heartbeat.stop()  # first, because a beat after the sign-off would leave a node that nobody is
            for slot in engine.registry:
                engine.close_store(slot, reason)

    def _close_at_exit(self) -> None:
        """Write what has ended since the last turn, and sign off, in a program that ends without `shutdown()`."""
        if self.state != STATE_STOPPED:
            self.state = STATE_STOPPED
            self._engine.stopping = True
            self._end_turn(5.0)
            self._close_stores("the program ended")


def _close_at_exit(scheduler: weakref.ref[Lifecycle]) -> None:
    living = scheduler()
    if living is not None:
        living._close_at_exit()  # noqa: SLF001 - a function of this class that must not keep it alive


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

"""Running a scheduler of any kind in the main thread until a signal or its own shutdown ends it, gracefully."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from apscheduler.cli._errors import RefusedError, first_line
from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_MISSED,
    EVENT_JOB_SUBMITTED,
    EVENT_SCHEDULER_SHUTDOWN,
)
from apscheduler.schedulers._loop_driver import Wakeup
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.schedulers.blocking import BlockingScheduler

_ON_A_LOOP_OF_ASYNCIO = frozenset({"apscheduler.schedulers.asyncio", "apscheduler.schedulers.tornado"})
_ON_A_LOOP_OF_ITS_OWN = frozenset(
    {"apscheduler.schedulers.gevent", "apscheduler.schedulers.twisted", "apscheduler.schedulers.qt"}
)
Shown = Callable[[], AbstractContextManager[None]]
_ENDED = EVENT_JOB_EXECUTED | EVENT_JOB_ERROR | EVENT_JOB_MISSED


def drive(scheduler: BaseScheduler, target: str, shown: Shown) -> None:
    """Start a scheduler unless it runs, and return when it has ended, because of a signal or by itself.

    What `shown()` returns is entered meanwhile, when signals are heard already: before nobody has seen it run.
    """
    modules = {cls.__module__ for cls in type(scheduler).__mro__}
    kind = type(scheduler).__name__
    if modules & _ON_A_LOOP_OF_ITS_OWN:
        raise RefusedError(
            f"TARGET {target!r}: a {kind} needs the main loop of its own program, so start it there"
        )
    try:
        if modules & _ON_A_LOOP_OF_ASYNCIO:
            if scheduler.running:
                raise RefusedError(
                    f"TARGET {target!r}: this {kind} runs already, on a loop that is not this one"
                )
            asyncio.run(_drive_on_asyncio(scheduler, shown))
        elif isinstance(scheduler, BlockingScheduler) and not isinstance(scheduler, BackgroundScheduler):
            _drive_blocking(scheduler, shown)
        else:
            _drive_in_background(scheduler, shown)
    except (RefusedError, KeyboardInterrupt, SystemExit):
        raise
    except Exception as exc:
        raise RefusedError(
            f"TARGET {target!r}: the {kind} could not run ({type(exc).__name__}: {first_line(exc)})"
        ) from exc


def _drive_blocking(scheduler: BlockingScheduler, shown: Shown) -> None:
    if scheduler.running:  # in a thread of the program's own, which then is the one to end it
        _drive_in_background(scheduler, shown)
        return
    try:
        with shown():
            scheduler.start()  # it ends gracefully by itself, and then raises what a program expects
    except KeyboardInterrupt:
        pass
    except SystemExit as exc:
        if exc.code:
            raise


def _drive_in_background(scheduler: BaseScheduler, shown: Shown) -> None:
    ended = (
        Wakeup()
    )  # because a handler that comes while an Event is being waited for may wait for ever to set it
    scheduler.add_listener(lambda _: ended.set(), EVENT_SCHEDULER_SHUTDOWN)
    with _on_signals(ended.set, _interrupt), shown():
        if not scheduler.running:
            scheduler.start()
        ended.wait()
        if scheduler.running:
            scheduler.shutdown()


async def _drive_on_asyncio(scheduler: BaseScheduler, shown: Shown) -> None:
    loop = asyncio.get_running_loop()
    stop, idle = asyncio.Event(), asyncio.Event()
    in_flight = [0]

    def count(event: Any) -> None:
        in_flight[0] += len(event.scheduled_run_times) if event.code == EVENT_JOB_SUBMITTED else -1
        if stop.is_set() and in_flight[0] <= 0:
            idle.set()

    def tell(event: Any) -> None:
        loop.call_soon_threadsafe(count if event.code != EVENT_SCHEDULER_SHUTDOWN else ended, event)

    def ended(_: Any = None) -> None:
        stop.set()
        idle.set()

    scheduler.add_listener(tell, EVENT_JOB_SUBMITTED | _ENDED | EVENT_SCHEDULER_SHUTDOWN)
    with (
        _on_signals(lambda: loop.call_soon_threadsafe(stop.set), lambda: loop.call_soon_threadsafe(idle.set)),
        shown(),
    ):
        scheduler.start()
        await stop.wait()
        if scheduler.running:
            # Coroutines can only be waited for while the loop runs, which a shutdown on the loop would hold up.
            scheduler.pause()
            if in_flight[0] > 0:
                await idle.wait()
            scheduler.shutdown()


@contextmanager
def _on_signals(first: Callable[[], Any], second: Callable[[], Any]) -> Iterator[None]:
    """Within the block call `first` when SIGINT or SIGTERM comes, and `second` for each one after it."""
    came = False

    def handler(*_: Any) -> None:
        nonlocal came
        (second if came else first)()
        came = True

    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


def _interrupt() -> None:
    raise KeyboardInterrupt

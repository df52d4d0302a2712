"""The driver of schedulers that own their loop: turn, sleep, be woken.

Sleeping is bounded by the turn, so a clock that jumps or a machine that was suspended is noticed within a minute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apscheduler.schedulers._turn import Steps


def run_to_end(steps: Steps) -> float:
    """Make the calls of a turn in this thread; return the seconds until the next turn."""
    try:
        call = next(steps)
        while True:
            try:
                answer = call.make()
            except BaseException as exc:
                call = steps.throw(exc)
            else:
                call = steps.send(answer)
    except StopIteration as stop:
        seconds: float = stop.value
        return seconds


def loop(event: Any, go_on: Callable[[], bool], turn: Callable[[], float]) -> None:
    """Make turns until `go_on()` is False; `event` (`set`, `clear`, `wait(seconds)`) ends a sleep."""
    while go_on():
        seconds = turn()
        if go_on():
            event.wait(seconds)  # also for 0 seconds, because a busy scheduler must hear signals too
        event.clear()

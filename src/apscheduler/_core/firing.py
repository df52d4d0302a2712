"""Which run times of a job have come, and what comes after them."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import NamedTuple, Protocol

from apscheduler.errors import TriggerStuckError

MOST_COALESCED = 100
"""So many coalesced run times get a record each; those before them share one."""


class Trigger(Protocol):
    """What is asked of a trigger here."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime, /) -> datetime | None:
        """Return the fire time after `previous_fire_time`."""


After = tuple[datetime | None, float | None]
"""The fire time after another one, also in seconds since the epoch."""


class Plan(NamedTuple):
    """The run times that have come (ascending, each also in seconds since the epoch) and the one after them.

    `coalesced` are earlier ones that are run as one with the only one in `times`; the first of them stands for
    `uncounted` still earlier ones.
    """

    times: tuple[datetime, ...]
    stamps: tuple[float, ...]
    then: datetime | None
    then_stamp: float | None
    coalesced: tuple[float, ...] = ()
    uncounted: int = 0


def plan(
    trigger: Trigger,
    due: datetime,
    stamp: float,
    now: datetime,
    now_stamp: float,
    *,
    coalesce: bool,
    after: After,
) -> Plan:
    """Return the run times from `due` up to and including `now`, and the one after them.

    Compares instants, as seconds since the epoch: datetimes that share a tzinfo compare by wall clock, which is wrong
    in a DST fold. `after` is what `next_after()` has said of `due`: a trigger that counts is asked once for each time.

    Raises:
        TriggerStuckError: the trigger answered with a time that is not later; 3.x would loop.
    """
    then, then_stamp = after
    times, stamps = deque([due]), deque([stamp])
    count = 1
    if coalesce:
        times, stamps = deque(times, 1), deque(stamps, MOST_COALESCED + 1)
    while then is not None and then_stamp is not None and then_stamp <= now_stamp:
        times.append(then)
        stamps.append(then_stamp)
        count += 1
        then, then_stamp = next_after(trigger, then, then_stamp, now)
    if not coalesce:
        return Plan(tuple(times), tuple(stamps), then, then_stamp)
    last = stamps.pop()
    return Plan(tuple(times), (last,), then, then_stamp, tuple(stamps), count - 1 - len(stamps))


def next_after(trigger: Trigger, time: datetime, stamp: float, now: datetime) -> After:
    """Return the fire time after `time`.

    Raises:
        TriggerStuckError: the trigger answered with a time that is not later; 3.x would loop.
    """
    then = trigger.get_next_fire_time(time, now)
    if then is None:
        return None, None
    then_stamp = then.timestamp()
    if then_stamp <= stamp:
        raise TriggerStuckError(trigger, time, then)
    return then, then_stamp

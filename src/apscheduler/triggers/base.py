"""The contract of a trigger: given the fire time before, it answers with the next one.

A trigger keeps no record of what has fired: the same question is answered the same way (apart from jitter), in every
process that holds a copy. `apscheduler.testing.trigger.TriggerContract` tests an implementation against this contract.
"""

from __future__ import annotations

import math
import random
from abc import ABCMeta, abstractmethod
from datetime import datetime, timedelta

from apscheduler.util import datetime_utc_add


def checked_jitter(jitter: float | None) -> float | None:
    """Return `jitter` where it is None or a number of seconds that is not negative, else raise.

    A negative one would make fire times go back before the ones before.
    """
    if jitter is None:
        return None
    if not isinstance(jitter, (int, float)):
        raise TypeError(f"jitter must be a number of seconds, not {type(jitter).__name__}")
    if not 0 <= jitter < math.inf:
        raise ValueError(f"jitter must be a number of seconds from 0 up, not {jitter!r}")
    return jitter


class BaseTrigger(metaclass=ABCMeta):
    """Base of every trigger. A subclass needs `get_next_fire_time()` and to be picklable, no more."""

    __slots__ = ()

    @abstractmethod
    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the next fire time as an aware datetime, or None where there is none left.

        It is later than `previous_fire_time`, compared in UTC. It may lie before `now`: those are times that were
        due while nothing asked.

        Args:
            previous_fire_time: the fire time before, None where the trigger has not fired yet.
            now: the current time, aware.
        """

    def first_fire_time(self) -> datetime | None:
        """Return the first fire time of a trigger that was made just now, or None where a clock must be asked first.

        `add_job()` asks it of the triggers that it makes itself; a trigger need not answer.
        """
        return None

    def _apply_jitter(
        self, next_fire_time: datetime | None, jitter: float | None, now: datetime
    ) -> datetime | None:
        """Return the fire time delayed by a random part of `jitter` seconds; unchanged where that is 0 or None."""
        if next_fire_time is None or not jitter:
            return next_fire_time
        # Looked up on the module at each call, so that tests can put a seeded generator in its place.
        delay = timedelta(seconds=random.uniform(0, jitter))
        return datetime_utc_add(next_fire_time, delay)

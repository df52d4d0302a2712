"""What is filled in when a job is made or stored: its trigger, the defaults, its first run time."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

from apscheduler._clock import SYSTEM, Clock, using
from apscheduler._core.limits import Limits
from apscheduler._core.options import unknown
from apscheduler._limits import NO_LIMITS, shared_limits
from apscheduler._plugins import plugin_class
from apscheduler.job import Job
from apscheduler.triggers.base import BaseTrigger
from apscheduler.util import undefined


def make_trigger(
    trigger: BaseTrigger | str | None,
    arguments: Mapping[str, Any],
    timezone: tzinfo,
    logger: logging.Logger,
    clock: Clock,
) -> BaseTrigger:
    """Return the trigger that `add_job()` was given: an instance, or the name of one to be made with `arguments`.

    Without a name it is a date. A trigger that takes a time zone and is given none gets `timezone`. One that begins
    now by default reads `clock`.

    Raises:
        LookupError: there is no trigger of that name.
        TypeError: `trigger` is neither, or an argument is unknown; the message names the nearest.
    """
    if trigger is None:
        trigger = "date"
    if type(trigger) is str:  # first, because asking an abstract class for its instances is slow
        cls = plugin_class("trigger", trigger)
        given = arguments if "timezone" in arguments else {"timezone": timezone, **arguments}
        try:
            if clock is SYSTEM:
                made: BaseTrigger = cls(**given)
            else:
                with using(clock):
                    made = cls(**given)
        except TypeError:
            with using(clock):
                return _made_otherwise(cls, trigger, arguments, timezone)
        return made
    if isinstance(trigger, BaseTrigger):
        if arguments:
            logger.warning(
                "The trigger is an instance, so these arguments are ignored: %s",
                ", ".join(arguments),
                extra={"event": "arguments_ignored"},
            )
        return trigger
    raise TypeError(
        f"Expected a trigger instance or string, got {type(trigger).__name__} instead: {trigger!r}; give 'date',"
        " 'interval' or 'cron' with its arguments, or an instance such as IntervalTrigger(minutes=5)"
    )


def _made_otherwise(cls: Any, name: str, arguments: Mapping[str, Any], timezone: tzinfo) -> BaseTrigger:
    """Make a trigger that takes no time zone, or say which argument it does not take."""
    accepted = inspect.signature(cls).parameters
    values = dict(arguments)
    if "timezone" in accepted:
        values.setdefault("timezone", timezone)
    strangers = unknown(arguments, accepted)
    if strangers and not any(p.kind is p.VAR_KEYWORD for p in accepted.values()):
        hints = [f"{given} (did you mean {near}?)" if near else given for given, near in strangers.items()]
        raise TypeError(
            f"The {name} trigger has no argument {', '.join(hints)}; it takes {', '.join(accepted)}"
        )
    made: BaseTrigger = cls(**values)
    return made


def fill_in(
    job: Job,
    defaults: Limits,
    clock: Clock,
    timezone: tzinfo,
    logger: logging.Logger,
    timed_by_new_trigger: bool = False,
) -> None:
    """Give `job` the defaults for what it was not given, and its first run time.

    `timed_by_new_trigger` says what is slow to find out: that it has no run time, and a trigger that was made just now,
    which may know its first fire time without a clock.
    """
    if job.limits is NO_LIMITS:
        job.limits = defaults
    else:
        given = zip(job.limits, defaults, strict=True)
        job.limits = shared_limits(*(default if value is undefined else value for value, default in given))
    if timed_by_new_trigger:
        first = job.trigger.first_fire_time() or job.trigger.get_next_fire_time(None, clock.now(timezone))
    elif hasattr(job, "next_run_time"):
        return
    else:
        first = job.trigger.get_next_fire_time(None, clock.now(timezone))
    job.next_run_time = first
    if first is None:
        logger.warning(
            'Job "%s" will never run: its trigger has no fire time from now on. It is stored as paused.',
            job,
            extra={"event": "job_never_fires"},
        )

"""Whether two jobs are defined alike: what `replace_existing="if_changed"` asks.

The definition is what the program wrote: function, arguments, trigger, limits. The next run time is not part of it, nor
a start date that the trigger chose by itself, because that differs at every start of the program.
"""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, tzinfo
from typing import Any

from apscheduler.job import Job
from apscheduler.triggers.base import BaseTrigger


def same_definition(stored: Job, new: Job) -> bool:
    """Return whether `new` asks for what `stored` is."""
    if (stored.name, stored.limits) != (new.name, new.limits):
        return False
    try:
        one, other = stored.__getstate__(), new.__getstate__()
    except ValueError:
        # Neither has a textual reference, which only a memory store keeps.
        one = {"func": stored.func, "args": stored.args, "kwargs": stored.kwargs}
        other = {"func": new.func, "args": new.args, "kwargs": new.kwargs}
    return (
        one["func"] == other["func"]
        and _equal(one["args"], other["args"])
        and _equal(one["kwargs"], other["kwargs"])
        and _same_trigger(stored.trigger, new.trigger)
    )


def _same_trigger(stored: BaseTrigger, new: BaseTrigger) -> bool:
    if type(stored) is not type(new):
        return False
    ours, theirs = getattr(new, "triggers", None), getattr(stored, "triggers", None)
    if ours is not None and theirs is not None:
        return (
            len(ours) == len(theirs)
            and getattr(new, "jitter", None) == getattr(stored, "jitter", None)
            and all(_same_trigger(one, other) for one, other in zip(theirs, ours, strict=True))
        )
    one, other = stored.__getstate__(), new.__getstate__()
    if isinstance(one, dict) and isinstance(other, dict) and getattr(new, "start_is_default", False):
        one, other = ({k: v for k, v in state.items() if k != "start_date"} for state in (one, other))
    return _equal(one, other)


def _equal(one: Any, other: Any) -> bool:
    """Return whether two values are the same as far as a store can tell."""
    if type(one) is not type(other):
        return isinstance(one, tzinfo) and isinstance(other, tzinfo) and str(one) == str(other)
    if isinstance(one, datetime):
        return (
            bool(one.astimezone(UTC) == other.astimezone(UTC))
            if one.tzinfo and other.tzinfo
            else one == other
        )
    if isinstance(one, tzinfo):
        return str(one) == str(other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_equal, one, other))
    try:
        if bool(one == other):
            return True
    except Exception:  # arrays and the like do not compare to one truth value
        pass
    try:
        return pickle.dumps(one) == pickle.dumps(other)
    except Exception:
        return False

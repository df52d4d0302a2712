"""Which triggers keep nothing in themselves.

A trigger of the user's own may keep count in itself, as 3.x lets it, so it is stored anew with each firing and never
shared between handles of a job. Of our own it is known that they do not; those of them that hold other triggers may.
"""

from __future__ import annotations

from functools import cache

from apscheduler.triggers.base import BaseTrigger


@cache
def is_stateless(trigger_class: type[BaseTrigger]) -> bool:
    """Return whether asking a trigger of this class for its next time leaves it as it is."""
    module = trigger_class.__module__
    return module.startswith("apscheduler.triggers.") and not module.endswith(".combining")

"""Jobs that cannot be run here: when that is said, and when they are tried again.

A scheduler that is not alone keeps quiet for a while, because another one may have what the job needs: while a program
is being replaced by its next version, some of the schedulers know a new function and the others do not yet.
"""

from __future__ import annotations

from typing import NamedTuple

FIRST_DELAY = 1.0
LONGEST_DELAY = 300.0
LEFT_TO_OTHERS = 2.5
"""Seconds for which a due job is left to other schedulers, which look for such jobs once a second."""


class Aside(NamedTuple):
    """A job that cannot be run here: since which revision, why, and when it is looked at again.

    `since` and `again_at` are seconds on a monotonic clock. `said` tells whether it was reported, or is still left to
    other schedulers.
    """

    revision: int
    reason: str
    since: float
    delay: float
    again_at: float
    said: bool


def set_aside(
    before: Aside | None, revision: int, reason: str, now: float, others: int
) -> tuple[Aside, bool]:
    """Return what is known of a job that cannot be run now, and whether that is to be reported now.

    Args:
        before: what was known of it until now.
        revision: of the stored job; with another one it is another run time, or the job was changed.
        reason: why it cannot be run.
        now: seconds on the monotonic clock.
        others: how many other schedulers live in the same store.
    """
    if before is None or before.revision != revision:
        before = None
    since = now if before is None else before.since
    if others and (before is None or not before.said) and now - since < LEFT_TO_OTHERS:
        return Aside(
            revision, reason, since, FIRST_DELAY, min(now + FIRST_DELAY, since + LEFT_TO_OTHERS), False
        ), False
    if before is None or not before.said or before.reason != reason:
        return Aside(revision, reason, since, FIRST_DELAY, now + FIRST_DELAY, True), True
    delay = min(before.delay * 2, LONGEST_DELAY)
    return Aside(revision, reason, since, delay, now + delay, True), False

"""Within which limits a job runs, and whether it has room for one more run."""

from __future__ import annotations

from typing import Any, NamedTuple

MAX_INSTANCES = "max_instances"
"""The reason in the record of a run that was skipped because its job had no room."""

RECORD = "record"
RERUN = "rerun"
ON_CRASH = (RECORD, RERUN)


class Limits(NamedTuple):
    """What a job says besides what it runs and when; one value is shared by all jobs that say the same.

    A value that a job was not given, and gets when it is stored, is `undefined` until then.
    """

    executor: str
    misfire_grace_time: Any
    coalesce: Any
    max_instances: Any
    on_crash: Any


def has_room(live: int, max_instances: int) -> bool:
    """Return whether a job with `live` claims in flight may have one more.

    Exact under contention: a claim that is decided on this answer is applied only while the job's revision is the one
    that was read together with `live`, and every other claim raises the revision.
    """
    return live < max_instances

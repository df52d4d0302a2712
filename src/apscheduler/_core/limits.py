"""How many runs of one job may be in flight at once."""

from __future__ import annotations

MAX_INSTANCES = "max_instances"
"""The reason in the record of a run that was skipped because its job had no room."""


def has_room(live: int, max_instances: int) -> bool:
    """Return whether a job with `live` claims in flight may have one more.

    Exact under contention: a claim that is decided on this answer is applied only while the job's revision is the one
    that was read together with `live`, and every other claim raises the revision.
    """
    return live < max_instances

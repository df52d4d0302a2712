"""Names of the keys that the Redis job store uses: the two of 3.x, and ours beside them.

Redis Cluster lets a script use only keys of one hash slot. The slot is that of the name, or of what stands in braces
in it. So ours are named `{apscheduler.jobs}.runs`, which has the slot of `apscheduler.jobs`; of the two names of 3.x
only that of the run times has to change in a cluster.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_TAG = re.compile(r"\{([^}]+)\}")

# In the order in which every script is given them, with the type of each.
_OWN = (
    ("revisions", "hash"),
    ("running", "hash"),
    ("runs", "hash"),
    ("runs.by_job", "zset"),
    ("runs.grown", "set"),
    ("numbers", "hash"),
    ("nodes", "hash"),
    ("reruns", "hash"),
    ("reruns.waiting", "zset"),
    ("runs.succeeded", "zset"),
    ("runs.failed", "zset"),
    ("runs.missed", "zset"),
    ("runs.skipped", "zset"),
    ("runs.interrupted", "zset"),
    ("runs.set_aside", "zset"),
)
TYPES = ("hash", "zset", *(kind for _, kind in _OWN))


class Keys(NamedTuple):
    """All names. `every` is what scripts are given, `prefix` what ours begin with."""

    jobs: str
    run_times: str
    prefix: str
    every: tuple[str, ...]

    @property
    def numbers(self) -> str:
        """The key of the numbers: the last id of a run, the floor of revisions."""
        return f"{self.prefix}.numbers"

    @property
    def nodes(self) -> str:
        """The key of the nodes."""
        return f"{self.prefix}.nodes"

    def answer(self, token: str) -> str:
        """Return the key of what one call has answered, which expires."""
        return f"{self.prefix}.answer.{token}"

    def channel(self, db: int) -> str:
        """Return the name of the channel on which changes are told; channels do not belong to a database."""
        return f"{self.prefix}.changed.{db}"


def key_names(jobs: str, run_times: str, cluster: bool) -> Keys:
    """Return the names that belong to these two; in a cluster, such as have one hash slot.

    Raises:
        ValueError: a name is empty, or has braces that no name with the same slot can be made from.
    """
    for argument, name in (("jobs_key", jobs), ("run_times_key", run_times)):
        if not name:
            raise ValueError(f'The "{argument}" parameter must not be empty')
    if jobs == run_times:
        raise ValueError(f'"jobs_key" and "run_times_key" must be two names, both are {jobs!r}')
    tagged = _TAG.search(jobs)
    plain = not tagged and "{" not in jobs and "}" not in jobs
    prefix = f"{{{jobs}}}" if plain else jobs
    if cluster:
        if not tagged and not plain:
            raise ValueError(
                f'"jobs_key" is {jobs!r}: in a Redis Cluster it must have no braces, or something between them'
            )
        slot = _TAG.search(run_times)
        if (slot[1] if slot else run_times) != (tagged[1] if tagged else jobs):
            run_times = f"{prefix}.{run_times}"
    own = tuple(f"{prefix}.{name}" for name, _ in _OWN)
    return Keys(jobs, run_times, prefix, (jobs, run_times, *own))

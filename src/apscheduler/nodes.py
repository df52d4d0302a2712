"""Node: one scheduler in one process, as `get_nodes()` returns it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ("Node",)


@dataclass(frozen=True, slots=True)
class Node:
    """A scheduler that shares a job store. Times are aware datetimes in UTC.

    Attributes:
        id: unique; what `Run.node` names.
        host: name of its machine.
        pid: id of its process there.
        started_at: when the scheduler was started, by its own clock.
        last_seen: when a heartbeat of it was last seen by the scheduler that was asked, by that one's clock; None
            where it has looked only once so far.
        state: "running"; "paused"; "silent" where no heartbeat has been seen for half a lease; "gone" where its
            process is known to have ended, and its runs are about to be recorded as interrupted.
        runs_in_flight: how many of its runs are recorded as running.
    """

    id: str
    host: str
    pid: int
    started_at: datetime
    last_seen: datetime | None
    state: str
    runs_in_flight: int

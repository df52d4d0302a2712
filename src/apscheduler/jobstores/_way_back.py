"""The way back to 3.x: it trusts the next run time inside a job's pickle, which a firing here does not rewrite.

So a store remembers which jobs it has fired, and when it shuts down it writes their times into their pickles. Best
effort: a process that is killed does not get to it, and then 3.x takes a time that has passed for the next one.
"""

from __future__ import annotations

import pickle
from abc import ABC, abstractmethod
from threading import RLock
from typing import TYPE_CHECKING, NamedTuple

from apscheduler._clock import SYSTEM
from apscheduler._core.claims import Claim, JobRow
from apscheduler.errors import JobUnreadableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from apscheduler.job import Job

REMEMBERED = 10_000
AT_ONCE = 500
SECONDS = 2.0


class NewState(NamedTuple):
    """The pickle to write over that of a job which still has this revision."""

    job_id: str
    revision: int
    definition: bytes


class FiredJobs(ABC):
    """Remembers the jobs that were fired since the start, up to a bound; the newest count."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._ids: dict[str, None] = {}

    def add(self, claims: Iterable[Claim]) -> None:
        """Remember the jobs of `claims` that were won."""
        with self._lock:
            self._ids.update((claim.job_id, None) for claim in claims if claim.then is not None)
            while len(self._ids) > REMEMBERED:
                del self._ids[next(iter(self._ids))]

    def leave_for_3x(self, load: Callable[[JobRow], Job], protocol: int) -> None:
        """Write the next run times into the pickles of the jobs that were fired, for some seconds at most."""
        with self._lock:
            ids, self._ids = list(self._ids), {}
        deadline = SYSTEM.monotonic() + SECONDS
        for start in range(0, len(ids), AT_ONCE):
            if SYSTEM.monotonic() > deadline:
                return
            changes = []
            for row in self.read_rows(ids[start : start + AT_ONCE]):
                state = _brought_up_to_date(row, load, protocol)
                if state is not None:
                    changes.append(NewState(row.job_id, row.revision, state))
            if changes:
                self.write_states(changes)

    @abstractmethod
    def read_rows(self, ids: Sequence[str]) -> Iterable[JobRow]:
        """Return the stored rows of those of the jobs that are still there."""

    @abstractmethod
    def write_states(self, changes: Sequence[NewState]) -> None:
        """Write each pickle if its job still has the revision, which stays: nothing changes for this package."""


def _brought_up_to_date(row: JobRow, load: Callable[[JobRow], Job], protocol: int) -> bytes | None:
    """Return the definition of `row` with its next run time in it, or None where it is in it already."""
    try:
        next_run_time = load(row).next_run_time
    except JobUnreadableError:
        return None
    # The state itself is changed, not the job's, because it may hold options that a newer version has written.
    state = pickle.loads(row.definition)
    if state["next_run_time"] == next_run_time:
        return None
    state["next_run_time"] = next_run_time
    return pickle.dumps(state, protocol)

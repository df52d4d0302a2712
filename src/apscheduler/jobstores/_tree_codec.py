"""Jobs as the documents of 3.x: a pickled dict of the next run time and the job's state.

As in the other stores, what is inside is only a copy of the next run time: firing a job changes its entry and not its
document.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

from apscheduler.jobstores._codec import JobCodec
from apscheduler.jobstores._unreadable import lenient_load


class DocumentCodec(JobCodec):
    """Writes and reads such documents; may be used from any thread."""

    def wrap(self, state: Any) -> Any:
        """Return the document around a state."""
        time = state["next_run_time"]
        return {"next_run_time": None if time is None else time.timestamp(), "job_state": state}

    def state_of(self, definition: bytes) -> Any:
        """Return the state inside a document."""
        return pickle.loads(definition)["job_state"]


def time_in(definition: bytes) -> float | None:
    """Return the next run time that a document holds, None also where it cannot be read at all."""
    document = lenient_load(definition)
    time = document.get("next_run_time") if isinstance(document, Mapping) else None
    return float(time) if isinstance(time, int | float) else None


def with_time(definition: bytes, time: Any, protocol: int) -> bytes | None:
    """Return a document with another next run time (a datetime or None), or None where it has that already."""
    document = pickle.loads(definition)
    stamp = None if time is None else time.timestamp()
    if document["next_run_time"] == stamp and document["job_state"]["next_run_time"] == time:
        return None
    document["next_run_time"] = stamp
    document["job_state"]["next_run_time"] = time
    return pickle.dumps(document, protocol)

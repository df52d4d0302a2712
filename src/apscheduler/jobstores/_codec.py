"""Jobs as bytes: the pickles of 3.x, written and read in place.

The bytes are a pickle of `job.__getstate__()`, as in 3.x (see `_pickling`). The next run time inside them is only a
copy, as firing a job changes the row's column and not the bytes; the column counts.

A job whose arguments cannot change is decoded once and remembered by its bytes, so that a firing costs a comparison
instead of a pickle. Where an argument could be changed by the function, or the trigger by being asked, it is decoded
for each firing, as in 3.x: what was decided and not stored must leave no trace.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from threading import RLock
from types import FunctionType
from typing import Any
from uuid import UUID

from apscheduler._core.claims import DueRow, JobRow
from apscheduler.errors import JobSerializationError, JobUnreadableError, TransientJobError
from apscheduler.job import Job
from apscheduler.jobstores._pickling import JobPickler
from apscheduler.triggers._state import is_stateless

REMEMBERED = 10_000
_ATOMS = frozenset(
    {
        type(None), bool, int, float, complex, str, bytes, datetime, date, time, timedelta, Decimal, UUID,
    }
)  # fmt: skip


class JobCodec:
    """Writes and reads the stored form of jobs; may be used from any thread."""

    def __init__(self, pickle_protocol: int = pickle.HIGHEST_PROTOCOL) -> None:
        self.protocol = pickle_protocol
        self._pickler = JobPickler(pickle_protocol)
        self._lock = RLock()
        self._decoded: OrderedDict[str, tuple[bytes, Job]] = OrderedDict()

    def dump(self, job: Job) -> bytes:
        """Return the bytes of `job`.

        Raises:
            TransientJobError: its function cannot be found again by a name.
            JobSerializationError: a part of it cannot be pickled; the message names the part.
        """
        try:
            state = job.__getstate__()
        except ValueError as exc:
            raise TransientJobError(job.id, str(exc.__cause__ or exc)) from None
        try:
            data = self._pickler.dumps(self.wrap(state), job.trigger)
        except Exception as exc:
            raise JobSerializationError(_explain(job.id, state, exc, self.protocol)) from exc
        if state["func"] == job.func_ref and type(job.func) is FunctionType and _may_be_shared(job):
            # Because who adds a job is often who fires it, and then need not decode it.
            self._remember(job.id, data, job)
        return data

    def load(self, row: JobRow | DueRow, scheduler: Any, alias: str | None) -> Job:
        """Return a new handle of the job in `row`, with the row's next run time.

        Raises:
            JobUnreadableError: the bytes are damaged, or name something that cannot be imported here.
        """
        with self._lock:
            known = self._decoded.get(row.job_id)
        if known is not None and known[0] == row.definition:
            job = known[1]._copy()
        else:
            job = self._decode(row, getattr(scheduler, "renames", None) or {})
        job._scheduler = scheduler
        job._jobstore_alias = alias
        job.next_run_time = _time_of(row.next_run_time, job.next_run_time, scheduler)
        return job

    def wrap(self, state: Any) -> Any:
        """Return what is pickled to keep a job's state."""
        return state

    def state_of(self, definition: bytes) -> Any:
        """Return the job's state that `definition` holds."""
        return pickle.loads(definition)

    def forget(self, job_id: str) -> None:
        """Free what is remembered of a job that was removed."""
        with self._lock:
            self._decoded.pop(job_id, None)

    def _decode(self, row: JobRow | DueRow, renames: Mapping[str, str]) -> Job:
        job = Job.__new__(Job)
        job._scheduler = job._jobstore_alias = None
        try:
            state = self.state_of(row.definition)
            state["func"] = renames.get(state["func"], state["func"])
            job.__setstate__(state)
        except (Exception, SystemExit) as exc:  # a module may end the program where it cannot be used
            raise JobUnreadableError(f"{type(exc).__name__}: {exc}") from exc
        if _may_be_shared(job):
            self._remember(row.job_id, row.definition, job)
        return job

    def _remember(self, job_id: str, data: bytes, job: Job) -> None:
        known = job._copy()
        with self._lock:
            self._decoded[job_id] = (data, known)
            if len(self._decoded) > REMEMBERED:
                self._decoded.popitem(last=False)


def _time_of(stamp: float | None, written: datetime | None, scheduler: Any) -> datetime | None:
    """Return the row's time in the zone of the time that was written into the bytes, else in the scheduler's."""
    if stamp is None:
        return None
    zone: tzinfo | None = written.tzinfo if written is not None else getattr(scheduler, "timezone", None)
    time = datetime.fromtimestamp(stamp, UTC)
    if written is not None and time == written.astimezone(UTC):
        return written
    return time.astimezone(zone or UTC)


def _may_be_shared(job: Job) -> bool:
    """Return whether handles of a job may share what it holds, because nothing of it changes by being used."""
    if not is_stateless(type(job.trigger)):
        return False
    if not job.args and not job.kwargs:
        return True
    return all(_is_immutable(value) for value in (job.args, *job.kwargs.values()))


def _is_immutable(value: Any) -> bool:
    if type(value) in _ATOMS:
        return True
    return type(value) in (tuple, frozenset) and all(_is_immutable(item) for item in value)


def _explain(job_id: str, state: Mapping[str, Any], exc: Exception, protocol: int) -> str:
    """Return a message that names the innermost part of `state` which cannot be pickled."""
    path, value = "the job", state
    for key in ("args", "kwargs", "trigger"):
        if not _pickles(state[key], protocol):
            path, value = _innermost(key, state[key], protocol)
            break
    return (
        f"Job {job_id} cannot be stored: {path} is {value!r:.200}, which cannot be pickled ({exc})."
        " Pass a plain value (a name, an id, a path) and make the object inside the function,"
        " or keep the job in a memory store."
    )


def _innermost(path: str, value: Any, protocol: int, depth: int = 0) -> tuple[str, Any]:
    if depth < 20:
        for step, part in _parts(value):
            if not _pickles(part, protocol):
                return _innermost(path + step, part, protocol, depth + 1)
    return path, value


def _parts(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [(f"[{key!r}]", part) for key, part in value.items()]
    if isinstance(value, (list, tuple)):
        return [(f"[{index}]", part) for index, part in enumerate(value)]
    return [(f".{name}", part) for name, part in getattr(value, "__dict__", {}).items()]


def _pickles(value: Any, protocol: int) -> bool:
    try:
        pickle.dumps(value, protocol)
    except Exception:
        return False
    return True

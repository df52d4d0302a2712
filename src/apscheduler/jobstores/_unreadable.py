"""Stored jobs that cannot be rebuilt in this process, made fit to be looked at.

Such a job is listed with what can be told of it: often everything but its function. It cannot be run, and is never
written back, so what is stored stays as it is.
"""

from __future__ import annotations

import io
import pickle
from datetime import datetime
from typing import Any

from apscheduler._core.claims import DueRow, JobRow
from apscheduler._limits import RECORD, shared_limits
from apscheduler.errors import JobUnreadableError
from apscheduler.job import CannotRun, Job
from apscheduler.triggers.base import BaseTrigger


class UnknownTrigger(BaseTrigger):
    """Stands for a trigger that cannot be rebuilt here."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Raise what is wrong with the job."""
        raise JobUnreadableError(self.reason)

    def __str__(self) -> str:
        return "unknown"


class _Missing:
    """Stands for an object whose class cannot be imported here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass

    def __repr__(self) -> str:
        return "<missing here>"


class _LenientUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return super().find_class(module, name)
        except Exception:  # a missing module, attribute, or one that fails to import
            return _Missing


def stand_in(row: JobRow | DueRow, reason: str, time: datetime | None) -> Job:
    """Return a job to look at, in place of the one in `row` that cannot be rebuilt because of `reason`."""
    state = _state_of(row.definition)
    job = Job.__new__(Job)
    job._scheduler = job._jobstore_alias = None
    job.id = row.job_id
    job.func = CannotRun(reason)
    job.func_ref = _text(state.get("func"))
    job.name = _text(state.get("name")) or job.func_ref or row.job_id
    job.args = state["args"] if isinstance(state.get("args"), tuple) else ()
    job.kwargs = state["kwargs"] if isinstance(state.get("kwargs"), dict) else {}
    trigger = state.get("trigger")
    job.trigger = trigger if isinstance(trigger, BaseTrigger) else UnknownTrigger(reason)
    job.limits = shared_limits(
        _text(state.get("executor")) or "default",
        state.get("misfire_grace_time", 1),
        bool(state.get("coalesce", True)),
        state.get("max_instances", 1),
        _text(state.get("on_crash")) or RECORD,
    )
    job.next_run_time = time
    return job


def lenient_load(definition: Any) -> Any:
    """Return what can be read of a pickle, with stand-ins for what is missing here; None where it is damaged."""
    try:
        return _LenientUnpickler(io.BytesIO(definition)).load()
    except Exception:
        return None


def _state_of(definition: Any) -> dict[str, Any]:
    state = lenient_load(definition)
    if isinstance(state, dict) and isinstance(
        state.get("job_state"), dict
    ):  # a document, of ZooKeeper or etcd
        state = state["job_state"]
    return state if isinstance(state, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None

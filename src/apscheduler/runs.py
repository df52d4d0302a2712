"""Run: the record of one run time of a job, as `get_runs()` returns it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler import _results
from apscheduler._core.claims import StoredRun

__all__ = ("Run",)


@dataclass(frozen=True, slots=True)
class Run:
    """What became of one run time of a job. Times are aware datetimes in UTC.

    Attributes:
        id: a number, unique within its job store; grows with time.
        job_id: the id of the job, which may be gone by now.
        run_time: when the run was due.
        status: running, succeeded, failed, missed, skipped, interrupted or set_aside.
        reason: why a run was missed, skipped, interrupted or set aside.
        started_at: when the function was called; None where it was not (yet).
        finished_at: when the run ended; None while it is running.
        node: the id of the scheduler that claimed the run time.
        attempt: 1, and more where a run that was cut off was started again; 0 for a run time that was set aside.
        error: `Type: message` on one line, of a failed run.
        traceback: the text of the traceback, of a failed run.
        result: the return value, where it is small and made of plain values; else None.
    """

    id: int
    job_id: str
    run_time: datetime
    status: str
    reason: str | None
    started_at: datetime | None
    finished_at: datetime | None
    node: str | None
    attempt: int
    error: str | None
    traceback: str | None
    result: Any

    @property
    def lateness(self) -> timedelta | None:
        """How long after its run time the function was called; None where it was not."""
        return None if self.started_at is None else self.started_at - self.run_time

    @property
    def duration(self) -> timedelta | None:
        """How long the function ran; None where it has not ended or was not called."""
        if self.started_at is None or self.finished_at is None:
            return None
        return self.finished_at - self.started_at


def run_of(stored: StoredRun) -> Run:
    """Return the public value of a stored record."""
    return Run(
        stored.id,
        stored.job_id,
        datetime.fromtimestamp(stored.run_time, UTC),
        stored.status,
        stored.reason,
        _time(stored.started),
        _time(stored.finished),
        stored.node,
        abs(stored.attempt),  # negative in the record of an outcome that came late
        stored.error,
        stored.traceback,
        _results.load(stored.result),
    )


def _time(stamp: float | None) -> datetime | None:
    return None if stamp is None else datetime.fromtimestamp(stamp, UTC)

"""What a scheduler tells its listeners: event codes (bits of a mask) and event classes.

Codes and attributes are those of 3.x. A listener is called in the thread where the event happens: the caller's for
changes to jobs, the loop's for submissions, the executor's for outcomes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

__all__ = (
    "EVENT_ALL",
    "EVENT_ALL_JOBS_REMOVED",
    "EVENT_EXECUTOR_ADDED",
    "EVENT_EXECUTOR_REMOVED",
    "EVENT_JOBSTORE_ADDED",
    "EVENT_JOBSTORE_REMOVED",
    "EVENT_JOB_ADDED",
    "EVENT_JOB_ERROR",
    "EVENT_JOB_EXECUTED",
    "EVENT_JOB_INTERRUPTED",
    "EVENT_JOB_MAX_INSTANCES",
    "EVENT_JOB_MISSED",
    "EVENT_JOB_MODIFIED",
    "EVENT_JOB_REMOVED",
    "EVENT_JOB_SET_ASIDE",
    "EVENT_JOB_SUBMITTED",
    "EVENT_SCHEDULER_PAUSED",
    "EVENT_SCHEDULER_RESUMED",
    "EVENT_SCHEDULER_SHUTDOWN",
    "EVENT_SCHEDULER_START",
    "EVENT_SCHEDULER_STARTED",
    "JobEvent",
    "JobExecutionEvent",
    "JobInterruptedEvent",
    "JobSetAsideEvent",
    "JobSubmissionEvent",
    "SchedulerEvent",
)

EVENT_SCHEDULER_STARTED = EVENT_SCHEDULER_START = 1 << 0
EVENT_SCHEDULER_SHUTDOWN = 1 << 1
EVENT_SCHEDULER_PAUSED = 1 << 2
EVENT_SCHEDULER_RESUMED = 1 << 3
EVENT_EXECUTOR_ADDED = 1 << 4
EVENT_EXECUTOR_REMOVED = 1 << 5
EVENT_JOBSTORE_ADDED = 1 << 6
EVENT_JOBSTORE_REMOVED = 1 << 7
EVENT_ALL_JOBS_REMOVED = 1 << 8
EVENT_JOB_ADDED = 1 << 9
EVENT_JOB_REMOVED = 1 << 10
EVENT_JOB_MODIFIED = 1 << 11
EVENT_JOB_EXECUTED = 1 << 12
EVENT_JOB_ERROR = 1 << 13
EVENT_JOB_MISSED = 1 << 14
EVENT_JOB_SUBMITTED = 1 << 15
EVENT_JOB_MAX_INSTANCES = 1 << 16
# 3.x ends here, and its EVENT_ALL is the 17 bits above: a listener for "all" that was written for 3.x must not be
# handed an event class that it cannot know, so the codes below are asked for by name.
EVENT_ALL = (1 << 17) - 1
EVENT_JOB_INTERRUPTED = 1 << 17
EVENT_JOB_SET_ASIDE = 1 << 18


class SchedulerEvent:
    """Something happened to the scheduler itself.

    `code` is one of the `EVENT_*` numbers; `alias` names the executor or job store concerned, if one is.
    """

    def __init__(self, code: int, alias: str | None = None) -> None:
        self.code = code
        self.alias = alias

    def __repr__(self) -> str:
        return f"<{type(self).__name__} (code={self.code})>"


class JobEvent(SchedulerEvent):
    """Something happened to the job `job_id` of the job store `jobstore` (an alias)."""

    def __init__(self, code: int, job_id: str, jobstore: str | None) -> None:
        super().__init__(code)
        self.job_id = job_id
        self.jobstore = jobstore


class JobSubmissionEvent(JobEvent):
    """A job was handed to its executor, or could not be because of `max_instances`.

    `scheduled_run_times` lists the run times (aware datetimes, ascending) of this submission.
    """

    def __init__(
        self, code: int, job_id: str, jobstore: str | None, scheduled_run_times: list[datetime]
    ) -> None:
        super().__init__(code, job_id, jobstore)
        self.scheduled_run_times = scheduled_run_times


class JobExecutionEvent(JobEvent):
    """A run of a job succeeded, failed or was missed.

    `retval` is what the function returned; `exception` and `traceback` (a text) are set where it raised.
    """

    def __init__(
        self,
        code: int,
        job_id: str,
        jobstore: str | None,
        scheduled_run_time: datetime,
        retval: Any = None,
        exception: BaseException | None = None,
        traceback: str | None = None,
    ) -> None:
        super().__init__(code, job_id, jobstore)
        self.scheduled_run_time = scheduled_run_time
        self.retval = retval
        self.exception = exception
        self.traceback = traceback


class JobInterruptedEvent(JobEvent):
    """A run was cut off: its node died, or the scheduler stopped before the run ended.

    `node` is the id of the node that had started it.
    """

    def __init__(
        self, code: int, job_id: str, jobstore: str | None, scheduled_run_time: datetime, node: str
    ) -> None:
        super().__init__(code, job_id, jobstore)
        self.scheduled_run_time = scheduled_run_time
        self.node = node


class JobSetAsideEvent(JobEvent):
    """A stored job cannot be run by this process; it is kept, and tried again later.

    `reason` says what is wrong with it.
    """

    def __init__(self, code: int, job_id: str, jobstore: str | None, reason: str) -> None:
        super().__init__(code, job_id, jobstore)
        self.reason = reason

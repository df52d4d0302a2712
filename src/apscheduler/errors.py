"""Every error that this package raises on purpose.

    APSchedulerError
    ├── JobLookupError (KeyError)                no such job
    ├── ConflictingIdError (KeyError)            a job with this id exists already
    ├── TransientJobError (ValueError)           the job cannot be stored: it has no textual reference
    ├── JobSerializationError (TypeError)        the job cannot be stored: a part of it cannot be pickled
    ├── JobUnreadableError                       a stored job cannot be rebuilt in this process
    ├── JobProcessError                          the run failed with an error that could not be sent here
    ├── MaxInstancesReachedError                 the job runs already as often as it may
    ├── TriggerSearchError (ValueError)          a trigger was searched as far as the bound and did not fire
    ├── TriggerStuckError (RuntimeError)         a trigger answered with a time that is not later
    ├── StoreUnavailableError                    the server or file behind a store does not answer
    ├── SchedulerAlreadyRunningError             this call needs a stopped scheduler
    └── SchedulerNotRunningError                 this call needs a running scheduler

The bases in parentheses are those of 3.x (or the natural built-in), so that existing `except` clauses match. The
3.x import paths (`apscheduler.jobstores.base`, `.schedulers`, `.executors.base`) re-export these classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime


class APSchedulerError(Exception):
    """Base of every error that this package raises on purpose. Errors can be pickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        # By their text, because most are made with other arguments than those that they pass on to `Exception`.
        return _rebuilt, (type(self), self.args)


def _rebuilt(cls: type[APSchedulerError], args: tuple[Any, ...]) -> APSchedulerError:
    error = cls.__new__(cls, *args)
    error.args = args
    return error


class JobLookupError(APSchedulerError, KeyError):
    """No job with this id is in the store."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"No job by the id of {job_id} was found")
        # As a note, which tracebacks show, because programs for 3.x may compare the text.
        self.add_note("get_jobs() lists the jobs that are there; a job that has had its last run is removed.")

    __str__ = Exception.__str__  # because KeyError would show the message in quotes


class ConflictingIdError(APSchedulerError, KeyError):
    """A job with this id is in the store already."""

    def __init__(self, job_id: str) -> None:
        super().__init__(
            f"Job identifier ({job_id}) conflicts with an existing job"
            " (replace_existing=True replaces it, replace_existing='if_changed' only where the definition differs)"
        )

    __str__ = Exception.__str__


class TransientJobError(APSchedulerError, ValueError):
    """The job's function has no textual reference, so a persistent store could not find it again."""

    def __init__(self, job_id: str, reason: str = "") -> None:
        super().__init__(
            f"Job ({job_id}) cannot be added to this job store because a reference to the callable could not be"
            f" determined{': ' + reason if reason else ''}. Use a function that can be imported by name, or"
            " give a textual reference (package.module:name)."
        )


class JobSerializationError(APSchedulerError, TypeError):
    """A part of the job cannot be pickled; the message names it."""


class JobUnreadableError(APSchedulerError):
    """A stored job cannot be rebuilt in this process: it is kept, and set aside here."""


class JobProcessError(APSchedulerError):
    """A run in another process failed with an exception that could not be sent here; the message tells it."""


class MaxInstancesReachedError(APSchedulerError):
    """The job has reached its maximum number of concurrently running instances."""

    def __init__(self, job: Any) -> None:
        super().__init__(
            f'Job "{job}" has already reached its maximum number of instances ({job.max_instances})'
        )


class TriggerSearchError(APSchedulerError, ValueError):
    """A trigger was searched as far as the documented bound without finding a fire time."""


class TriggerStuckError(APSchedulerError, RuntimeError):
    """A trigger answered with a fire time that is not later than the one before."""

    def __init__(self, trigger: object, previous: datetime, then: datetime) -> None:
        super().__init__(
            f"The trigger {trigger} answered {then.isoformat()} as the fire time after {previous.isoformat()}:"
            " get_next_fire_time() must return a later time, or None"
        )


class StoreUnavailableError(APSchedulerError):
    """The server or file behind a job store does not answer."""


class SchedulerAlreadyRunningError(APSchedulerError):
    """The scheduler runs already."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)
        self.add_note("Call start() once; configure() needs shutdown() first.")

    def __str__(self) -> str:
        return "Scheduler is already running"


class SchedulerNotRunningError(APSchedulerError):
    """The scheduler does not run, or not in this process; the message says which."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or "Scheduler is not running")
        if not message:
            self.add_note("Call start() first; `running` tells whether it has been called.")

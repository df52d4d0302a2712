"""What an executor must do: run submissions and report what became of them.

An executor of this package overrides `submit()`: it is handed values (`Submission`) and a `report` function, and knows
nothing of the scheduler. An executor written for 3.x overrides `_do_submit_job()` and calls `_run_job_success()` or
`_run_job_error()` when the job has run; `_legacy` turns that into the same reports. So does a subclass of one of our
executors that hooks into those methods.
"""

from __future__ import annotations

import logging
from abc import ABCMeta
from collections.abc import Callable, Sequence
from datetime import datetime
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple

from apscheduler._clock import SYSTEM, Clock
from apscheduler.errors import MaxInstancesReachedError
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MISSED
from apscheduler.executors._legacy import (
    LegacyReports,
    overrides_legacy,
    run_coroutine_job,
    run_job,
    submit_for_legacy,
)

if TYPE_CHECKING:
    from apscheduler.job import Job

__all__ = (
    "EVENT_JOB_ERROR",
    "EVENT_JOB_EXECUTED",
    "EVENT_JOB_MISSED",
    "BaseExecutor",
    "MaxInstancesReachedError",
    "Outcome",
    "Report",
    "Submission",
    "run_coroutine_job",
    "run_job",
)


class Submission:
    """One claim that was won, on its way through an executor: one instance of a job.

    Its run times are run one after another, ascending. `stamps` are the same times as seconds since the epoch.
    `job` is the job as it was when the claim was decided; only its description is used for messages.
    """

    __slots__ = (
        "args",
        "attempt",
        "func",
        "job",
        "jobstore",
        "kwargs",
        "left",
        "misfire_grace_time",
        "revision",
        "run_times",
        "stamps",
    )

    def __init__(
        self,
        job: Job,
        jobstore: str,
        run_times: Sequence[datetime],
        stamps: Sequence[float],
        revision: int,
        attempt: int = 1,
    ) -> None:
        self.job = job
        self.jobstore = jobstore
        self.func: Callable[..., Any] = job.func
        self.args = job.args
        self.kwargs = job.kwargs
        self.misfire_grace_time: float | None = job.limits.misfire_grace_time
        self.run_times = run_times
        self.stamps = stamps
        self.revision = revision
        self.attempt = attempt
        self.left = len(stamps)
        """How many of the run times have no outcome yet; counted down by who takes the reports."""

    @property
    def job_id(self) -> str:
        """The id of the job."""
        return self.job.id

    def __repr__(self) -> str:
        return f"<Submission (job_id={self.job.id} run_times={len(self.stamps)})>"


class Outcome(NamedTuple):
    """What became of one run time of a submission.

    `index` is its place in `Submission.run_times`; `status` is succeeded, failed, missed, skipped or interrupted.
    `started` and `finished` are seconds since the epoch; `started` is None for a run that never started.
    `error` is one line, `traceback` a text; `exception` is absent where it could not travel between processes.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index(), which nobody needs here
    status: str
    started: float | None
    finished: float
    retval: Any = None
    exception: BaseException | None = None
    error: str | None = None
    traceback: str | None = None
    reason: str | None = None


Report = Callable[[Submission, Outcome], None]


class BaseExecutor(metaclass=ABCMeta):  # noqa: B024 - 3.x makes subclasses override one of two methods
    """Base of all executors.

    A subclass overrides `submit()`, or, as in 3.x, `_do_submit_job()`.
    """

    clock: Clock = SYSTEM
    holds_back: bool = False
    """Whether `submit()` may be called up to `clock.head_start` seconds before a run time: no run begins early then."""
    _scheduler: Any = None
    _alias: str = ""
    _lock: Any = None
    _logger: logging.Logger = logging.getLogger("apscheduler.executors")
    _legacy: LegacyReports | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Have a class that overrides methods of 3.x called by them, also where its base has a `submit()`.

        Whoever overrides `submit()` says anew whether it holds runs back.
        """
        super().__init_subclass__(**kwargs)
        if "submit" in cls.__dict__ and "holds_back" not in cls.__dict__:
            cls.holds_back = False
        if overrides_legacy(cls):
            cls.holds_back = False
            # Ours would go past what such a class overrides, for example to run jobs in an application's context.
            cls.submit = BaseExecutor.submit  # type: ignore[method-assign]

    def start(self, scheduler: Any, alias: str) -> None:
        """Get ready to run jobs; called when the scheduler starts, or when this is added to a running one."""
        self._scheduler = scheduler
        self._alias = alias
        create_lock = getattr(scheduler, "_create_lock", RLock)
        self._lock = create_lock()
        self._logger = logging.getLogger(f"apscheduler.executors.{alias}")
        self.clock = getattr(scheduler, "clock", SYSTEM)

    def shutdown(self, wait: bool = True) -> None:  # noqa: B027 - an executor with nothing to free need not say so
        """Stop running jobs.

        Args:
            wait: whether to wait until the submissions at hand have ended.
        """

    def forked(self) -> None:
        """Be unstarted, in the child of a fork, where no thread of the parent runs; nothing may be waited for."""
        self.__dict__.pop("_legacy", None)

    def submit(self, submissions: Sequence[Submission], report: Report) -> None:
        """Run `submissions`, in this order as far as there is room, and call `report` once for each run time.

        Returns at once. `report` may be called from any thread, and during this call. A submission that cannot be
        taken is reported as failed; this method raises only where none of them was taken.
        """
        # setdefault, because it is atomic and two threads may come here first.
        reports: LegacyReports = self.__dict__.setdefault("_legacy", LegacyReports(self.clock))
        reports.submit(self, submissions, report)

    # -- the extension point of 3.x -----------------------------------------------------------------------------

    def submit_job(self, job: Job, run_times: list[datetime]) -> None:
        """Run `job` for each of `run_times`; the entry point that executors written for 3.x inherit.

        Raises:
            MaxInstancesReachedError: the executor limits the job by itself.
        """
        self._do_submit_job(job, run_times)

    def _do_submit_job(self, job: Job, run_times: list[datetime]) -> None:
        """Run `job`; what `submit_job()` calls, and what a subclass of one of our executors may call on its base."""
        if not submit_for_legacy(self, job, run_times):
            raise NotImplementedError(f"{type(self).__name__} must override submit() or _do_submit_job()")

    def _run_job_success(self, job_id: str, events: list[Any]) -> None:
        """Take the events that `run_job()` returned for the oldest submission of `job_id`."""
        if self._legacy is not None:
            self._legacy.success(job_id, events)

    def _run_job_error(self, job_id: str, exc: BaseException, traceback: Any = None) -> None:
        """Take it that the oldest submission of `job_id` could not be run because of `exc`."""
        if self._legacy is not None:
            self._legacy.error(job_id, exc, traceback)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

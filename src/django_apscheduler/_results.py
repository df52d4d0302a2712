"""`DjangoResultStoreMixin`: executions in the database for a job store that keeps no records there itself."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.db import DatabaseError, router
from django.utils import timezone

from apscheduler._clock import SYSTEM
from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_INTERRUPTED,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_MISSED,
    EVENT_JOB_SUBMITTED,
    JobExecutionEvent,
    JobSubmissionEvent,
)
from apscheduler.jobstores._text import storable_text
from django_apscheduler._connection import Connection
from django_apscheduler._records import seconds
from django_apscheduler.models import DjangoJobExecution

logger = logging.getLogger("django_apscheduler")

_AT_SUBMISSION = {
    EVENT_JOB_SUBMITTED: DjangoJobExecution.SENT,
    EVENT_JOB_MAX_INSTANCES: DjangoJobExecution.MAX_INSTANCES,
}
_AT_THE_END = {
    EVENT_JOB_EXECUTED: DjangoJobExecution.SUCCESS,
    EVENT_JOB_ERROR: DjangoJobExecution.ERROR,
    EVENT_JOB_MISSED: DjangoJobExecution.MISSED,
    EVENT_JOB_INTERRUPTED: DjangoJobExecution.INTERRUPTED,
}


class DjangoResultStoreMixin:
    """Writes executions as the events of the scheduler tell of them; put it before a job store's class.

    A database that does not answer does not keep jobs from running; that is logged.
    """

    _listening: Any = None
    _care: Connection | None = None
    _alias: str | None
    _scheduler: Any

    def start(self, scheduler: Any, alias: str) -> None:
        """Start the store, and listen."""
        self._care = Connection(router.db_for_write(DjangoJobExecution))
        super().start(scheduler, alias)  # type: ignore[misc]
        self.register_event_listeners()

    def shutdown(self) -> None:
        """Listen no more, and shut the store down."""
        self.unregister_event_listeners()
        super().shutdown()  # type: ignore[misc]
        if self._care is not None:
            self._care.close_kept()

    def register_event_listeners(self) -> None:
        """Listen to the scheduler's events."""
        if self._listening is None:
            self._listening = self._hear
            mask = sum({**_AT_SUBMISSION, **_AT_THE_END})
            self._scheduler.add_listener(self._listening, mask)

    def unregister_event_listeners(self) -> None:
        """Listen no more."""
        listening, self._listening = self._listening, None
        if listening is not None:
            self._scheduler.remove_listener(listening)

    def _hear(self, event: Any) -> None:
        if event.jobstore == self._alias:
            try:
                if event.code in _AT_SUBMISSION:
                    self.handle_submission_event(event)
                elif event.code == EVENT_JOB_EXECUTED:
                    self.handle_execution_event(event)
                else:
                    self.handle_error_event(event)
            except DatabaseError:
                logger.exception("Could not record an execution of job %s", event.job_id)
        if self._care is not None and event.code in (EVENT_JOB_EXECUTED, EVENT_JOB_ERROR):
            self._care.look_after_run()

    @classmethod
    def handle_submission_event(cls, event: JobSubmissionEvent) -> None:
        """Record that runs were started, or skipped because others of their job have not ended."""
        for run_time in event.scheduled_run_times:
            reason = "max_instances" if event.code == EVENT_JOB_MAX_INSTANCES else None
            write_execution(event.job_id, run_time, _AT_SUBMISSION[event.code], reason=reason)

    @classmethod
    def handle_execution_event(cls, event: JobExecutionEvent) -> int | None:
        """Record that a run has ended; return the id of the execution."""
        return write_execution(event.job_id, event.scheduled_run_time, DjangoJobExecution.SUCCESS)

    @classmethod
    def handle_error_event(cls, event: JobExecutionEvent) -> int | None:
        """Record that a run has failed, or was missed or interrupted; return the id of the execution."""
        exc = getattr(event, "exception", None)
        text = None if exc is None else f"{type(exc).__name__}: {exc}"
        return write_execution(
            event.job_id,
            event.scheduled_run_time,
            _AT_THE_END[event.code],
            exception=text,
            traceback=getattr(event, "traceback", None),
        )


def write_execution(job_id: str, run_time: datetime, status: str, **texts: str | None) -> int | None:
    """Insert an execution, or write what became of it over the row of the same run time; return its id."""
    alias = router.db_for_write(DjangoJobExecution)
    now = SYSTEM.time()
    aware = timezone.make_aware(run_time) if timezone.is_naive(run_time) else run_time
    ended = status != DjangoJobExecution.SENT
    values: dict[str, Any] = {
        "status": status,
        "finished_stamp": now if ended else None,
        "finished": seconds(now) if ended else None,
        **{name: storable_text(text) for name, text in texts.items()},
    }

    def work() -> int | None:
        from apscheduler._core.claims import RunKey
        from django_apscheduler._records import date_of, key_columns

        rows = DjangoJobExecution.objects.using(alias)
        key = key_columns(RunKey(job_id, 0, aware.timestamp()))
        if not ended:
            values["started_stamp"] = now
        row, is_new = rows.get_or_create(**key, defaults={**values, "run_time": date_of(aware.timestamp())})
        if is_new or not ended:
            return int(row.pk)
        if row.started_stamp is not None and status in (
            DjangoJobExecution.SUCCESS,
            DjangoJobExecution.ERROR,
        ):
            values["duration"] = seconds(now - row.started_stamp)
        rows.filter(pk=row.pk).update(**values)
        return int(row.pk)

    return Connection(alias).write(work)

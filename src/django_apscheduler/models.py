"""The tables: jobs, the records of their runs, the schedulers that use them.

Jobs and executions are those of `django-apscheduler` 0.7.0 with columns added. What the scheduler itself goes by are
the columns in seconds since the epoch (`next_run_stamp`, `run_stamp`, `started_stamp`, `finished_stamp`), because a
`DateTimeField` is ambiguous twice a year where `USE_TZ` is off; the date columns beside them say the same to people
and to the queries of existing projects.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.db import models
from django.utils import formats, timezone
from django.utils.translation import gettext_lazy as _

from django_apscheduler.util import get_django_internal_datetime, get_local_dt_format

__all__ = ("DjangoJob", "DjangoJobExecution", "DjangoJobExecutionManager", "DjangoJobNode", "DjangoJobNumber")


class DjangoJob(models.Model):
    """One stored job. Changed through the scheduler or the admin; writing to a row by hand is not noticed."""

    id = models.CharField(_("id"), max_length=255, primary_key=True)
    next_run_time = models.DateTimeField(
        _("next run"), db_index=True, blank=True, null=True, help_text=_("Empty while the job is paused.")
    )
    job_state = models.BinaryField(editable=False)
    next_run_stamp = models.FloatField(db_index=True, null=True, editable=False)
    # Where it equals `next_run_stamp`, somebody has asked for that run, so it is not too late however late it starts.
    asked_stamp = models.FloatField(null=True, editable=False)
    revision = models.BigIntegerField(default=0, editable=False)

    class Meta:
        ordering = ("next_run_time",)
        verbose_name = _("job")
        verbose_name_plural = _("jobs")

    def __str__(self) -> str:
        """Return the id and when the job runs next, in the current time zone."""
        if self.next_run_time is None:
            return _("%(job)s (paused)") % {"job": self.id}
        return _("%(job)s (next run at: %(time)s)") % {
            "job": self.id,
            "time": formats.date_format(
                _as_local(self.next_run_time), get_local_dt_format(self.next_run_time)
            ),
        }


class DjangoJobExecutionManager(models.Manager["DjangoJobExecution"]):
    """Executions, and how to remove old ones."""

    def delete_old_job_executions(self, max_age: int) -> None:
        """Remove the finished executions whose run time is more than `max_age` seconds ago."""
        before = timezone.now() - timedelta(seconds=max_age)
        self.filter(run_stamp__lte=before.timestamp(), finished_stamp__isnull=False).delete()


class DjangoJobExecution(models.Model):
    """What became of one run time of a job. It stays when its job is removed."""

    SENT = "Started execution"
    SUCCESS = "Executed"
    MISSED = "Missed!"
    MAX_INSTANCES = "Max instances!"
    ERROR = "Error!"
    SKIPPED = "Skipped"
    INTERRUPTED = "Interrupted"
    SET_ASIDE = "Set aside"
    STATUS_CHOICES: ClassVar[list[tuple[str, Any]]] = [
        (SENT, _("Started execution")),
        (SUCCESS, _("Executed")),
        (MISSED, _("Missed!")),
        (MAX_INSTANCES, _("Max instances!")),
        (ERROR, _("Error!")),
        (SKIPPED, _("Skipped")),
        (INTERRUPTED, _("Interrupted")),
        (SET_ASIDE, _("Set aside")),
    ]

    id = models.BigAutoField(_("id"), primary_key=True)
    # Without a constraint, because the record of a run outlives its job: one that runs once is removed as it starts.
    job = models.ForeignKey(
        DjangoJob, verbose_name=_("job"), on_delete=models.DO_NOTHING, db_constraint=False
    )
    status = models.CharField(_("status"), max_length=50, choices=STATUS_CHOICES)
    run_time = models.DateTimeField(_("run time"), db_index=True, help_text=_("When the run was due."))
    duration = models.DecimalField(
        _("duration"), max_digits=15, decimal_places=2, default=None, null=True, help_text=_("In seconds.")
    )
    finished = models.DecimalField(
        _("finished"),
        max_digits=15,
        decimal_places=2,
        default=None,
        null=True,
        help_text=_("In seconds since 1970."),
    )
    exception = models.TextField(_("exception"), null=True)
    traceback = models.TextField(_("traceback"), null=True)
    reason = models.TextField(_("reason"), null=True, help_text=_("Why it did not run, or not to its end."))
    node = models.CharField(_("scheduler"), max_length=64, null=True)
    revision = models.BigIntegerField(default=0, editable=False)
    attempt = models.IntegerField(_("attempt"), default=1)
    run_stamp = models.FloatField(db_index=True, editable=False)
    started_stamp = models.FloatField(null=True, editable=False)
    finished_stamp = models.FloatField(null=True, editable=False)
    result = models.BinaryField(null=True, editable=False)
    rerun_state = models.BinaryField(null=True, editable=False)

    objects = DjangoJobExecutionManager()

    class Meta:
        ordering = ("-run_time",)
        verbose_name = _("execution")
        verbose_name_plural = _("executions")
        constraints: ClassVar[list[Any]] = [
            # The run time comes before the revision, so that this index also lists the newest runs of a job.
            models.UniqueConstraint(
                fields=("job", "run_stamp", "revision", "attempt"), name="unique_run_of_a_job"
            )
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["finished_stamp", "job", "revision"], name="live_runs_of_a_job"),
            models.Index(fields=["status", "run_stamp"], name="runs_by_status"),
        ]

    def __str__(self) -> str:
        """Return the id, the job and the status."""
        return f"{self.pk}: {self.job_id} ({self.get_status_display()})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; a row that is made by hand, with a run time only, gets the stamps that go with it."""
        if self.run_stamp is None and self.run_time is not None:
            self.run_stamp = timezone.localtime(_as_aware(self.run_time)).timestamp()
            if self.status != self.SENT and self.finished_stamp is None:
                self.finished_stamp = self.run_stamp if self.finished is None else float(self.finished)
        super().save(*args, **kwargs)


class DjangoJobNode(models.Model):
    """A scheduler that uses these tables, in one process. `counter` grows with every heartbeat."""

    id = models.CharField(max_length=64, primary_key=True)
    host = models.CharField(max_length=255)
    pid = models.BigIntegerField()
    started = models.FloatField()
    counter = models.BigIntegerField()

    class Meta:
        verbose_name = _("scheduler")
        verbose_name_plural = _("schedulers")

    def __str__(self) -> str:
        """Return the host and the process id."""
        return f"{self.host.partition('/')[0]} ({self.pid})"


class DjangoJobNumber(models.Model):
    """A number that the tables share, such as the highest revision that went with a removed job."""

    name = models.CharField(max_length=64, primary_key=True)
    value = models.BigIntegerField()

    def __str__(self) -> str:
        """Return name and value."""
        return f"{self.name}: {self.value}"


def _as_aware(time: Any) -> Any:
    return timezone.make_aware(time) if timezone.is_naive(time) else time


def _as_local(time: Any) -> Any:
    return get_django_internal_datetime(timezone.localtime(_as_aware(time)))

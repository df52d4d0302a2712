"""What the admin says about a job: words, colours, times."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext

from apscheduler._core.claims import JobRow
from apscheduler.errors import JobUnreadableError
from apscheduler.job import Job
from apscheduler.jobstores._codec import JobCodec
from django_apscheduler.models import DjangoJob, DjangoJobExecution
from django_apscheduler.util import get_local_dt_format

COLOURS = {
    DjangoJobExecution.SUCCESS: "green",
    DjangoJobExecution.SENT: "blue",
    DjangoJobExecution.MAX_INSTANCES: "orange",
    DjangoJobExecution.SKIPPED: "orange",
    DjangoJobExecution.MISSED: "orange",
    DjangoJobExecution.INTERRUPTED: "red",
    DjangoJobExecution.SET_ASIDE: "red",
    DjangoJobExecution.ERROR: "red",
}
UPCOMING = 5
_codec = JobCodec()


def badge(text: Any, colour: str, title: str = "") -> str:
    """Return a text in a coloured frame; the colours are in the style sheet."""
    return format_html('<span class="aps-badge aps-{}" title="{}">{}</span>', colour, title, text)


def status_badge(status: str, title: str = "") -> str:
    """Return the badge of an execution's status."""
    label = dict(DjangoJobExecution.STATUS_CHOICES).get(status, status)
    return badge(label, COLOURS.get(status, "grey"), title)


def time_text(time: datetime | None) -> str:
    """Return a time in the current zone of the project, with its seconds."""
    if time is None:
        return "-"
    local = timezone.localtime(time) if timezone.is_aware(time) else time
    return formats.date_format(local, get_local_dt_format(local))


def duration_text(seconds: float | None) -> str:
    """Return a duration in the unit that suits it."""
    if seconds is None:
        return "-"
    if seconds < 0.0995:
        digits = 1 if seconds >= 0.001 else 3
        return gettext("%(number)s ms") % {"number": formats.number_format(seconds * 1000, digits)}
    if seconds < 60:
        return gettext("%(number)s s") % {"number": formats.number_format(seconds, 2)}
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def loaded(job: DjangoJob) -> Job | str:
    """Return the job of a row, or why it cannot be read in this process."""
    row = JobRow(job.pk, job.next_run_stamp, job.revision, bytes(job.job_state))
    try:
        return _codec.load(row, None, None)
    except JobUnreadableError as exc:
        return str(exc)


def trigger_text(job: Job | str) -> str:
    """Return in plain English when a job runs; on a narrow page the fields would say less."""
    if isinstance(job, str):
        return badge(gettext("cannot be read here"), "red", job)
    from apscheduler.cli._english import describe  # here, because only pages need it

    phrase = describe(job.trigger, timezone.get_current_timezone())
    return format_html('<span title="{}">{}</span>', str(job.trigger), phrase)


def state_badge(paused: bool, running: int, overdue: bool) -> str:
    """Return what a job does just now."""
    if running:
        text = ngettext("%(n)d running", "%(n)d running", running) % {"n": running}
        return badge(text, "blue")
    if paused:
        return badge(gettext("paused"), "grey")
    if overdue:
        return badge(gettext("due"), "orange", gettext("No scheduler has claimed this run time yet."))
    return badge(gettext("scheduled"), "green")


def call_text(job: Job | str) -> str:
    """Return the call that a job makes, as it would be written."""
    if isinstance(job, str):
        return job
    arguments = [
        *(f"{value!r:.200}" for value in job.args),
        *(f"{name}={value!r:.200}" for name, value in job.kwargs.items()),
    ]
    return f"{job.func_ref or job.name}({', '.join(arguments)})"


def limits_text(job: Job | str) -> str:
    """Return the options of a job that limit its runs."""
    if isinstance(job, str):
        return "-"
    names = ("misfire_grace_time", "coalesce", "max_instances", "executor")
    return ", ".join(f"{name}={getattr(job, name)}" for name in names)


def upcoming_text(job: Job | str) -> str:
    """Return the next run times of a job, one in a line."""
    if isinstance(job, str) or job.next_run_time is None:
        return "-"
    times: list[datetime] = []
    time: datetime | None = job.next_run_time
    while time is not None and len(times) < UPCOMING:
        times.append(time)
        time = job.trigger.get_next_fire_time(time, time)
    return format_html(
        "{}" + "<br>{}" * (len(times) - 1), *(time_text(timezone.localtime(time)) for time in times)
    )

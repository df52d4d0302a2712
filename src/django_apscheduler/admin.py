"""The admin pages: jobs, which are steered there, and executions, which are looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.db.models import Avg, Count, F, IntegerField, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apscheduler._clock import SYSTEM
from django_apscheduler import _job_pages as pages
from django_apscheduler import _steering as steering
from django_apscheduler._steering import Done
from django_apscheduler.jobstores import DjangoJobStore
from django_apscheduler.models import DjangoJob, DjangoJobExecution

__all__ = ("DjangoJobAdmin", "DjangoJobExecutionAdmin")

Steer = Callable[[DjangoJobStore, str], Done]


if TYPE_CHECKING:
    _JobAdmin = admin.ModelAdmin[DjangoJob]
    _ExecutionAdmin = admin.ModelAdmin[DjangoJobExecution]
else:
    _JobAdmin = _ExecutionAdmin = admin.ModelAdmin


class _Styled:
    class Media:
        css: ClassVar[dict[str, tuple[str, ...]]] = {"all": ("django_apscheduler/admin.css",)}


@admin.register(DjangoJob)
class DjangoJobAdmin(_Styled, _JobAdmin):
    """Jobs: when they run next and what became of them; run now, pause, resume, remove."""

    list_display = ("id", "local_run_time", "trigger", "state", "average_duration", "last_result")
    list_per_page = 50
    search_fields = ("id",)
    actions = ("run_selected_jobs", "pause_selected_jobs", "resume_selected_jobs")
    fields = (
        "id",
        "call",
        "trigger",
        "state",
        "local_run_time",
        "upcoming",
        "limits",
        "average_duration",
        "last_result",
    )
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: jobs are added by code."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[DjangoJob]:
        """Return the jobs with what the pages tell of their executions."""
        rows = super().get_queryset(request)
        runs = DjangoJobExecution.objects.using(rows.db).filter(job_id=OuterRef("pk")).order_by()
        succeeded = runs.filter(status=DjangoJobExecution.SUCCESS, started_stamp__isnull=False)
        took = (
            succeeded.values("job_id").annotate(a=Avg(F("finished_stamp") - F("started_stamp"))).values("a")
        )
        running = (
            runs.filter(finished_stamp__isnull=True).values("job_id").annotate(n=Count("pk")).values("n")
        )
        last = runs.filter(finished_stamp__isnull=False).order_by("-run_stamp", "-pk")
        return rows.annotate(
            took=Subquery(took),
            running=Subquery(running, output_field=IntegerField()),
            last_status=Subquery(last.values("status")[:1]),
            last_id=Subquery(last.values("pk")[:1]),
        )

    # -- columns --------------------------------------------------------------------------------------------------

    @admin.display(description=_("next run"), ordering="next_run_stamp")
    def local_run_time(self, obj: DjangoJob) -> str:
        """Return when the job runs next, in the project's zone."""
        return "-" if obj.next_run_time is None else pages.time_text(obj.next_run_time)

    @admin.display(description=_("trigger"))
    def trigger(self, obj: DjangoJob) -> str:
        """Return when the job runs, in words."""
        return pages.trigger_text(pages.loaded(obj))

    @admin.display(description=_("state"))
    def state(self, obj: Any) -> str:
        """Return what the job does just now."""
        stamp = obj.next_run_stamp
        return pages.state_badge(
            stamp is None, obj.running or 0, stamp is not None and stamp < SYSTEM.time() - 2
        )

    @admin.display(description=_("average duration"), ordering="took")
    def average_duration(self, obj: Any) -> str:
        """Return how long runs that succeeded took on average."""
        return pages.duration_text(obj.took)

    @admin.display(description=_("last result"))
    def last_result(self, obj: Any) -> str:
        """Return how the last run ended, and lead to all of them."""
        page = reverse(f"{self.admin_site.name}:django_apscheduler_djangojobexecution_changelist")
        if obj.last_status is None:
            return "-"
        query = urlencode({"job": obj.pk})
        return format_html('<a href="{}?{}">{}</a>', page, query, pages.status_badge(obj.last_status))

    @admin.display(description=_("call"))
    def call(self, obj: DjangoJob) -> str:
        """Return the function and its arguments."""
        return format_html("<code>{}</code>", pages.call_text(pages.loaded(obj)))

    @admin.display(description=_("options"))
    def limits(self, obj: DjangoJob) -> str:
        """Return the limits of the job's runs."""
        return pages.limits_text(pages.loaded(obj))

    @admin.display(description=_("run times to come"))
    def upcoming(self, obj: DjangoJob) -> str:
        """Return the next run times."""
        return pages.upcoming_text(pages.loaded(obj))

    # -- pages ----------------------------------------------------------------------------------------------------

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the jobs, and how many schedulers run them."""
        number = steering.living_schedulers(self._store())
        context = {"schedulers": number, "title": _("Scheduled jobs"), **(extra_context or {})}
        return super().changelist_view(request, context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show one job, with buttons that steer it."""
        steer = self._buttons().get(request.POST.get("_steer", ""))
        if request.method == "POST":
            job = self.get_object(request, object_id)
            if steer is not None and job is not None and self.has_change_permission(request, job):
                self._steer_all(request, self.get_queryset(request).filter(pk=job.pk), *steer)
            return HttpResponseRedirect(request.get_full_path())
        context = {"title": _("Scheduled job"), "subtitle": None, **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def get_actions(self, request: HttpRequest) -> Any:
        """Return the actions; what Django calls to delete is here to remove."""
        actions = super().get_actions(request)
        if "delete_selected" in actions:
            text = _("Remove selected %(verbose_name_plural)s")
            remove: Any = (delete_selected, "delete_selected", text)
            actions["delete_selected"] = remove
        return actions

    def delete_model(self, request: HttpRequest, obj: DjangoJob) -> None:
        """Remove a job. Runs in flight end by themselves; the executions stay."""
        self._store().delete_jobs([obj.pk])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[DjangoJob]) -> None:
        """Remove jobs in the same way."""
        self._store().delete_jobs(list(queryset.values_list("pk", flat=True)))

    # -- steering -------------------------------------------------------------------------------------------------

    @admin.action(description=_("Run selected jobs now"), permissions=["change"])
    def run_selected_jobs(self, request: HttpRequest, queryset: QuerySet[DjangoJob]) -> None:
        """Run jobs as soon as a scheduler notices; no scheduler is started here."""
        self._steer_all(request, queryset, steering.run_now, _("To be run now: %(jobs)s"))

    @admin.action(description=_("Pause selected jobs"), permissions=["change"])
    def pause_selected_jobs(self, request: HttpRequest, queryset: QuerySet[DjangoJob]) -> None:
        """Run jobs no more until they are resumed."""
        self._steer_all(request, queryset, steering.pause, _("Paused: %(jobs)s"))

    @admin.action(description=_("Resume selected jobs"), permissions=["change"])
    def resume_selected_jobs(self, request: HttpRequest, queryset: QuerySet[DjangoJob]) -> None:
        """Run paused jobs again."""
        self._steer_all(request, queryset, steering.resume, _("Resumed: %(jobs)s"))

    def _buttons(self) -> dict[str, tuple[Steer, Any]]:
        return {
            "run": (steering.run_now, _("To be run now: %(jobs)s")),
            "pause": (steering.pause, _("Paused: %(jobs)s")),
            "resume": (steering.resume, _("Resumed: %(jobs)s")),
        }

    def _steer_all(
        self, request: HttpRequest, queryset: QuerySet[DjangoJob], steer: Steer, text: Any
    ) -> None:
        store = self._store()
        by_result: dict[Done, list[str]] = {}
        for job_id in queryset.values_list("pk", flat=True):
            by_result.setdefault(steer(store, job_id), []).append(job_id)
        for result, job_ids in by_result.items():
            names = {"jobs": ", ".join(job_ids)}
            if result is Done.DONE:
                self.message_user(request, text % names, messages.SUCCESS)
            else:
                self.message_user(request, _REFUSALS[result] % names, messages.WARNING)
        if Done.DONE in by_result and steer is not steering.pause and not steering.living_schedulers(store):
            self.message_user(
                request,
                gettext("No scheduler is running: the first one to start will run what is due."),
                messages.WARNING,
            )

    def _store(self) -> DjangoJobStore:
        return DjangoJobStore(using=DjangoJob.objects.all().db)


_REFUSALS: dict[Done, Any] = {
    Done.GONE: _("Gone meanwhile: %(jobs)s"),
    Done.PAUSED: _("Nothing was done, because they are paused: %(jobs)s"),
    Done.NOT_PAUSED: _("Nothing was done, because they are not paused: %(jobs)s"),
    Done.NO_TIME_LEFT: _("Still paused, because their triggers have no run time left: %(jobs)s"),
    Done.UNREADABLE: _("Nothing was done, because they cannot be read in this process: %(jobs)s"),
}


class JobFilter(admin.SimpleListFilter):
    """Executions of one job, which need not exist any more."""

    title = _("job")
    parameter_name = "job"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the ids of jobs that have executions."""
        ids = model_admin.get_queryset(request).order_by("job_id").values_list("job_id", flat=True)
        return [(job_id, job_id) for job_id in ids.distinct()[:100]]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[DjangoJobExecution]
    ) -> QuerySet[DjangoJobExecution]:
        """Return the executions of the job that was chosen."""
        return queryset if self.value() is None else queryset.filter(job_id=self.value())


@admin.register(DjangoJobExecution)
class DjangoJobExecutionAdmin(_Styled, _ExecutionAdmin):
    """Executions, to look at."""

    status_color_mapping = pages.COLOURS
    list_display = ("html_status", "job_name", "local_run_time", "lateness", "duration_text", "summary")
    list_display_links = ("html_status",)
    list_filter = ("status", JobFilter, "run_time")
    list_per_page = 50
    search_fields = ("job__id", "exception", "traceback", "reason")
    show_full_result_count = False
    ordering = ("-run_stamp", "-id")
    fields = (
        "job_name",
        "html_status",
        "local_run_time",
        "lateness",
        "duration_text",
        "reason",
        "exception",
        "traceback_text",
        "result_text",
        "attempt",
        "node",
    )
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: executions happen."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: what has happened is not changed."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: old ones are removed by the scheduler's option `run_log`."""
        return False

    @admin.display(description=_("job"), ordering="job_id")
    def job_name(self, obj: DjangoJobExecution) -> str:
        """Return the id of the job, which may be gone."""
        return obj.job_id

    @admin.display(description=_("status"), ordering="status")
    def html_status(self, obj: DjangoJobExecution) -> str:
        """Return the status in its colour."""
        return pages.status_badge(obj.status, obj.reason or "")

    @admin.display(description=_("run time"), ordering="run_stamp")
    def local_run_time(self, obj: DjangoJobExecution) -> str:
        """Return when the run was due, in the project's zone."""
        return pages.time_text(obj.run_time)

    @admin.display(description=_("duration"))
    def duration_text(self, obj: DjangoJobExecution) -> str:
        """Return how long the run took."""
        if obj.started_stamp is not None and obj.finished_stamp is not None:
            return pages.duration_text(obj.finished_stamp - obj.started_stamp)
        return pages.duration_text(None if obj.duration is None else float(obj.duration))

    @admin.display(description=_("lateness"))
    def lateness(self, obj: DjangoJobExecution) -> str:
        """Return how long after its run time the run started."""
        return pages.duration_text(None if obj.started_stamp is None else obj.started_stamp - obj.run_stamp)

    @admin.display(description=_("details"))
    def summary(self, obj: DjangoJobExecution) -> str:
        """Return the error or the reason, in a line."""
        if obj.status == DjangoJobExecution.MAX_INSTANCES:
            return gettext("as many runs of the job as are allowed had not ended")
        lines = (obj.exception or obj.reason or "").splitlines() or [""]
        return lines[0][:120] or "-"

    @admin.display(description=_("traceback"))
    def traceback_text(self, obj: DjangoJobExecution) -> str:
        """Return the traceback as it is printed."""
        return format_html('<pre class="aps-traceback">{}</pre>', obj.traceback) if obj.traceback else "-"

    @admin.display(description=_("result"))
    def result_text(self, obj: DjangoJobExecution) -> str:
        """Return what the function returned, where that was kept."""
        from apscheduler import _results

        result = _results.load(None if obj.result is None else bytes(obj.result))
        return "-" if result is None else format_html("<code>{}</code>", repr(result))

"""The new columns of rows that django-apscheduler 0.7.0 has written."""

from django.db import migrations
from django.utils import timezone

AT_ONCE = 1000


def stamp_of(time):
    """Return a time in seconds since the epoch; a naive one is in the project's zone."""
    return (timezone.make_aware(time) if timezone.is_naive(time) else time).timestamp()


def fill_in(apps, schema_editor):
    """Compute the stamps from the dates; a run that is under way nobody will finish any more."""
    alias = schema_editor.connection.alias
    jobs = apps.get_model("django_apscheduler", "DjangoJob").objects.using(alias)
    for job in jobs.filter(next_run_time__isnull=False):
        jobs.filter(pk=job.pk).update(next_run_stamp=stamp_of(job.next_run_time))
    runs = apps.get_model("django_apscheduler", "DjangoJobExecution").objects.using(alias).order_by("pk")
    last = 0
    while some := list(runs.filter(pk__gt=last).defer("traceback")[:AT_ONCE]):
        for run in some:
            fill_in_run(run)
        runs.bulk_update(some, ["run_stamp", "started_stamp", "finished_stamp", "status", "reason"])
        last = some[-1].pk
    numbers = apps.get_model("django_apscheduler", "DjangoJobNumber").objects.using(alias)
    numbers.get_or_create(name="revision_floor", defaults={"value": 0})


def fill_in_run(run):
    """Set the new columns of one execution."""
    run.run_stamp = stamp_of(run.run_time)
    run.finished_stamp = run.run_stamp if run.finished is None else float(run.finished)
    if run.status == "Started execution":
        run.status, run.reason = "Interrupted", "it had not ended when the database was upgraded"
    elif run.duration is not None and run.status in ("Executed", "Error!"):
        run.started_stamp = run.finished_stamp - float(run.duration)
    elif run.status == "Max instances!":
        run.reason = "max_instances"


def compare_exactly(apps, schema_editor):
    """On MySQL, have ids told apart by case, and texts hold any character, as everywhere else."""
    if schema_editor.connection.vendor == "mysql":
        for name in ("DjangoJob", "DjangoJobExecution", "DjangoJobNode", "DjangoJobNumber"):
            table = schema_editor.quote_name(apps.get_model("django_apscheduler", name)._meta.db_table)  # noqa: SLF001
            schema_editor.execute(f"ALTER TABLE {table} CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")


class Migration(migrations.Migration):
    """Fill in."""

    dependencies = [("django_apscheduler", "0010_runs_and_schedulers")]
    operations = [
        migrations.RunPython(fill_in, migrations.RunPython.noop),
        migrations.RunPython(compare_exactly, migrations.RunPython.noop, atomic=False),
    ]

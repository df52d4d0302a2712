"""One execution for each run time of a job."""

from django.db import migrations, models


def keep_the_newest(apps, schema_editor):
    """Remove what would violate the constraint: all but the newest row of a job and a run time."""
    rows = apps.get_model("django_apscheduler", "DjangoJobExecution").objects.using(
        schema_editor.connection.alias
    )
    doubled = (
        rows.order_by().values("job_id", "run_time").annotate(newest=models.Max("id"), n=models.Count("id"))
    )
    for group in list(doubled.filter(n__gt=1)):
        rows.filter(job_id=group["job_id"], run_time=group["run_time"]).exclude(id=group["newest"]).delete()


class Migration(migrations.Migration):
    """Add the constraint."""

    dependencies = [("django_apscheduler", "0008_remove_djangojobexecution_started")]
    operations = [
        migrations.RunPython(keep_the_newest, migrations.RunPython.noop),
        migrations.AddConstraint(
            "DjangoJobExecution",
            models.UniqueConstraint(fields=("job_id", "run_time"), name="unique_job_executions"),
        ),
    ]

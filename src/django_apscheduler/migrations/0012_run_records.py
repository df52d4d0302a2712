"""Run records as they are kept from here on: one for each claim of a run time."""

from django.db import migrations, models

STATUSES = [
    "Started execution",
    "Executed",
    "Missed!",
    "Max instances!",
    "Error!",
    "Skipped",
    "Interrupted",
    "Set aside",
]


def decimal(verbose_name, help_text):
    """Return the field of a number of seconds."""
    return models.DecimalField(
        decimal_places=2,
        default=None,
        help_text=help_text,
        max_digits=15,
        null=True,
        verbose_name=verbose_name,
    )


class Migration(migrations.Migration):
    """Change the columns of executions, and add the constraint and the indexes."""

    dependencies = [("django_apscheduler", "0011_fill_in_stamps")]
    operations = [
        migrations.AlterField(
            "DjangoJobExecution", "run_stamp", models.FloatField(db_index=True, editable=False)
        ),
        migrations.AlterField("DjangoJobExecution", "duration", decimal("duration", "In seconds.")),
        migrations.AlterField(
            "DjangoJobExecution", "finished", decimal("finished", "In seconds since 1970.")
        ),
        migrations.AlterField(
            "DjangoJobExecution", "exception", models.TextField(null=True, verbose_name="exception")
        ),
        migrations.AlterField(
            "DjangoJobExecution", "traceback", models.TextField(null=True, verbose_name="traceback")
        ),
        migrations.AlterField(
            "DjangoJobExecution",
            "id",
            models.BigAutoField(primary_key=True, serialize=False, verbose_name="id"),
        ),
        migrations.AlterField(
            "DjangoJobExecution",
            "run_time",
            models.DateTimeField(db_index=True, help_text="When the run was due.", verbose_name="run time"),
        ),
        migrations.AlterField(
            "DjangoJobExecution",
            "status",
            models.CharField(
                choices=[(text, text) for text in STATUSES], max_length=50, verbose_name="status"
            ),
        ),
        migrations.AddIndex(
            "DjangoJobExecution",
            models.Index(fields=["finished_stamp", "job", "revision"], name="live_runs_of_a_job"),
        ),
        migrations.AddIndex(
            "DjangoJobExecution", models.Index(fields=["status", "run_stamp"], name="runs_by_status")
        ),
        migrations.AddConstraint(
            "DjangoJobExecution",
            models.UniqueConstraint(
                fields=("job", "run_stamp", "revision", "attempt"), name="unique_run_of_a_job"
            ),
        ),
    ]

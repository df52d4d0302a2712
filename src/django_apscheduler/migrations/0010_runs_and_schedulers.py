"""What claims need: revisions of jobs, the details of runs, the schedulers. New columns are empty until 0011."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Add columns and tables; executions no longer end with their job."""

    dependencies = [("django_apscheduler", "0009_djangojobexecution_unique_job_executions")]
    operations = [
        migrations.CreateModel(
            name="DjangoJobNode",
            fields=[
                ("id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("host", models.CharField(max_length=255)),
                ("pid", models.BigIntegerField()),
                ("started", models.FloatField()),
                ("counter", models.BigIntegerField()),
            ],
            options={"verbose_name": "scheduler", "verbose_name_plural": "schedulers"},
        ),
        migrations.CreateModel(
            name="DjangoJobNumber",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("value", models.BigIntegerField()),
            ],
        ),
        migrations.AlterModelOptions(
            "DjangoJob",
            {"ordering": ("next_run_time",), "verbose_name": "job", "verbose_name_plural": "jobs"},
        ),
        migrations.AlterModelOptions(
            "DjangoJobExecution",
            {"ordering": ("-run_time",), "verbose_name": "execution", "verbose_name_plural": "executions"},
        ),
        # The foreign key first, because MySQL keeps an index that one needs.
        migrations.AlterField(
            "DjangoJobExecution",
            "job",
            models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                to="django_apscheduler.djangojob",
                verbose_name="job",
            ),
        ),
        migrations.RemoveConstraint("DjangoJobExecution", "unique_job_executions"),
        migrations.AddField(
            "DjangoJob", "next_run_stamp", models.FloatField(db_index=True, editable=False, null=True)
        ),
        migrations.AddField("DjangoJob", "asked_stamp", models.FloatField(editable=False, null=True)),
        migrations.AddField("DjangoJob", "revision", models.BigIntegerField(default=0, editable=False)),
        migrations.AddField(
            "DjangoJobExecution", "attempt", models.IntegerField(default=1, verbose_name="attempt")
        ),
        migrations.AddField(
            "DjangoJobExecution", "finished_stamp", models.FloatField(editable=False, null=True)
        ),
        migrations.AddField(
            "DjangoJobExecution",
            "node",
            models.CharField(max_length=64, null=True, verbose_name="scheduler"),
        ),
        migrations.AddField(
            "DjangoJobExecution",
            "reason",
            models.TextField(
                help_text="Why it did not run, or not to its end.", null=True, verbose_name="reason"
            ),
        ),
        migrations.AddField("DjangoJobExecution", "rerun_state", models.BinaryField(null=True)),
        migrations.AddField("DjangoJobExecution", "result", models.BinaryField(null=True)),
        migrations.AddField(
            "DjangoJobExecution", "revision", models.BigIntegerField(default=0, editable=False)
        ),
        migrations.AddField("DjangoJobExecution", "run_stamp", models.FloatField(editable=False, null=True)),
        migrations.AddField(
            "DjangoJobExecution", "started_stamp", models.FloatField(editable=False, null=True)
        ),
        migrations.AlterField(
            "DjangoJob",
            "id",
            models.CharField(
                max_length=255,
                primary_key=True,
                serialize=False,
                verbose_name="id",
            ),
        ),
        migrations.AlterField(
            "DjangoJob",
            "next_run_time",
            models.DateTimeField(
                blank=True,
                db_index=True,
                help_text="Empty while the job is paused.",
                null=True,
                verbose_name="next run",
            ),
        ),
    ]

"""The two tables, as early versions of django-apscheduler made them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Make the tables of jobs and executions."""

    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="DjangoJob",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=255, unique=True)),
                ("next_run_time", models.DateTimeField(db_index=True)),
                ("job_state", models.BinaryField()),
            ],
            options={"ordering": ("next_run_time",)},
        ),
        migrations.CreateModel(
            name="DjangoJobExecution",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("status", models.CharField(max_length=50)),
                ("run_time", models.DateTimeField(db_index=True)),
                ("duration", models.DecimalField(decimal_places=2, default=None, max_digits=15, null=True)),
                ("started", models.DecimalField(decimal_places=2, default=None, max_digits=15, null=True)),
                ("finished", models.DecimalField(decimal_places=2, default=None, max_digits=15, null=True)),
                ("exception", models.CharField(max_length=1000, null=True)),
                ("traceback", models.TextField(null=True)),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="django_apscheduler.djangojob"
                    ),
                ),
            ],
            options={"ordering": ("-run_time",)},
        ),
    ]

"""A job without a next run time is paused."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Allow jobs without a next run time."""

    dependencies = [("django_apscheduler", "0001_initial")]
    operations = [
        migrations.AlterField(
            "DjangoJob", "next_run_time", models.DateTimeField(blank=True, db_index=True, null=True)
        )
    ]

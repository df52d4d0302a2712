"""When an execution started follows from when it finished, and its duration."""

from django.db import migrations


class Migration(migrations.Migration):
    """Drop the column."""

    dependencies = [("django_apscheduler", "0007_auto_20200717_1404")]
    operations = [migrations.RemoveField("DjangoJobExecution", "started")]

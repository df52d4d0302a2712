"""The id of a job is its name, so there is no other."""

from django.db import migrations


class Migration(migrations.Migration):
    """Drop the name."""

    dependencies = [("django_apscheduler", "0005_migrate_name_to_id")]
    operations = [migrations.RemoveField("DjangoJob", "name")]

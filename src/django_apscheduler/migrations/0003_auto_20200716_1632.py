"""In django-apscheduler this changed texts only, so nothing is to be done; the name is in the databases of projects."""

from django.db import migrations


class Migration(migrations.Migration):
    """Do nothing."""

    dependencies = [("django_apscheduler", "0002_auto_20180412_0758")]
    operations = []

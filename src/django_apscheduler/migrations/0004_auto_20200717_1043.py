"""Ids of jobs become texts."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Change the type of the ids of jobs; that of the column which refers to them follows."""

    dependencies = [("django_apscheduler", "0003_auto_20200716_1632")]
    operations = [
        migrations.AlterField(
            "DjangoJob", "id", models.CharField(max_length=255, primary_key=True, serialize=False)
        )
    ]

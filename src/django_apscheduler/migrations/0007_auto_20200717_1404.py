"""There may be more executions than fit into four bytes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Widen the ids of executions."""

    dependencies = [("django_apscheduler", "0006_remove_djangojob_name")]
    operations = [
        migrations.AlterField(
            "DjangoJobExecution", "id", models.BigAutoField(primary_key=True, serialize=False)
        )
    ]

"""The name of a job, by which the scheduler knows it, becomes its id."""

from django.db import migrations


def name_to_id(apps, schema_editor):
    """Have jobs and executions refer to jobs by the names of these."""
    connection = schema_editor.connection
    jobs = apps.get_model("django_apscheduler", "DjangoJob").objects.using(connection.alias)
    executions = apps.get_model("django_apscheduler", "DjangoJobExecution").objects.using(connection.alias)
    with connection.constraint_checks_disabled():  # because MySQL would check after each row
        for number, name in list(jobs.values_list("id", "name")):
            executions.filter(job_id=number).update(job_id=name)
            jobs.filter(id=number).update(id=name)


class Migration(migrations.Migration):
    """Rewrite the ids."""

    dependencies = [("django_apscheduler", "0004_auto_20200717_1043")]
    operations = [migrations.RunPython(name_to_id, migrations.RunPython.noop)]

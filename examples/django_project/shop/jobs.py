"""The jobs of the shop: `manage.py runapscheduler` finds this module and runs them."""

import time

from django.contrib.auth import get_user_model

from django_apscheduler.jobstores import register_job
from django_apscheduler.models import DjangoJobExecution


@register_job("interval", seconds=2, id="count_customers")
def count_customers():
    """Use the database, as jobs do."""
    return get_user_model().objects.count()


@register_job("interval", seconds=5, id="reserve_stock")
def reserve_stock():
    """Take longer than its interval every time, so that some run times are skipped."""
    time.sleep(7)


@register_job("interval", seconds=4, id="import_prices")
def import_prices():
    """Fail, because there is no such file."""
    with open("prices.csv") as file:  # noqa: PTH123
        return file.read()


@register_job("cron", hour=3, minute=30, day_of_week="mon-fri", id="nightly_report", misfire_grace_time=3600)
def nightly_report():
    """Be run at night, or when somebody asks for it in the admin."""
    return "sent to 3 people"


@register_job("cron", hour=4, id="clean_up", misfire_grace_time=None)
def clean_up():
    """Remove the executions that are older than a week."""
    DjangoJobExecution.objects.delete_old_job_executions(7 * 24 * 3600)

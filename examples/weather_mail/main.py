"""Mail the weather forecast every morning, and try again later where the page or the mail server does not answer.

    pip install httpx selectolax
    python main.py beijing          # waits until half past seven
    python main.py beijing --now    # the first mail at once

Where the page is, and the mail server, is said by the variables at the top of forecast.py. Jobs and their runs are kept
in weather.sqlite, so the next start goes on where this one was, and Ctrl-C shows what has happened.
"""

import os
import sys
from datetime import UTC, datetime, timedelta

from forecast import mail_forecast

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.schedulers.blocking import BlockingScheduler

ATTEMPTS = 4
FIRST_PAUSE = float(os.environ.get("FIRST_PAUSE", "60"))
"""Seconds before the second attempt; each further pause is twice as long."""

scheduler = BlockingScheduler(
    jobstores={"default": {"type": "sqlalchemy", "url": "sqlite:///weather.sqlite"}},
    timezone=os.environ.get("TZ_NAME", "Asia/Shanghai"),
    # A mail that is two hours late is better than none: the machine may have slept at half past seven.
    job_defaults={"misfire_grace_time": 7200},
)


def try_again(event: JobExecutionEvent) -> None:
    """After a failure, add a job that runs once, with the number of the attempt in its id."""
    city, _, number = event.job_id.partition(", attempt ")
    attempt = int(number or 1) + 1
    if attempt <= ATTEMPTS:
        pause = FIRST_PAUSE * 2 ** (attempt - 2)
        scheduler.add_job(
            mail_forecast,
            "date",
            [city],
            run_date=datetime.now(UTC) + timedelta(seconds=pause),
            id=f"{city}, attempt {attempt}",
            replace_existing=True,
        )


def tell(event: JobExecutionEvent) -> None:
    print(f"{event.job_id}: {event.retval or repr(event.exception)}", flush=True)


if __name__ == "__main__":
    city = sys.argv[1]
    scheduler.add_listener(tell, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
    scheduler.add_listener(try_again, EVENT_JOB_ERROR)
    scheduler.add_job(
        mail_forecast, "cron", [city], hour=7, minute=30, id=city, replace_existing="if_changed"
    )
    if "--now" in sys.argv:
        scheduler.add_job(mail_forecast, args=[city], id=f"{city}, attempt 1", replace_existing=True)
    try:
        scheduler.start()
    except KeyboardInterrupt:
        pass
    for run in reversed(scheduler.get_runs(limit=20)):
        print(f"{run.job_id:20} {run.status:10} {run.result or run.error or run.reason}")

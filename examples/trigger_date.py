"""The date trigger: once, at a given time; without one, now."""

import time
from datetime import datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler

if __name__ == "__main__":
    scheduler = BackgroundScheduler()
    scheduler.start()
    far = scheduler.add_job(print, "date", ["far"], run_date="2099-12-31 23:59:59", timezone="UTC", id="far")
    print("next run of far:", far.next_run_time)
    soon = datetime.now() + timedelta(seconds=0.5)
    scheduler.add_job(print, "date", ["half a second later"], run_date=soon)
    scheduler.add_job(print, args=["at once"])
    time.sleep(0.8)
    print("still to come:", [job.id for job in scheduler.get_jobs()])
    scheduler.shutdown()

"""The interval trigger: every so many weeks, days, hours, minutes and seconds, between two dates if given."""

from datetime import UTC, datetime

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

if __name__ == "__main__":
    trigger = IntervalTrigger(
        hours=2, start_date="2030-01-10 09:30:00", end_date="2030-01-10 15:00:00", timezone="UTC"
    )
    time = trigger.get_next_fire_time(None, datetime(2030, 1, 1, tzinfo=UTC))
    while time is not None:
        print(time)
        time = trigger.get_next_fire_time(time, time)

    scheduler = BackgroundScheduler(timezone="UTC")
    job = scheduler.add_job(print, trigger, ["every two hours"])
    scheduler.start(paused=True)
    job.modify(minutes=5)  # an argument of its trigger
    print("now it is", job.trigger)
    job.reschedule("interval", days=1)
    print("and now", job.trigger)
    scheduler.shutdown()

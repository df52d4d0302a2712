"""A trigger of your own: one method, and it must be picklable where the job store persists."""

# ruff: noqa: D102 - what the method does is said in BaseTrigger

import time
from datetime import datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger


class BackingOff(BaseTrigger):
    """Fires after `first` seconds, then each time after twice as long, `times` times."""

    def __init__(self, first: float, times: int) -> None:
        self.first, self.times = first, times
        self.start = datetime.now().astimezone()

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        delays = [self.first * (2**n - 1) for n in range(1, self.times + 1)]
        for fire_time in (self.start + timedelta(seconds=delay) for delay in delays):
            if previous_fire_time is None or fire_time > previous_fire_time:
                return fire_time
        return None  # nothing more to come: the job is removed

    def __str__(self) -> str:
        return f"backing off from {self.first} s"


if __name__ == "__main__":
    scheduler = BackgroundScheduler(timezone="UTC")
    job = scheduler.add_job(lambda: print("tried"), BackingOff(0.2, times=3), id="try")
    scheduler.start()
    print(job.trigger)
    time.sleep(1.7)
    print("still scheduled:", scheduler.get_job("try") is not None)
    scheduler.shutdown()
